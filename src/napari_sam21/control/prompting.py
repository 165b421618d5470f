"""Prompts come back and go again, as the steps that took them are undone and redone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sam21.control.aside import PutAside
from napari_sam21.control.editor import ImageEditor
from napari_sam21.control.steps import BrushStep, CommitStep, ManyStep, PromptStep
from napari_sam21.layers.navigate import go_to, planes_with
from napari_sam21.layers.prompts import Mark

if TYPE_CHECKING:
    from napari.components import ViewerModel


Objects = CommitStep | ManyStep


class Prompting:
    """Puts prompts where they were, on the image that is shown or aside.

    Parameters
    ----------
    viewer : napari.Viewer
    put_aside : PutAside
        Prompts of images that are not being annotated.
    """

    def __init__(self, viewer: ViewerModel, put_aside: PutAside) -> None:
        self._viewer = viewer
        self._put_aside = put_aside

    def show(self, editor: ImageEditor, step: PromptStep, back: bool) -> None:
        """Take a change of the prompts back or do it again, where the user sees it."""
        if isinstance(step, BrushStep):
            go_to(self._viewer, editor.image, step.plane)
            editor.retouch(step.was if back else step.now)
            return
        plane, changed = editor.shown(), set(step.before) ^ set(step.after)
        if plane is not None and changed:
            places = planes_with(tuple(changed), plane)
            if plane not in places:
                go_to(self._viewer, editor.image, places[0])
        editor.set_marks(step.before if back else step.after)

    def give_back(self, editor: ImageEditor | None, step: Objects) -> None:
        """Bring the prompts of a commit back."""
        if editor is not None and editor.image == step.image:
            go_to(self._viewer, step.image, step.plane)
            same = bool(step.taken) and editor.shown() == step.plane
            known = step.draft if same else None
            editor.set_marks((*editor.marks, *step.taken), known)
        else:
            self._put_aside.change(step.image, lambda marks: (*marks, *step.taken))

    def take_again(self, editor: ImageEditor | None, step: Objects) -> None:
        """Take the prompts of a commit away again."""
        if editor is not None and editor.image == step.image:
            go_to(self._viewer, step.image, step.plane)
            editor.set_marks(_without(editor.marks, step.taken))
        else:
            self._put_aside.change(step.image, lambda m: _without(m, step.taken))


def _without(marks: tuple[Mark, ...], taken: tuple[Mark, ...]) -> tuple[Mark, ...]:
    return tuple(mark for mark in marks if mark not in taken)
