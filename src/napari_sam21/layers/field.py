"""Which region of the shown plane the model sees: it follows the zoom, or stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from napari_sam21.core.geometry import Region, whole_plane
from napari_sam21.core.regions import Rect, choose_region
from napari_sam21.layers.planes import Plane
from napari_sam21.layers.source import visible_rect

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

FOLLOW, WHOLE, LOCK = "follow", "whole", "lock"
MODES: Mapping[str, str] = {
    FOLLOW: "Follows zoom",
    WHOLE: "Whole image",
    LOCK: "Stays here",
}
"""Ways to choose a region, and what people read."""

Points = Sequence[tuple[float, float]]


class Field:
    """Chooses regions of one image.

    Parameters
    ----------
    image : Image
    viewer : napari.Viewer, optional
        Tells more closely what is on show of a pyramid.
    """

    def __init__(self, image: Image, viewer: ViewerModel | None = None) -> None:
        self._image = image
        self._viewer = viewer
        self._locked: Region | None = None
        self.mode = FOLLOW

    def set_mode(self, mode: str, shown: Region | None) -> None:
        """Choose otherwise from now on.

        Parameters
        ----------
        mode : str
            A key of `MODES`.
        shown : Region or None
            The one that a lock keeps.
        """
        self.mode = mode
        self._locked = shown if mode == LOCK else None

    def region(
        self, plane: Plane, points_rc: Points = (), held: Region | None = None
    ) -> Region:
        """Return the region to show to the model.

        An object keeps its region until a prompt lies outside: then the region
        grows, and never shrinks.

        Parameters
        ----------
        plane : Plane
        points_rc : sequence of (float, float)
            Prompts of the object, plane frame.
        held : Region, optional
            The object's region so far.
        """
        if self.mode == WHOLE:
            return whole_plane(plane.shape)
        for kept in (held, self._locked):
            if kept is not None and _fits(kept, plane):
                if _holds(kept, points_rc):
                    return kept
                return choose_region(plane.shape, Rect(*kept), points_rc)
        seen = visible_rect(self._image, plane, self._viewer)
        return choose_region(plane.shape, seen, points_rc)


def _holds(region: Region, points_rc: Points) -> bool:
    return all(region.contains(row, column) for row, column in points_rc)


def _fits(region: Region, plane: Plane) -> bool:
    """Whether a region of another plane, or of other data, lies in this one, too."""
    return region.r1 <= plane.shape[0] and region.c1 <= plane.shape[1]


def in_words(region: Region, plane: Plane) -> str:
    """Say how large a region is, for people."""
    if region == whole_plane(plane.shape):
        return "all of it"
    if region.height == region.width:
        return f"{region.width} px"
    return f"{region.height} × {region.width} px"
