"""The steps of the one history: what was done, and what is needed to take it back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_sam21.annotation import Draft
from napari_sam21.control.facts import Part, Told
from napari_sam21.core.delta import Delta
from napari_sam21.core.retouch import Retouch
from napari_sam21.layers.planes import Plane
from napari_sam21.layers.prompts import Mark
from napari_sam21.layers.target import NEW
from napari_sam21.session.change import Change

if TYPE_CHECKING:
    from napari.layers import Image, Labels

How = Mapping[str, Any]
"""How it came about, in plain values for the journal; see `telling`."""

MARK_BYTES = 200
"""About what one point costs in memory."""


@dataclass(frozen=True)
class PromptStep:
    """The prompts of an image changed."""

    before: tuple[Mark, ...]
    after: tuple[Mark, ...]

    @property
    def nbytes(self) -> int:
        """Memory it takes, in bytes."""
        return MARK_BYTES * (len(self.before) + len(self.after))


@dataclass(frozen=True, eq=False)
class BrushStep(PromptStep):
    """The user brushed the preview; the points are what they were.

    Attributes
    ----------
    plane : Plane
    was, now : Retouch or None
        All strokes over the mask, before and after.
    """

    plane: Plane
    was: Retouch | None
    now: Retouch

    @property
    def nbytes(self) -> int:
        """Memory it takes, in bytes; the strokes before belong to the step before."""
        return super().nbytes + self.now.nbytes


@dataclass(frozen=True, eq=False)
class CommitStep:
    """An object became a label, and its prompts went.

    Only what the step took away is kept: the points of other objects may have changed
    when it is undone.

    Attributes
    ----------
    kind : str
        What it did: one of `layers.target.KINDS`.
    class_name : str
        Of the object; empty if it was given none.
    """

    image: Image
    plane: Plane
    labels: Labels
    delta: Delta
    draft: Draft
    taken: tuple[Mark, ...]
    kind: str = NEW
    class_name: str = ""
    how: How = field(default_factory=dict)

    @property
    def what(self) -> Delta:
        """What it changed."""
        return self.delta

    @property
    def nbytes(self) -> int:
        """Memory of the write and of the answers kept with it, in bytes."""
        return self.delta.nbytes + self.draft.nbytes


@dataclass(frozen=True, eq=False)
class ManyStep:
    """Many objects became labels at once.

    Attributes
    ----------
    deltas : tuple of Delta
        In the order in which they were written.
    count : int
        Of the objects.
    draft, taken, how
        As in `CommitStep`, of an object that was carried through slices.
    parts : tuple of (int, Part)
        Labels, and what is known of each on a plane.
    class_name : str
        Of the new ones; empty if they were given none.
    as_one : bool
        Whether all of them got the label of their class.
    planes, scores
        Where each delta lies, and the predicted IoU of what was written, if known.
    """

    image: Image
    plane: Plane
    labels: Labels
    deltas: tuple[Delta, ...]
    count: int
    draft: Draft
    taken: tuple[Mark, ...]
    parts: tuple[tuple[int, Part], ...] = ()
    class_name: str = ""
    as_one: bool = False
    how: How = field(default_factory=dict)
    planes: tuple[Plane, ...] = ()
    scores: tuple[float | None, ...] = ()

    @property
    def nbytes(self) -> int:
        """Memory of all writes and of the answers kept with them, in bytes."""
        return sum(delta.nbytes for delta in self.deltas) + self.draft.nbytes


@dataclass(frozen=True, eq=False)
class StrokeStep:
    """The user changed labels with napari's own tools."""

    labels: Labels
    change: Change

    @property
    def what(self) -> Change:
        """What it changed."""
        return self.change

    @property
    def nbytes(self) -> int:
        """Memory of the change, in bytes."""
        return self.change.nbytes


@dataclass(frozen=True, eq=False)
class RelabelStep:
    """Labels were merged into another one, or deleted.

    Attributes
    ----------
    labels : Labels
    changes : tuple of Change
        No two of them touch the same element.
    old : tuple of int
        The labels that are gone.
    new : int
        What they became; 0 if they were deleted.
    """

    labels: Labels
    changes: tuple[Change, ...]
    old: tuple[int, ...]
    new: int

    @property
    def cause(self) -> str:
        """As a journal names it."""
        return "merge" if self.new else "delete"

    @property
    def nbytes(self) -> int:
        """Memory of the changes, in bytes."""
        return sum(change.nbytes for change in self.changes)


@dataclass(frozen=True, eq=False)
class TellStep:
    """What is known of some labels was changed: their class."""

    labels: Labels
    told: Told

    @property
    def nbytes(self) -> int:
        """About what it costs in memory, in bytes."""
        return MARK_BYTES * (len(self.told.before) + len(self.told.after))


LabelStep = CommitStep | ManyStep | StrokeStep | RelabelStep
"""What changes pixels."""

AnyStep = PromptStep | LabelStep | TellStep


def parts_of(step: LabelStep) -> tuple[Delta | Change, ...]:
    """Return what a step changed, piece by piece."""
    if isinstance(step, ManyStep):
        return step.deltas
    return step.changes if isinstance(step, RelabelStep) else (step.what,)
