"""Where to click in the cells of a sample: evenly chosen, in the middle of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

OBJECTS = 12
"""Cells that are clicked unless one says otherwise."""
MIN_AREA = 30
"""Smaller objects are specks that nobody would click, in pixels."""

Bools = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.uint16]


@dataclass(frozen=True)
class Target:
    """A true cell and where to click it.

    Attributes
    ----------
    label : int
        Its number in the true labels.
    point_rc : (float, float)
        Its innermost pixel, plane frame.
    """

    label: int
    point_rc: tuple[float, float]


def pick_targets(truth: Labels, count: int = OBJECTS) -> list[Target]:
    """Choose cells evenly among those shown whole, and the point to click in each.

    Parameters
    ----------
    truth : array of int, shape (H, W)
        0 is background.
    count : int
        How many; fewer if not so many have `MIN_AREA` pixels and keep off the edge.

    Returns
    -------
    list of Target
        By label number.
    """
    from skimage.measure import regionprops
    from skimage.segmentation import clear_border

    whole = regionprops(clear_border(truth))
    cells = [cell for cell in whole if cell.area >= MIN_AREA]
    chosen = np.linspace(0, len(cells) - 1, min(count, len(cells))).round().astype(int)
    targets = []
    for index in chosen:
        cell = cells[index]
        row, column = innermost(cell.image)
        corner = cell.bbox[:2]
        targets.append(Target(cell.label, (corner[0] + row, corner[1] + column)))
    return targets


def innermost(mask: Bools) -> tuple[float, float]:
    """Return the pixel of a mask that is farthest from its outside.

    Parameters
    ----------
    mask : array of bool, shape (H, W)
        Beyond its edge is outside.

    Returns
    -------
    (float, float)
        Row and column in the mask's own frame.
    """
    from scipy.ndimage import distance_transform_edt

    depth = distance_transform_edt(np.pad(mask, 1))
    row, column = np.unravel_index(int(np.argmax(depth)), depth.shape)
    return float(row - 1), float(column - 1)
