"""The steps of the one history: what was done, and what is needed to take it back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from napari_sam21.annotation import Draft
from napari_sam21.core.delta import Delta
from napari_sam21.layers.planes import Plane
from napari_sam21.layers.prompts import Mark
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
class CommitStep:
    """An object became a label, and its prompts went.

    Only what the step took away is kept: the points of other objects may have changed
    when it is undone.
    """

    image: Image
    plane: Plane
    labels: Labels
    delta: Delta
    draft: Draft
    taken: tuple[Mark, ...]
    how: How = field(default_factory=dict)

    @property
    def what(self) -> Delta:
        """What it changed."""
        return self.delta

    @property
    def nbytes(self) -> int:
        """Memory of the write and of the answers kept with it, in bytes."""
        answers = sum(each.answer.logits.nbytes for each in self.draft.rounds)
        return self.delta.nbytes + answers


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
    how: How = field(default_factory=dict)
    planes: tuple[Plane, ...] = ()
    scores: tuple[float | None, ...] = ()

    @property
    def nbytes(self) -> int:
        """Memory of all writes and of the answers kept with them, in bytes."""
        answers = sum(each.answer.logits.nbytes for each in self.draft.rounds)
        return sum(delta.nbytes for delta in self.deltas) + answers


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


LabelStep = CommitStep | ManyStep | StrokeStep
AnyStep = PromptStep | LabelStep
