"""Steps of the one history are taken back, done again, and followed in napari's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sam21.control.aside import PutAside
from napari_sam21.control.doing import Doing
from napari_sam21.control.editor import ImageEditor
from napari_sam21.control.errand import Say
from napari_sam21.control.ledger import Ledger
from napari_sam21.control.prompting import Prompting
from napari_sam21.control.steps import (
    AnyStep,
    CommitStep,
    LabelStep,
    ManyStep,
    PromptStep,
    RelabelStep,
    TellStep,
    parts_of,
)
from napari_sam21.control.words import said_of
from napari_sam21.core.errors import LayerError
from napari_sam21.layers.output import check_output
from napari_sam21.layers.relabel import all_changing
from napari_sam21.layers.target import OutputTarget
from napari_sam21.layers.writing import (
    Steps,
    changing,
    still_fits,
    taking_back,
    writing_again,
)

if TYPE_CHECKING:
    from napari.components import ViewerModel

UNDO, REDO = "undo", "redo"


class Undoing:
    """Goes back and forth.

    Parameters
    ----------
    viewer : napari.Viewer
    doing : Doing
    target : OutputTarget
    ledger : Ledger
    put_aside : PutAside
        Prompts of images that are not being annotated.
    say : callable
        Tells the user.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        doing: Doing,
        target: OutputTarget,
        ledger: Ledger,
        put_aside: PutAside,
        say: Say,
    ) -> None:
        self._doing, self._target, self._ledger = doing, target, ledger
        self._prompting = Prompting(viewer, put_aside)
        self._say = say

    def undo(self, editor: ImageEditor | None) -> None:
        """Take the last step back."""
        step = self._ledger.history.undo()
        if step is None:
            self._say("There is nothing to undo.", False)
        elif isinstance(step, PromptStep):
            self._show_prompts(editor, step, back=True)
        else:
            self._change(editor, step, UNDO)

    def redo(self, editor: ImageEditor | None) -> None:
        """Do again what was undone last."""
        step = self._ledger.history.redo()
        if step is None:
            self._say("There is nothing to redo.", False)
        elif isinstance(step, PromptStep):
            self._show_prompts(editor, step, back=False)
        else:
            self._change(editor, step, REDO)

    def follow(self, editor: ImageEditor | None, step: AnyStep, back: bool) -> None:
        """Napari's own undo took a step of ours back, or its redo did it again."""
        if not isinstance(step, PromptStep):
            self._say(said_of(step, UNDO if back else REDO), False)
            self._followed(editor, step, back)

    def _change(
        self, editor: ImageEditor | None, step: LabelStep | TellStep, cause: str
    ) -> None:
        back = cause == UNDO
        if isinstance(step, TellStep):
            self._say(said_of(step, cause), False)
            self._ledger.wrote(step, cause)
        elif self._can_write(step):
            self._target.reserve(None, 0)
            self._write(step, cause, _backwards(step) if back else _forwards(step))
            self._followed(editor, step, back)

    def _write(self, step: LabelStep, cause: str, steps: Steps) -> None:
        self._say(said_of(step, cause), False)

        def done(problem: str) -> None:
            self._ledger.wrote(step, cause)
            if problem:
                self._say(problem, True)

        self._doing.carry_out(steps, done)

    def _followed(self, editor: ImageEditor | None, step: AnyStep, back: bool) -> None:
        """Prompts of a commit come and go with it."""
        if not isinstance(step, CommitStep | ManyStep):
            return
        if back:
            self._prompting.give_back(editor, step)
        else:
            self._prompting.take_again(editor, step)

    def _show_prompts(
        self, editor: ImageEditor | None, step: PromptStep, back: bool
    ) -> None:
        if editor is not None:
            self._say("", False)
            self._prompting.show(editor, step, back)

    def _can_write(self, step: LabelStep) -> bool:
        """Whether the labels of a step can still be changed, else a word."""
        try:
            if isinstance(step, CommitStep | ManyStep):
                check_output(step.labels, step.image)
            if not all(still_fits(step.labels, part) for part in parts_of(step)):
                raise LayerError(f"{step.labels.name!r} has another shape now")
        except LayerError as error:
            self._say(str(error), True)
            return False
        return True


def _backwards(step: LabelStep) -> Steps:
    if isinstance(step, ManyStep):
        return taking_back(step.labels, *step.deltas)
    if isinstance(step, CommitStep):
        return taking_back(step.labels, step.delta)
    if isinstance(step, RelabelStep):
        return all_changing(step.labels, [each.reversed() for each in step.changes])
    return changing(step.labels, step.change.reversed())


def _forwards(step: LabelStep) -> Steps:
    if isinstance(step, ManyStep):
        return writing_again(step.labels, *step.deltas)
    if isinstance(step, CommitStep):
        return writing_again(step.labels, step.delta)
    if isinstance(step, RelabelStep):
        return all_changing(step.labels, step.changes)
    return changing(step.labels, step.change)
