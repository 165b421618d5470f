"""From the mask on show to a label, and back: one history for prompts and labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari_sam21.annotation import History
from napari_sam21.core.embedding import Answer
from napari_sam21.core.errors import LayerError, Sam21Error
from napari_sam21.editor import Crop, ImageEditor
from napari_sam21.layers.navigate import go_to, planes_with
from napari_sam21.layers.output import (
    check_output,
    still_fits,
    take_back,
    write_again,
)
from napari_sam21.layers.planes import Plane
from napari_sam21.layers.prompts import Mark
from napari_sam21.layers.target import OutputTarget
from napari_sam21.steps import AnyStep, CommitStep, PromptStep

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

Say = Callable[[str, bool], None]
"""Takes a word to the user, and whether it is about something to mend."""


class Committer:
    """Commits, undoes and redoes.

    Parameters
    ----------
    viewer : napari.Viewer
    target : OutputTarget
        Where objects become labels.
    put_aside : dict of image id to tuple of Mark
        Prompts of images that are not being annotated.
    say : callable
        Tells the user.

    Attributes
    ----------
    policy : str
        What becomes of labels that are there: a key of `layers.output.POLICIES`.
    history : History
    """

    def __init__(
        self,
        viewer: ViewerModel,
        target: OutputTarget,
        put_aside: dict[Any, tuple[Mark, ...]],
        say: Say,
    ) -> None:
        self._viewer = viewer
        self._target = target
        self._put_aside = put_aside
        self._say = say
        self._waiting: tuple[Plane, Answer] | None = None
        self.policy = "keep"
        self.history: History[AnyStep] = History()

    @property
    def waits(self) -> bool:
        """Whether a commit waits until the labels that are there are counted."""
        return self._waiting is not None

    def stop_waiting(self) -> None:
        """Forget a commit that waits: something else was asked for."""
        self._waiting = None

    def image_left(self) -> None:
        """Forget what only made sense on the image that was left."""
        self._waiting = None
        self.history.keep_only(lambda step: isinstance(step, CommitStep))

    def layer_removed(self, layer: Layer) -> None:
        """Forget commits to or from a layer that is gone."""
        self.history.keep_only(
            lambda step: (
                not isinstance(step, CommitStep)
                or (step.labels != layer and step.image != layer)
            )
        )

    def prompts_edited(self, before: tuple[Mark, ...], after: tuple[Mark, ...]) -> None:
        """Remember a change of the points."""
        if before != after:
            self.history.push(PromptStep(before, after))

    def commit(self, editor: ImageEditor | None) -> bool:
        """Make the mask on show a label; return whether that is done."""
        self._waiting = None
        crop = None if editor is None else editor.crop()
        if editor is None or crop is None:
            self._say("Nothing to commit yet: click on an object first.", False)
        elif crop[0].size == 0:
            self._say("This candidate is empty: try another (J, K), or click.", False)
        else:
            try:
                return self._commit(editor, crop)
            except Sam21Error as error:
                self._say(str(error), True)
        return False

    def counted(self, editor: ImageEditor | None) -> None:
        """Commit what waits for the count, if it is still what is on show."""
        waiting, self._waiting = self._waiting, None
        if waiting is None or editor is None:
            return
        answer = editor.draft().answer
        same = answer is waiting[1] and editor.shown() == waiting[0]
        if same:
            self.commit(editor)
        else:
            self._say("The object was not committed: something else is on show.", True)

    def _commit(self, editor: ImageEditor, crop: Crop) -> bool:
        plane, answer = editor.plane(), editor.draft().answer
        if self._target.prepare(editor.image):
            return self._write(editor, plane, crop)
        if answer is not None:
            self._waiting = (plane, answer)
            self._say("Counting the labels that are there…", False)
        return False

    def _write(self, editor: ImageEditor, plane: Plane, crop: Crop) -> bool:
        draft, before = editor.draft(), editor.marks
        labels, delta, word = self._target.write(plane, crop, self.policy)
        if delta is None:
            self._say(
                "Every pixel of this object belongs to another label already, and "
                "the policy is to keep them: choose “overwrite”, or clear.",
                True,
            )
            return False
        editor.drop_object()
        taken = tuple(mark for mark in before if mark not in editor.marks)
        self.history.push(
            CommitStep(editor.image, plane, labels, delta, draft.last(), taken)
        )
        self._say(word or f"Label {delta.value} is in {labels.name!r}.", False)
        return True

    def undo(self, editor: ImageEditor | None) -> None:
        """Take the last step back: a point, or a commit."""
        self._waiting = None
        step = self.history.undo()
        if step is None:
            self._say("There is nothing to undo.", False)
        elif isinstance(step, PromptStep):
            self._show_prompts(editor, step.after, step.before)
        elif self._can_write(step):
            with self._target.own_write(step.labels):
                take_back(step.labels, step.delta)
            name = step.labels.name
            self._say(f"Label {step.delta.value} was taken out of {name!r}.", False)
            self._give_back(editor, step)

    def redo(self, editor: ImageEditor | None) -> None:
        """Do again what was undone last."""
        self._waiting = None
        step = self.history.redo()
        if step is None:
            self._say("There is nothing to redo.", False)
        elif isinstance(step, PromptStep):
            self._show_prompts(editor, step.before, step.after)
        elif self._can_write(step):
            with self._target.own_write(step.labels):
                write_again(step.labels, step.delta)
            name = step.labels.name
            self._say(f"Label {step.delta.value} is back in {name!r}.", False)
            self._take_again(editor, step)

    def _show_prompts(
        self,
        editor: ImageEditor | None,
        before: tuple[Mark, ...],
        after: tuple[Mark, ...],
    ) -> None:
        """Replace the points, where the user sees them change."""
        if editor is None:
            return
        self._say("", False)
        plane, changed = editor.shown(), set(before) ^ set(after)
        if plane is not None and changed:
            places = planes_with(tuple(changed), plane)
            if plane not in places:
                go_to(self._viewer, editor.image, places[0])
        editor.set_marks(after)

    def _give_back(self, editor: ImageEditor | None, step: CommitStep) -> None:
        """Bring the prompts of a commit back."""
        if editor is not None and editor.image == step.image:
            go_to(self._viewer, step.image, step.plane)
            known = step.draft if editor.shown() == step.plane else None
            editor.set_marks((*editor.marks, *step.taken), known)
        else:
            key = step.image.unique_id
            self._put_aside[key] = (*self._put_aside.get(key, ()), *step.taken)

    def _take_again(self, editor: ImageEditor | None, step: CommitStep) -> None:
        """Take the prompts of a commit away again."""
        if editor is not None and editor.image == step.image:
            go_to(self._viewer, step.image, step.plane)
            editor.set_marks(_without(editor.marks, step.taken))
        else:
            key = step.image.unique_id
            self._put_aside[key] = _without(self._put_aside.get(key, ()), step.taken)

    def _can_write(self, step: CommitStep) -> bool:
        """Whether the labels of a step can still be changed, else a word."""
        try:
            check_output(step.labels, step.image)
            if not still_fits(step.labels, step.delta):
                raise LayerError(f"{step.labels.name!r} has another shape now")
        except LayerError as error:
            self._say(str(error), True)
            return False
        return True


def _without(marks: tuple[Mark, ...], taken: tuple[Mark, ...]) -> tuple[Mark, ...]:
    return tuple(mark for mark in marks if mark not in taken)
