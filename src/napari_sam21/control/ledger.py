"""What was done to labels, by us and by napari's tools: one history, one journal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from napari_sam21.annotation import History
from napari_sam21.control.hindsight import as_it_was
from napari_sam21.control.recorder import Recorder
from napari_sam21.control.steps import (
    AnyStep,
    CommitStep,
    LabelStep,
    ManyStep,
    PromptStep,
    RelabelStep,
    StrokeStep,
    TellStep,
    parts_of,
)
from napari_sam21.control.telling import Told, plain_marks, told_of
from napari_sam21.core.errors import ImageError
from napari_sam21.core.witness import Witness
from napari_sam21.layers.prompts import Mark
from napari_sam21.layers.relabel import held
from napari_sam21.layers.strokes import Strokes
from napari_sam21.session.change import Change

if TYPE_CHECKING:
    from napari.layers import Image, Labels

UNDONE, REDONE = "undone", "redone"
CAUSES = {UNDONE: "undo", REDONE: "redo"}

Followed = Callable[[AnyStep, str], None]


class Ledger:
    """The history, kept in step with what others do to the labels.

    Parameters
    ----------
    recorder : Recorder
    witness : Witness
        Knows how embeddings were made.
    followed : callable
        Gets a step of the history, and whether napari's own undo took it back or its
        redo did it again.

    Attributes
    ----------
    history : History
    hearer : callable
        Gets each step that was done, undone or redone, and which of these; see `wrote`.
    """

    def __init__(
        self, recorder: Recorder, witness: Witness, followed: Followed
    ) -> None:
        self.history: History[AnyStep] = History()
        self.hearer: Callable[[LabelStep | TellStep, str], None] = _unheard
        self._recorder, self._followed = recorder, followed
        self._witness = witness
        # Told once: what undo and redo are about is told in the same words.
        self._told: WeakKeyDictionary[AnyStep, Told] = WeakKeyDictionary()
        self._strokes: Strokes | None = None
        self._image: Image | None = None
        self._labels: Labels | None = None

    def watch(self, image: Image | None, labels: Labels | None) -> None:
        """Listen to the labels that objects of an image go to."""
        self._image = image
        if labels is self._labels:
            return
        self.close()
        self._labels = labels
        # napari has no tools, and no undo, for a pyramid.
        if labels is not None and not labels.multiscale:
            self._strokes = Strokes(labels, self._painted, self._undone, self._redone)

    def close(self) -> None:
        """Stop listening."""
        if self._strokes is not None:
            self._strokes.close()
        self._strokes = self._labels = None

    def ours(self) -> AbstractContextManager[None]:
        """Return a context for writes of our own."""
        return nullcontext() if self._strokes is None else self._strokes.ours()

    def begin(self, image: Image, labels: Labels, is_new: bool) -> None:
        """Be ready for the first write to a layer."""
        self.watch(image, labels)
        try:
            self._recorder.begin(image, labels, is_new)
        except (ImageError, OSError, ValueError, TypeError) as error:
            self._recorder.give_up(f"This image cannot be told from others: {error}")

    def committed(
        self,
        step: CommitStep | ManyStep | RelabelStep | TellStep,
        cause: str = "commit",
    ) -> None:
        """Remember a commit, or what else we did."""
        self.history.push(step)
        self.wrote(step, cause)

    def wrote(self, step: LabelStep | TellStep, cause: str) -> None:
        """Note in the journal what a write of ours left."""
        if isinstance(step, CommitStep | ManyStep):
            # What they left is read: their order is all one.
            deltas = (step.delta,) if isinstance(step, CommitStep) else step.deltas
            for delta, told in zip(deltas, self._objects(step), strict=True):
                self._recorder.wrote(step.labels, delta, cause, told)
        elif isinstance(step, RelabelStep | StrokeStep):
            for change in held(step.labels, parts_of(step)):
                self._recorder.heard(step.labels, change, cause, {})
        self.hearer(step, cause)

    def told(
        self, labels: Labels, facts: dict[str, Any], classes: dict[str, int]
    ) -> None:
        """Note what is known of objects, and the ids of all classes."""
        self._recorder.note(labels, "objects", facts=facts, classes=classes)

    def _objects(self, step: CommitStep | ManyStep) -> Told:
        if step not in self._told:
            self._told[step] = told_of(step, self._witness)
        return self._told[step]

    def prompts(self, marks: Sequence[Mark]) -> None:
        """Note the prompts that are not committed."""
        if self._labels is not None:
            self._recorder.note(self._labels, "prompts", marks=plain_marks(marks))

    # --- what others do ----------------------------------------------------------

    def _painted(self, change: Change) -> None:
        labels, image = self._labels, self._image
        if labels is None:
            return
        self.history.push(StrokeStep(labels, change))
        if image is not None:
            self.begin(image, labels, is_new=False)
        self._recorder.heard(labels, change, "stroke")

    def _undone(self, change: Change) -> None:
        self._follow(change.reversed())

    def _redone(self, change: Change) -> None:
        self._follow(change)

    def _follow(self, change: Change) -> None:
        """Find which step napari took back or did again; else it is a new one.

        napari does not know all steps, and may go back to one that lies under others.
        Taken out from under them it would leave them without what they were made on:
        so that, too, is a new step.
        """
        labels = self._labels
        if labels is None:
            return
        back = change.reversed()
        what, step = UNDONE, self.history.undo_where(_newest(back))
        if step is None:
            what, step = REDONE, self.history.redo_where(_newest(change))
        if step is None:
            seen = as_it_was(change, self.history.done, labels)
            if seen is None:
                return
            change = seen
        told = {}
        if isinstance(step, CommitStep):
            told = {**self._objects(step)[0], "undone": what == UNDONE}
        self._recorder.heard(labels, change, "napari", told)
        if step is None:
            self.history.push(StrokeStep(labels, change))
        else:
            self._followed(step, what)
            self._tell(step, CAUSES[what])

    def _tell(self, step: AnyStep, cause: str) -> None:
        if not isinstance(step, PromptStep):
            self.hearer(step, cause)


def _newest(change: Change) -> Callable[[AnyStep], bool]:
    """Return what fits the first step of labels that it is asked about, if at all."""
    met: list[AnyStep] = []

    def fits(step: AnyStep) -> bool:
        if not isinstance(step, PromptStep | TellStep):
            met.append(step)
        return met[:1] == [step] and _is(step, change)

    return fits


def _unheard(step: LabelStep | TellStep, cause: str) -> None:
    pass


def _is(step: AnyStep, change: Change) -> bool:
    """Whether doing a step makes a change."""
    if isinstance(step, PromptStep | ManyStep | TellStep):  # napari knows none of them
        return False
    if isinstance(step, RelabelStep) and len(step.changes) != 1:
        return False
    if isinstance(step, StrokeStep | RelabelStep):
        made = step.change if isinstance(step, StrokeStep) else step.changes[0]
        corner, changed, after = made.corner, made.changed, made.after
    else:
        corner, changed = step.delta.corner, step.delta.changed
        after = np.asarray(step.delta.value)
    return (
        corner == change.corner
        and np.array_equal(changed, change.changed)
        and bool(np.all(after == change.after))
    )
