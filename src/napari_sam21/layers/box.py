"""A box is dragged from any corner to the opposite one, and seen while it grows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from napari_sam21.core.prompts import BOX, POSITIVE
from napari_sam21.layers.drag import LEFT_BUTTON, SMALLEST, Drag, RowColumn
from napari_sam21.layers.frame import make_frame, show_frames
from napari_sam21.layers.planes import Plane
from napari_sam21.layers.prompts import Mark, with_box


class BoxDrag(Drag):
    """Turns a drag into a box, while a box is what the next prompt is.

    The prompts get two corners; they can be moved and deleted like points. The layer
    shows the frames, once there was a box.

    Parameters
    ----------
    *given
        As `Drag` takes them.
    """

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        events = self._prompts.layer.events
        self._heard = (events.data, events.features)
        for emitter in self._heard:
            emitter.connect(self._follow)
        self._follow()

    def close(self) -> None:
        """Stop listening."""
        for emitter in self._heard:
            emitter.disconnect(self._follow)
        super().close()

    def _drag(self, viewer: Any, event: Any) -> Iterator[None]:
        armed = self._prompts.next_label == BOX and self._active()
        plane = self._plane() if armed and event.button == LEFT_BUTTON else None
        if plane is None:
            return
        event.handled = True  # or the camera would pan
        start, first = np.asarray(event.pos), self._corner(event, plane)
        moved = False
        yield
        while event.type == "mouse_move":
            event.handled = True
            moved = moved or np.abs(event.pos - start).max() > SMALLEST
            if moved:
                self._prompts.show(self._marks(first, event, plane))
            yield
        if moved:  # moves may be left out, but the release is where it is
            self._prompts.next_label = POSITIVE
            self._prompts.replace(self._marks(first, event, plane))

    def _marks(self, first: RowColumn, event: Any, plane: Plane) -> tuple[Mark, ...]:
        """The prompts with a box up to where the mouse is."""
        corners = (first, self._corner(event, plane))
        return with_box(self._prompts.marks, plane, corners)

    def _follow(self, event: Any = None) -> None:
        """Frame the boxes that the corners make now."""
        marks, plane = self._prompts.marks, self._plane()
        if plane is None or not any(mark.label == BOX for mark in marks):
            marks = ()
        frame = self._to_draw_on(bool(marks), make_frame)
        if frame is not None and plane is not None:
            show_frames(frame, marks, plane)

    def _corner(self, event: Any, plane: Plane) -> RowColumn:
        """Row and column under the mouse, at most on the edge of the image."""
        row, column = self._under(event, plane)
        height, width = plane.shape
        return min(max(row, 0.0), height - 1.0), min(max(column, 0.0), width - 1.0)
