"""Simulated users: where the first and the next click of an object fall.

The next click follows RITM (Sofiiuk et al., "Reviving iterative training with
mask guidance", 2021): the larger error, by its distance transform, is clicked at
its deepest point. numpy and scipy only, so that evaluation needs no torch.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, find_objects

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]


def depth(mask: Mask) -> tuple[Floats, tuple[int, int]]:
    """Distance to the outside within the bounding box, and the box's corner.

    Outside the image counts as outside the mask, as in RITM.
    """
    box = find_objects(mask.astype(np.uint8))
    if not box:
        return np.zeros((1, 1)), (0, 0)
    rows, columns = box[0]
    inner = distance_transform_edt(np.pad(mask[rows, columns], 1))
    return inner[1:-1, 1:-1], (rows.start, columns.start)


def deepest(mask: Mask) -> tuple[float, tuple[int, int]]:
    """Largest distance to the outside and the (row, column) where it is reached."""
    inner, corner = depth(mask)
    at = np.unravel_index(int(inner.argmax()), inner.shape)
    return float(inner.max()), (int(at[0]) + corner[0], int(at[1]) + corner[1])


def next_click(predicted: Mask, truth: Mask) -> tuple[tuple[int, int], int]:
    """Return the (row, column) of the RITM click and its label, 1 or 0."""
    missed, missed_rc = deepest(truth & ~predicted)
    extra, extra_rc = deepest(predicted & ~truth)
    return (missed_rc, 1) if missed >= extra else (extra_rc, 0)


def loose_click(mask: Mask, rng: np.random.Generator) -> tuple[int, int]:
    """Return a point inside the mask, more likely the deeper it lies."""
    inner, corner = depth(mask)
    weights = inner.ravel() ** 2
    if weights.sum() == 0:
        return corner
    at = rng.choice(weights.size, p=weights / weights.sum())
    row, column = np.unravel_index(int(at), inner.shape)
    return int(row) + corner[0], int(column) + corner[1]


def iou(one: Mask, other: Mask) -> float:
    """Return intersection over union; 1 if both are empty."""
    union = np.count_nonzero(one | other)
    return np.count_nonzero(one & other) / union if union else 1.0
