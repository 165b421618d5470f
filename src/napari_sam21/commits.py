"""From the mask on show to a label, and back: one history for prompts and labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeGuard

from napari_sam21.annotation import History
from napari_sam21.core.errors import Sam21Error
from napari_sam21.editor import Crop, ImageEditor
from napari_sam21.layers.navigate import go_to
from napari_sam21.layers.output import take_back, write_again
from napari_sam21.layers.prompts import Mark
from napari_sam21.layers.target import OutputTarget
from napari_sam21.steps import AnyStep, CommitStep, PromptStep

if TYPE_CHECKING:
    from napari.components import ViewerModel

Say = Callable[[str, bool], None]
"""Takes a word to the user, and whether it is about something to mend."""


class Committer:
    """Commits, undoes and redoes.

    Parameters
    ----------
    viewer : napari.Viewer
    target : OutputTarget
        Where objects become labels.
    say : callable
        Tells the user.

    Attributes
    ----------
    policy : str
        What becomes of labels that are there: a key of `layers.output.POLICIES`.
    history : History
    """

    def __init__(self, viewer: ViewerModel, target: OutputTarget, say: Say) -> None:
        self._viewer = viewer
        self._target = target
        self._say = say
        self._waits = False
        self.policy = "keep"
        self.history: History[AnyStep] = History()

    @property
    def waits(self) -> bool:
        """Whether a commit waits until the labels that are there are counted."""
        return self._waits

    def image_left(self) -> None:
        """Forget what only made sense on the image that was left."""
        self._waits = False
        self.history.keep_only(CommitStep)

    def prompts_edited(self, before: tuple[Mark, ...], after: tuple[Mark, ...]) -> None:
        """Remember a change of the points."""
        if before != after:
            self.history.push(PromptStep(before, after))

    def commit(self, editor: ImageEditor | None) -> None:
        """Make the mask on show a label."""
        self._waits = False
        crop = None if editor is None else editor.crop()
        if editor is None or crop is None:
            self._say("Nothing to commit yet: click on an object first.", False)
        elif crop[0].size == 0:
            self._say("This candidate is empty: try another (J, K), or click.", False)
        else:
            try:
                self._commit(editor, crop)
            except Sam21Error as error:
                self._say(str(error), True)

    def _commit(self, editor: ImageEditor, crop: Crop) -> None:
        if self._target.prepare(editor.image):
            self._write(editor, crop)
        else:
            self._waits = True
            self._say("Counting the labels that are there…", False)

    def _write(self, editor: ImageEditor, crop: Crop) -> None:
        plane, draft, before = editor.plane(), editor.draft(), editor.marks
        labels, delta, word = self._target.write(plane, crop, self.policy)
        if delta is None:
            self._say(
                "Every pixel of this object belongs to another label already, and "
                "the policy is to keep them: choose “overwrite”, or clear.",
                False,
            )
            return
        editor.drop_object()
        step = CommitStep(
            editor.image, plane, labels, delta, draft.last(), before, editor.marks
        )
        self.history.push(step)
        self._say(word or f"Label {delta.value} is in {labels.name!r}.", False)

    def undo(self, editor: ImageEditor | None) -> None:
        """Take the last step back: a point, or a commit."""
        step = self.history.undo()
        if step is None:
            self._say("There is nothing to undo.", False)
        elif isinstance(step, CommitStep):
            if self._labels_are_there(step):
                take_back(step.labels, step.delta)
                self._say(f"Label {step.delta.value} was taken back.", False)
            if self._comes_to(editor, step):
                editor.set_marks(step.before, step.draft)
        elif editor is not None:
            self._say("", False)
            editor.set_marks(step.before)

    def redo(self, editor: ImageEditor | None) -> None:
        """Do again what was undone last."""
        step = self.history.redo()
        if step is None:
            self._say("There is nothing to redo.", False)
        elif isinstance(step, CommitStep):
            if self._labels_are_there(step):
                write_again(step.labels, step.delta)
                self._say(f"Label {step.delta.value} is back.", False)
            if self._comes_to(editor, step):
                editor.set_marks(step.after)
        elif editor is not None:
            self._say("", False)
            editor.set_marks(step.after)

    def _comes_to(
        self, editor: ImageEditor | None, step: CommitStep
    ) -> TypeGuard[ImageEditor]:
        """Show the plane of a step, if its image is the one being annotated."""
        if editor is None or editor.image != step.image:
            return False
        go_to(self._viewer, step.image, step.plane)
        return True

    def _labels_are_there(self, step: CommitStep) -> bool:
        there = bool(step.labels in self._viewer.layers)
        if not there:
            name = step.labels.name
            self._say(f"Labels layer {name!r} is no longer in the viewer.", True)
        return there
