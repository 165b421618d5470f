"""The same objects by napari's polygon tool: how many gestures they would take.

A vertex is a click, the last one a double click, and a new label is a key. The polygon
is the outline of the truth, with as few vertices as reach an IoU with the truth: a user
better than any, who never misses a pixel nor corrects one.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from training.clicks import iou

TOLERANCES = np.geomspace(12, 0.2, 40)
"""Pixels that the outline may be off, from few vertices to many."""
NEW_LABEL, CLOSING = 1, 1
"""The key for a new label; the second click of the double click."""

Mask = npt.NDArray[np.bool_]


def vertices(truth: Mask, goal: float) -> int:
    """Return how many vertices a polygon needs to reach an IoU with an object.

    Where none reaches it (an outline has no holes), those of the finest one.
    """
    from skimage.measure import approximate_polygon, find_contours

    padded = np.pad(truth, 1)
    outline = max(find_contours(padded.astype(float), 0.5), key=len)
    found = 0
    for tolerance in TOLERANCES:
        corners = approximate_polygon(outline, tolerance)
        found = len(corners) - 1  # the last one is the first
        if found > 2 and iou(_filled(corners, padded.shape), padded) >= goal:
            break
    return found


def gestures(truth: npt.NDArray[np.bool_], ours: npt.NDArray[np.bool_]) -> int:
    """Return the gestures for an object, in each slice as good as ours is there.

    Parameters
    ----------
    truth, ours : array of bool, (H, W) or (Z, H, W)
    """
    planes = (each.reshape(-1, *each.shape[-2:]) for each in (truth, ours))
    total = NEW_LABEL
    for real, found in zip(*planes, strict=True):
        if (real & found).any():
            total += vertices(real, iou(found, real)) + CLOSING
    return total


def _filled(corners: npt.NDArray[np.float64], shape: tuple[int, ...]) -> Mask:
    from skimage.draw import polygon2mask

    return np.asarray(polygon2mask(shape, corners), bool)
