"""Shows the mask that a click would give, under the mouse, before it is made.

When the button goes down the click is asked about that is made when it goes up: mostly
its answer is there by then.

Every place of the mouse is a question, and only the newest is answered: the decoder
goes on to it by itself, and never waits for a drawing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from napari_sam21.annotation import choose_candidate
from napari_sam21.control.editor import ImageEditor
from napari_sam21.core.embedding import Answer
from napari_sam21.core.prompts import BOX, POSITIVE, Prompts
from napari_sam21.inference import Inference
from napari_sam21.layers.planes import Plane, is_inside
from napari_sam21.layers.prompts import Mark, prompts_on

if TYPE_CHECKING:
    from napari.components import ViewerModel

RowColumn = tuple[float, float]
LEFT = 1
"""Of the mouse's buttons, as vispy counts them."""


class Hover:
    """Asks about the pixel under the mouse, while no object is in the making.

    Parameters
    ----------
    viewer : napari.Viewer
    inference : Inference
    editor : callable
        Returns the editor of the image that is annotated, or None.

    Attributes
    ----------
    enabled : bool
    """

    def __init__(
        self,
        viewer: ViewerModel,
        inference: Inference,
        editor: Callable[[], ImageEditor | None],
    ) -> None:
        self._viewer, self._inference, self._editor = viewer, inference, editor
        self._asked: tuple[Plane, RowColumn] | None = None
        self.enabled = True
        viewer.mouse_move_callbacks.append(self._moved)
        viewer.mouse_drag_callbacks.append(self._pressed)
        viewer.events.mouse_over_canvas.connect(self._left)
        viewer.layers.selection.events.active.connect(self._switched)

    def close(self) -> None:
        """Stop listening."""
        for callbacks, own in (
            (self._viewer.mouse_move_callbacks, self._moved),
            (self._viewer.mouse_drag_callbacks, self._pressed),
        ):
            if own in callbacks:
                callbacks.remove(own)
        self._viewer.events.mouse_over_canvas.disconnect(self._left)
        self._viewer.layers.selection.events.active.disconnect(self._switched)

    def switch(self, enabled: bool) -> None:
        """Show masks under the mouse from now on, or do not."""
        self.enabled = enabled
        if not enabled:
            self._end()

    def _moved(self, viewer: Any, event: Any) -> None:
        editor = self._editor()
        if self.enabled and not event.is_dragging and editor is not None:
            self._ask(editor, event.position)

    def _pressed(self, viewer: Any, event: Any) -> None:
        """Ask what the click will ask, if it becomes one."""
        editor = self._editor()
        plane = None if editor is None else editor.shown()
        if editor is None or plane is None or not _may_click(editor, event):
            return
        points = editor.scene.prompts
        position = tuple(map(float, points.layer.world_to_data(event.position)))
        mark = Mark(position, points.next_label)
        prompts = prompts_on((*editor.marks, mark), plane)
        draft = editor.draft_on(plane)
        source = editor.source(plane, editor.region_on(plane))
        embedding = draft.embedding or self._inference.ready(source)
        if embedding is not None and is_inside(position, editor.image):
            previous = draft.ask(prompts).feedback_for(embedding)
            self._inference.foretell(embedding, prompts, previous)

    def _left(self, event: Any = None) -> None:
        if not self._viewer.mouse_over_canvas:
            self._end()

    def _switched(self, event: Any = None) -> None:
        """A hint must not be there to be brushed."""
        editor = self._editor()
        if editor is not None and not editor.scene.clickable:
            self._end()

    def _ask(self, editor: ImageEditor, where: Sequence[float]) -> None:
        """Ask about where the mouse is."""
        found = _under(editor, where)
        if found is None:
            self._end()
            return
        plane, point = found
        pixel = (plane, (float(round(point[0])), float(round(point[1]))))
        if pixel == self._asked:
            return
        region = editor.region_on(plane)
        embedding = None
        if region.contains(*point):
            embedding = self._inference.ready(editor.source(plane, region))
        if embedding is None:
            return
        self._asked = pixel
        prompts = Prompts([point], [POSITIVE])
        self._inference.foretell(
            embedding,
            prompts,
            done=lambda answer: self._answered(plane, prompts, answer),
            failed=self._failed,
        )

    def _answered(self, plane: Plane, prompts: Prompts, answer: Answer) -> None:
        editor = self._editor()
        if editor is None or self._asked is None or not self.enabled:
            return
        if editor.shown() == plane and _is_free(editor, plane):
            chosen = answer.choose(choose_candidate(answer, prompts, None))
            editor.scene.preview.draw(chosen, plane, hint=True)

    def _failed(self, error: BaseException) -> None:
        """A click will tell what is wrong; a mouse that passes by need not."""
        self._asked = None

    def _end(self) -> None:
        """Take the hint away, unless an object is in the making by now."""
        self._asked = None
        editor = self._editor()
        if editor is not None and editor.scene.preview.hints:
            editor.scene.preview.clear()


def _may_click(editor: ImageEditor, event: Any) -> bool:
    """Whether a button that is pressed may become a click that adds a point."""
    points = editor.scene.prompts
    adds = points.layer.mode == "add" and points.next_label != BOX
    return event.button == LEFT and editor.scene.clickable and adds


def _is_free(editor: ImageEditor, plane: Plane) -> bool:
    """Whether the next click on a plane begins an object."""
    waits = editor.scene.clickable and editor.scene.prompts.next_label != BOX
    return waits and not editor.draft_on(plane).prompts


def _under(
    editor: ImageEditor, world: Sequence[float]
) -> tuple[Plane, RowColumn] | None:
    """The pixel of the image that a click at a place of the world would name."""
    plane = editor.shown()
    if plane is None or not _is_free(editor, plane):
        return None
    position = tuple(float(each) for each in editor.image.world_to_data(world))
    point = plane.point_rc(position) if is_inside(position, editor.image) else None
    return None if point is None else (plane, point)
