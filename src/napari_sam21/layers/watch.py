"""Hears when an image is seen otherwise, has other pixels, or lies elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sam21.core.errors import LayerError
from napari_sam21.layers.navigate import camera_of
from napari_sam21.layers.planes import Plane, displayed_plane

if TYPE_CHECKING:
    from napari.components import Dims, ViewerModel
    from napari.layers import Image

VERSIONS = count()
"""Of pixels: never the same one again, whatever image, dock or viewer asks."""

TRANSFORM_EVENTS = ("scale", "translate", "rotate", "shear", "affine", "units")


class LayerWatch:
    """Listens to an image layer.

    Parameters
    ----------
    dims : Dims
        Of the viewer: a slice that moves refreshes the layer, too.
    image : Image
    seen : callable
        Called when it has another contrast or name.
    edited : callable
        Called when pixels may have changed.
    placed : callable
        Called when the image lies elsewhere in the world.

    Attributes
    ----------
    version : int
        Another one whenever pixels may have changed, and on each move to a slice.
    """

    def __init__(
        self,
        dims: Dims,
        image: Image,
        seen: Callable[[], object],
        edited: Callable[[], object],
        placed: Callable[[], object],
    ) -> None:
        self.version = next(VERSIONS)
        self.image = image
        self._dims = dims
        self._on_seen, self._on_edited, self._on_placed = seen, edited, placed
        self._view = self._look()
        self._connections: list[tuple[Any, Callable[..., None]]] = []
        events = image.events
        self._listen(self._seen, events.contrast_limits, events.gamma, events.name)
        self._listen(self._changed, events.data)
        self._listen(self._refreshed, events.set_data)
        self._listen(self._shown, events.visible)
        moves = (getattr(events, name, None) for name in TRANSFORM_EVENTS)
        self._listen(self._placed, *(each for each in moves if each is not None))

    def _listen(self, call: Callable[..., None], *emitters: Any) -> None:
        for emitter in emitters:
            emitter.connect(call)
            self._connections.append((emitter, call))

    @property
    def open(self) -> bool:
        """Whether it still listens."""
        return bool(self._connections)

    def close(self) -> None:
        """Stop listening."""
        for emitter, call in self._connections:
            emitter.disconnect(call)
        self._connections.clear()

    def _seen(self, event: Any = None) -> None:
        self._on_seen()

    def _placed(self, event: Any = None) -> None:
        self._on_placed()

    def _changed(self, event: Any = None) -> None:
        self.version = next(VERSIONS)
        self._on_edited()

    def _refreshed(self, event: Any = None) -> None:
        """Pixels may have been edited in place; a move of the view refreshes too.

        Edits of a slice that was not on show are heard of by nobody, but napari reads
        each slice that it moves to. So do we: unless its pixels have changed, their
        digest finds the embedding again.
        """
        before, self._view = self._view, self._look()
        if before == self._view:
            self._changed()
        elif before[0] != self._view[0]:
            self.version = next(VERSIONS)

    def _shown(self, event: Any = None) -> None:
        """Pixels may have been edited while hidden: napari says nothing of that."""
        if self.image.visible:
            self._changed()

    def _look(self) -> tuple[Plane | None, tuple[float, ...]]:
        """All that makes napari read the image again: slice and, of a pyramid, part."""
        image, part = self.image, ()
        if image.multiscale:
            corners = np.asarray(image.corner_pixels).ravel().tolist()
            part = (image.data_level, *corners)
        try:
            return displayed_plane(image, self._dims), part
        except LayerError:
            return None, part


class Watch(LayerWatch):
    """Listens to an image layer and to the viewer.

    Parameters
    ----------
    viewer : napari.Viewer
    image : Image
    seen : callable
        Called when another slice, orientation, contrast or name is shown.
    edited : callable
        Called when pixels may have changed.
    placed : callable
        Called when the image lies elsewhere in the world.
    zoomed : callable
        Called when another part of the plane may be on show, before it is drawn.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        image: Image,
        seen: Callable[[], object],
        edited: Callable[[], object],
        placed: Callable[[], object],
        zoomed: Callable[[], object],
    ) -> None:
        super().__init__(viewer.dims, image, seen, edited, placed)
        self._on_zoomed = zoomed
        camera = camera_of(viewer)
        dims = viewer.dims.events
        self._listen(self._seen, dims.point, dims.order, dims.ndisplay)
        self._listen(self._zoomed, camera.events.zoom, camera.events.center)

    def _zoomed(self, event: Any = None) -> None:
        self._on_zoomed()
