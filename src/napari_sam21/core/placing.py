"""Where inside a mask, or along a stroke, a point says most."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_sam21.core.crops import Crop

SURE = 0.5
"""Further points lie at least this share of the largest depth inside the object."""

RowColumn = tuple[float, float]


def depth(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Return each pixel's distance to the outside; beyond the array is outside."""
    from scipy.ndimage import distance_transform_edt

    padded = distance_transform_edt(np.pad(mask, 1))
    inner: npt.NDArray[np.float64] = padded[1:-1, 1:-1]
    return inner


def inner_points(crop: Crop, most: int = 1, apart: float = 0.0) -> list[RowColumn]:
    """Return the deepest point of an object, then others far from those before.

    Parameters
    ----------
    crop : Crop
    most : int
        Number of points at most.
    apart : float
        Points nearer to each other than this, in pixels, are not taken.

    Returns
    -------
    list of (float, float)
        Row and column, plane frame; empty for an empty crop.
    """
    if not crop:
        return []
    inner = depth(crop.mask)
    first = np.unravel_index(int(inner.argmax()), inner.shape)
    places = np.argwhere(inner >= SURE * inner.max())
    chosen = [np.array(first)]
    nearest = np.full(len(places), np.inf)
    while len(chosen) < most:
        distance = np.linalg.norm(places - chosen[-1], axis=1)
        nearest = np.minimum(nearest, distance)
        best = int(nearest.argmax())
        if nearest[best] < max(apart, 1.0):
            break
        chosen.append(places[best])
    row, column = crop.origin_rc
    return [(float(r + row), float(c + column)) for r, c in chosen]
