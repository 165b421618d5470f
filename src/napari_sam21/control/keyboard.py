"""Prompts without a mouse: one is put in the middle of the view, then moved by keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sam21.control.editor import ImageEditor
from napari_sam21.core.prompts import BOX
from napari_sam21.layers.planes import Plane
from napari_sam21.layers.pointing import RowColumn, middle_of_view, stepped
from napari_sam21.layers.prompts import Mark, with_box

if TYPE_CHECKING:
    from napari.components import ViewerModel

STEP = 8
"""Pixels of the screen that a key moves a prompt by."""
HALF_BOX = 40
"""Pixels of the screen from the middle of a new box to its sides."""


class Keyboard:
    """Puts and moves prompts; without an image, nothing happens."""

    editor: ImageEditor | None
    _viewer: ViewerModel

    def put_prompt(self) -> None:
        """Put the next prompt, a point or a box, in the middle of the view."""
        found = self._at_hand()
        if found is None:
            return
        editor, plane = found
        label = editor.scene.prompts.next_label
        middle = middle_of_view(self._viewer, editor.image, plane)
        if label == BOX:
            ends = ((-HALF_BOX, -HALF_BOX), (HALF_BOX, HALF_BOX))
            corners = [self._step(editor, plane, middle, end) for end in ends]
            editor.scene.prompts.replace(with_box(editor.marks, plane, corners))
        else:
            new = Mark(plane.position(*middle), label)
            editor.scene.prompts.replace((*editor.marks, new))

    def move_up(self) -> None:
        """Move the last prompt up."""
        self._move((-STEP, 0))

    def move_down(self) -> None:
        """Move the last prompt down."""
        self._move((STEP, 0))

    def move_left(self) -> None:
        """Move the last prompt to the left."""
        self._move((0, -STEP))

    def move_right(self) -> None:
        """Move the last prompt to the right."""
        self._move((0, STEP))

    def _move(self, step: RowColumn) -> None:
        """Move the last prompt of the plane on show."""
        found = self._at_hand()
        if found is None:
            return
        editor, plane = found
        marks = list(editor.marks)
        for at in reversed(range(len(marks))):
            point = plane.point_rc(marks[at].position)
            if point is not None:
                there = self._step(editor, plane, point, step)
                marks[at] = Mark(plane.position(*there), marks[at].label)
                editor.scene.prompts.replace(marks)
                return

    def _step(
        self, editor: ImageEditor, plane: Plane, point: RowColumn, step: RowColumn
    ) -> RowColumn:
        return stepped(self._viewer, editor.image, plane, point, step)

    def _at_hand(self) -> tuple[ImageEditor, Plane] | None:
        plane = None if self.editor is None else self.editor.shown()
        if self.editor is None or plane is None:
            return None
        return self.editor, plane
