"""Frames of the core: **plane** (row, column) → **region** → **model** (x, y).

*Plane* is the displayed plane of the image at full resolution, an integer is the
centre of a pixel. A *region* is a rectangle of the plane. The *model* frame is the
1024 square the encoder sees, x before y. Names end in ``_rc`` or ``_xy``;
`plane_to_model` is the only place where the two orders meet.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from napari_sam21.core.errors import ImageError

MODEL_SIDE = 1024
"""Side of the encoder's input, in pixels."""

LOGITS_SIDE = 256
"""Side of the decoder's low-resolution masks, in cells."""


class Region(NamedTuple):
    """A rectangle of the plane: half-open, in whole pixels of level 0.

    Attributes
    ----------
    r0, c0 : int
        First row and column.
    r1, c1 : int
        One past the last row and column.
    """

    r0: int
    c0: int
    r1: int
    c1: int

    @property
    def height(self) -> int:
        """Number of rows."""
        return self.r1 - self.r0

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.c1 - self.c0

    def contains(self, row: float, column: float) -> bool:
        """Whether the point (plane frame) lies on a pixel of the region."""
        return (
            self.r0 - 0.5 <= row <= self.r1 - 0.5
            and self.c0 - 0.5 <= column <= self.c1 - 0.5
        )


def whole_plane(plane_shape: tuple[int, int]) -> Region:
    """Return the region that covers a plane of shape (H, W)."""
    return Region(0, 0, *plane_shape)


def check_region(
    region: tuple[int, int, int, int] | None, plane_shape: tuple[int, int]
) -> Region:
    """Turn what the caller passed into a region inside the plane.

    Parameters
    ----------
    region : tuple of int or None
        ``(r0, c0, r1, c1)``, half-open, plane frame; None is the whole plane.
    plane_shape : tuple of int
        (H, W) of the plane.

    Raises
    ------
    ImageError
        If the region is empty or leaves the plane.
    """
    whole = whole_plane(plane_shape)
    if region is None:
        return whole
    edges = tuple(region)
    if len(edges) == 4 and np.isfinite(edges).all():
        found = Region(*(int(edge) for edge in edges))
        rows_inside = 0 <= found.r0 < found.r1 <= whole.r1
        if rows_inside and 0 <= found.c0 < found.c1 <= whole.c1:
            return found
    raise ImageError(
        f"region (r0, c0, r1, c1) = {edges} is empty or leaves the plane "
        f"of {whole.r1} x {whole.c1} pixels; pass a rectangle inside it, or None"
    )


def plane_to_model(
    points_rc: npt.NDArray[np.float64], region: Region
) -> npt.NDArray[np.float32]:
    """Map points from the plane frame to the model frame.

    As the official predictor does: x / W · 1024, y / H · 1024, not rounded, no half
    pixel (the decoder's graph adds it).

    Parameters
    ----------
    points_rc : array of float, shape (N, 2)
        Row and column, plane frame.
    region : Region
        The rectangle the embedding was made of.

    Returns
    -------
    array of float32, shape (N, 2)
        x and y, model frame.

    Notes
    -----
    Source: ``SAM2Transforms.transform_coords``, facebookresearch/sam2 2b90b9f.
    """
    origin_rc = np.array([region.r0, region.c0])
    size_rc = np.array([region.height, region.width])
    scaled_rc = (points_rc - origin_rc) / size_rc * MODEL_SIDE
    scaled_xy: npt.NDArray[np.float32] = scaled_rc[:, ::-1].astype(np.float32)
    return scaled_xy
