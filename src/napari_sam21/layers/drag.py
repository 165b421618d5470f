"""A gesture of the mouse that makes prompts, and the layer that shows it meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from napari_sam21.core.errors import LayerError
from napari_sam21.layers.placement import put_below, transforms_of
from napari_sam21.layers.planes import Plane, displayed_plane
from napari_sam21.layers.prompts import PromptsLayer

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer, Shapes

LEFT_BUTTON, RIGHT_BUTTON = 1, 2
SMALLEST = 4
"""Pixels of the screen that the mouse must move, else it was a click."""

RowColumn = tuple[float, float]


class Drag:
    """What the gestures have in common; see `BoxDrag` and `ScribbleDrag`.

    Parameters
    ----------
    viewer : napari.Viewer
    image : Image
    prompts : PromptsLayer
        Gets what the gesture made.
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
        self._layer: Shapes | None = None
        viewer.mouse_drag_callbacks.append(self._drag)

    @property
    def layers(self) -> list[Layer]:
        """The layer that is drawn on, while there is one."""
        return [] if self._layer is None else [self._layer]

    def lie_anew(self) -> None:
        """Lie where the image lies now."""
        for layer in self.layers:
            for name, value in transforms_of(self._image).items():
                setattr(layer, name, value)

    def close(self) -> None:
        """Stop listening."""
        if self._drag in self._viewer.mouse_drag_callbacks:
            self._viewer.mouse_drag_callbacks.remove(self._drag)

    def _drag(self, viewer: Any, event: Any) -> Iterator[None]:
        """Follow the mouse from a press on; a generator, as napari wants it."""
        raise NotImplementedError

    def _to_draw_on(
        self, wanted: bool, make: Callable[[Image], Shapes]
    ) -> Shapes | None:
        """Return our layer, made right below the prompts if it is wanted."""
        if self._layer is not None and self._layer not in self._viewer.layers:
            self._layer = None  # the user took it away
        if wanted and self._layer is None:
            self._layer = make(self._image)
            self._sign(self._layer)
            put_below(self._viewer, self._layer, self._prompts.layer)
        return self._layer

    def _plane(self) -> Plane | None:
        try:
            return displayed_plane(self._image, self._viewer.dims)
        except LayerError:
            return None

    def _under(self, event: Any, plane: Plane) -> RowColumn:
        """Row and column of the image under the mouse, or beside the image."""
        found = self._image.world_to_data(event.position)
        return float(found[plane.displayed[0]]), float(found[plane.displayed[1]])
