"""A stroke of the mouse becomes a few points, and is seen while it is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_sam21.core.prompts import BOX, NEGATIVE
from napari_sam21.core.scribbles import scribble_points
from napari_sam21.layers.drag import (
    LEFT_BUTTON,
    RIGHT_BUTTON,
    SMALLEST,
    Drag,
    RowColumn,
)
from napari_sam21.layers.placement import transforms_of
from napari_sam21.layers.planes import Plane, is_inside
from napari_sam21.layers.prompts import POLARITIES, Mark

if TYPE_CHECKING:
    from napari.layers import Image, Shapes

NAME = "SAM scribble"
NOT_OURS = ("Control", "Alt", "Meta")
"""With one of these keys down napari zooms, and macOS means another button."""

STEP = 2
"""Pixels of the screen between two places of the stroke that are kept."""
MOST_CORNERS = 200
"""Of the line that is drawn; a longer one would be slow."""
WIDTH = 4
"""Of the line, in pixels of the screen."""


class ScribbleDrag(Drag):
    """Turns drags into points, while that is switched on.

    The prompts' ``scribbles`` says whether it is. The layer shows the line, while there
    is one.
    """

    def _drag(self, viewer: Any, event: Any) -> Iterator[None]:
        plane = self._plane() if self._is_meant(event) else None
        if plane is None:
            return
        event.handled = True  # or the camera would pan, or zoom
        label, last = self._label(event), np.asarray(event.pos)
        path, start, moved = [self._place(event, plane)], last, False
        give_back = _take_away(self._prompts.layer)
        yield
        give_back()
        while event.type == "mouse_move":
            event.handled = True
            moved = moved or np.abs(event.pos - start).max() > SMALLEST
            if moved and np.abs(event.pos - last).max() >= STEP:
                last = np.asarray(event.pos)
                path.append(self._place(event, plane))
                self._show(path, plane, label)
            yield
        path.append(self._place(event, plane))
        self._end(path, plane, label, moved)

    def _is_meant(self, event: Any) -> bool:
        """Whether a press begins a stroke: not a box, and nothing of napari's own."""
        prompts = self._prompts
        armed = prompts.scribbles and prompts.next_label != BOX and self._active()
        ours = event.button in (LEFT_BUTTON, RIGHT_BUTTON)
        return armed and ours and not any(key in event.modifiers for key in NOT_OURS)

    def _label(self, event: Any) -> int:
        negative = "Shift" in event.modifiers or event.button == RIGHT_BUTTON
        return NEGATIVE if negative else self._prompts.next_label

    def _end(
        self, path: list[RowColumn | None], plane: Plane, label: int, moved: bool
    ) -> None:
        """Put the points where the stroke went; of a click, one where it was."""
        self._show([], plane, label)
        inside = [place for place in path if place is not None]
        if not inside or not self._active():
            return
        if not moved:  # a click, with the sign that the press has set
            self._prompts.layer.add([plane.position(*inside[-1])])
            return
        marks = [Mark(plane.position(*p), label) for p in scribble_points(inside)]
        self._prompts.replace((*self._prompts.marks, *marks))

    def _show(self, path: list[RowColumn | None], plane: Plane, label: int) -> None:
        """Draw the stroke as it is by now."""
        inside = [place for place in path if place is not None]
        line = self._to_draw_on(len(inside) > 1, _make_line)
        if line is not None:
            width = WIDTH * self._pixels_of_a_screen_pixel(plane)
            _draw(line, inside, plane, POLARITIES[label].color, width)

    def _pixels_of_a_screen_pixel(self, plane: Plane) -> float:
        """How many pixels of the image one pixel of the screen is wide, about."""
        camera = getattr(self._viewer, "scene", self._viewer).camera
        origin, unit = np.zeros(plane.ndim), np.zeros(plane.ndim)
        unit[plane.displayed[1]] = 1.0
        ends = [np.asarray(self._image.data_to_world(each)) for each in (origin, unit)]
        return float(1 / (camera.zoom * np.linalg.norm(ends[1] - ends[0])))

    def _place(self, event: Any, plane: Plane) -> RowColumn | None:
        """Row and column under the mouse; None beside the image."""
        place = self._under(event, plane)
        return place if is_inside(plane.position(*place), self._image) else None


def _take_away(points: Any) -> Callable[[], None]:
    """Keep a press from napari's tool; to be undone as soon as it was passed by.

    It would add a point where a stroke ends near its start.
    """
    tools = list(points.mouse_drag_callbacks)
    points.mouse_drag_callbacks.clear()

    def give_back() -> None:
        if not points.mouse_drag_callbacks:  # else another tool was chosen meanwhile
            points.mouse_drag_callbacks.extend(tools)

    return give_back


def _make_line(image: Image) -> Shapes:
    from napari.layers import Shapes

    return Shapes(ndim=image.ndim, name=NAME, opacity=0.8, **transforms_of(image))


def _draw(
    layer: Shapes, path: list[RowColumn], plane: Plane, color: str, width: float
) -> None:
    """Show a path, or nothing if it is no line."""
    if layer.data:
        layer.selected_data = set()
        layer.data = []
    if len(path) > 1:
        path = path[:: 1 + len(path) // MOST_CORNERS] + path[-1:]
        line: npt.NDArray[np.float64] = np.array([plane.position(*p) for p in path])
        layer.add_paths([line], edge_width=width, edge_color=color)
