"""Hears when an image is seen otherwise, has other pixels, or lies elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sam21.core.errors import LayerError
from napari_sam21.layers.planes import Plane, displayed_plane

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

VERSIONS = count()
"""Of pixels: never the same one again, whatever image, dock or viewer asks."""

TRANSFORM_EVENTS = ("scale", "translate", "rotate", "shear", "affine", "units")


class Watch:
    """Listens to an image layer and to the viewer's dims.

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

    Attributes
    ----------
    version : int
        Another one whenever pixels may have changed, and on each move to a slice.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        image: Image,
        seen: Callable[[], None],
        edited: Callable[[], object],
        placed: Callable[[], None],
        zoomed: Callable[[], object],
    ) -> None:
        self.version = next(VERSIONS)
        self._dims, self._image = viewer.dims, image
        self._on_seen, self._on_edited, self._on_placed = seen, edited, placed
        self._on_zoomed = zoomed
        self._view = self._look()
        camera = getattr(viewer, "scene", viewer).camera  # napari 0.9 has moved it
        self._connections: list[tuple[Any, Callable[..., None]]] = [
            (viewer.dims.events.point, self._seen),
            (viewer.dims.events.order, self._seen),
            (viewer.dims.events.ndisplay, self._seen),
            (image.events.contrast_limits, self._seen),
            (image.events.gamma, self._seen),
            (image.events.name, self._seen),
            (camera.events.zoom, self._zoomed),
            (camera.events.center, self._zoomed),
            (image.events.data, self._changed),
            (image.events.set_data, self._refreshed),
        ]
        for name in TRANSFORM_EVENTS:
            if hasattr(image.events, name):
                self._connections.append((getattr(image.events, name), self._placed))
        for emitter, call in self._connections:
            emitter.connect(call)

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

    def _zoomed(self, event: Any = None) -> None:
        self._on_zoomed()

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

    def _look(self) -> tuple[Plane | None, tuple[float, ...]]:
        """All that makes napari read the image again: slice and, of a pyramid, part."""
        image, part = self._image, ()
        if image.multiscale:
            corners = np.asarray(image.corner_pixels).ravel().tolist()
            part = (image.data_level, *corners)
        try:
            return displayed_plane(image, self._dims), part
        except LayerError:
            return None, part
