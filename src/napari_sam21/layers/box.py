"""A box is dragged from any corner to the opposite one, and seen while it grows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sam21.core.errors import LayerError
from napari_sam21.core.prompts import BOX, POSITIVE
from napari_sam21.layers.frame import make_frame, show_frames
from napari_sam21.layers.placement import put_below, transforms_of
from napari_sam21.layers.planes import Plane, displayed_plane
from napari_sam21.layers.prompts import Mark, PromptsLayer, with_box

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer, Shapes

LEFT_BUTTON = 1
SMALLEST = 4
"""Pixels of the screen that the mouse must move, else it was a click."""

Corner = tuple[float, float]


class BoxDrag:
    """Turns a drag into a box, while a box is what the next prompt is.

    Parameters
    ----------
    viewer : napari.Viewer
    image : Image
    prompts : PromptsLayer
        Gets two corners; they can be moved and deleted like points.
    active : callable
        Whether the prompts are on hand.
    sign : callable
        Marks a new layer as ours.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        image: Image,
        prompts: PromptsLayer,
        active: Callable[[], bool],
        sign: Callable[[Layer], None],
    ) -> None:
        self._viewer, self._image, self._prompts = viewer, image, prompts
        self._active, self._sign = active, sign
        self._frame: Shapes | None = None
        self._heard = (prompts.layer.events.data, prompts.layer.events.features)
        for emitter in self._heard:
            emitter.connect(self._follow)
        viewer.mouse_drag_callbacks.append(self._drag)
        self._follow()

    @property
    def layers(self) -> list[Layer]:
        """The layer of frames, once there was a box."""
        return [] if self._frame is None else [self._frame]

    def lie_anew(self) -> None:
        """Lie where the image lies now."""
        for layer in self.layers:
            for name, value in transforms_of(self._image).items():
                setattr(layer, name, value)

    def close(self) -> None:
        """Stop listening."""
        for emitter in self._heard:
            emitter.disconnect(self._follow)
        if self._drag in self._viewer.mouse_drag_callbacks:
            self._viewer.mouse_drag_callbacks.remove(self._drag)

    def _drag(self, viewer: Any, event: Any) -> Iterator[None]:
        armed = self._prompts.next_label == BOX and self._active()
        plane = self._plane() if armed and event.button == LEFT_BUTTON else None
        if plane is None:
            return
        event.handled = True  # or the camera would pan
        start, first = np.asarray(event.pos), self._corner(event.position, plane)
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

    def _marks(self, first: Corner, event: Any, plane: Plane) -> tuple[Mark, ...]:
        """The prompts with a box up to where the mouse is."""
        corners = (first, self._corner(event.position, plane))
        return with_box(self._prompts.marks, plane, corners)

    def _follow(self, event: Any = None) -> None:
        """Frame the boxes that the corners make now."""
        marks, plane = self._prompts.marks, self._plane()
        if plane is None or not any(mark.label == BOX for mark in marks):
            marks = ()
        if self._frame is not None and self._frame not in self._viewer.layers:
            self._frame = None  # the user took it away
        if marks and self._frame is None:
            self._frame = self._add_frame()
        if self._frame is not None and plane is not None:
            show_frames(self._frame, marks, plane)

    def _add_frame(self) -> Shapes:
        """Add a layer right below the prompts."""
        frame = make_frame(self._image)
        self._sign(frame)
        put_below(self._viewer, frame, self._prompts.layer)
        return frame

    def _plane(self) -> Plane | None:
        try:
            return displayed_plane(self._image, self._viewer.dims)
        except LayerError:
            return None

    def _corner(self, world: Any, plane: Plane) -> Corner:
        """Row and column under the mouse, at most on the edge of the image."""
        position = self._image.world_to_data(world)
        row, column = (float(position[axis]) for axis in plane.displayed)
        height, width = plane.shape
        return min(max(row, 0.0), height - 1.0), min(max(column, 0.0), width - 1.0)
