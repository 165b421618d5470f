"""Masks kept inside their bounding boxes: whole planes would be slow to compare."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import find_objects

from training.clicks import next_click

Mask = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.integer]
Window = tuple[int, int, int, int]

MIN_PIXELS = 30
"""Smaller objects are not measured, as the project's issue says."""


@dataclass(frozen=True, eq=False)
class Patch:
    """A mask cut out of the plane.

    Attributes
    ----------
    mask : array of bool, shape (h, w)
    origin_rc : (int, int)
        Row and column of its first pixel, plane frame.
    """

    mask: Mask
    origin_rc: tuple[int, int]

    @property
    def area(self) -> int:
        """Number of pixels of the object."""
        return int(np.count_nonzero(self.mask))

    @property
    def window(self) -> Window:
        """The rectangle ``(r0, c0, r1, c1)``, half-open, plane frame."""
        row, column = self.origin_rc
        return row, column, row + self.mask.shape[0], column + self.mask.shape[1]

    def within(self, window: Window) -> Mask:
        """Return the mask as seen in another window of the plane, shape of the window.

        Parameters
        ----------
        window : (int, int, int, int)
            ``(r0, c0, r1, c1)``, half-open, plane frame.
        """
        seen = np.zeros((window[2] - window[0], window[3] - window[1]), bool)
        common = overlap(self.window, window)
        if common is not None:
            seen[slices(common, window[:2])] = self.mask[slices(common, self.origin_rc)]
        return seen


@dataclass(frozen=True, eq=False)
class Target:
    """One object of a label image: its number and its mask."""

    number: int
    patch: Patch


def targets(labels: Labels, min_pixels: int = MIN_PIXELS) -> list[Target]:
    """Cut the objects of at least ``min_pixels`` out of a label image (H, W)."""
    found = []
    for number, box in enumerate(find_objects(labels), 1):
        if box is not None:
            mask = labels[box] == number
            if np.count_nonzero(mask) >= min_pixels:
                corner = (box[0].start, box[1].start)
                found.append(Target(number, Patch(mask, corner)))
    return found


def overlap(one: Window, other: Window) -> Window | None:
    """Return the common part of two windows; None if there is none."""
    r0, c0 = max(one[0], other[0]), max(one[1], other[1])
    r1, c1 = min(one[2], other[2]), min(one[3], other[3])
    return (r0, c0, r1, c1) if r0 < r1 and c0 < c1 else None


def slices(window: Window, origin_rc: tuple[int, int]) -> tuple[slice, slice]:
    """Index a window of the plane in an array whose first pixel is ``origin_rc``."""
    row, column = origin_rc
    return (
        slice(window[0] - row, window[2] - row),
        slice(window[1] - column, window[3] - column),
    )


def enclose(one: Window, other: Window) -> Window:
    """Return the smallest window that holds two; an empty one does not count."""
    if one[0] == one[2] or one[1] == one[3]:
        return other
    if other[0] == other[2] or other[1] == other[3]:
        return one
    return (
        min(one[0], other[0]),
        min(one[1], other[1]),
        max(one[2], other[2]),
        max(one[3], other[3]),
    )


def iou(one: Patch, other: Patch) -> float:
    """Return intersection over union of two masks of one plane; 1 if both are empty."""
    common = overlap(one.window, other.window)
    both = 0
    if common is not None:
        cut = one.within(common) & other.within(common)
        both = int(np.count_nonzero(cut))
    union = one.area + other.area - both
    return both / union if union else 1.0


def corrective_click(predicted: Patch, truth: Patch) -> tuple[tuple[int, int], int]:
    """Return RITM's next click (row, column), plane frame, and its label, 1 or 0."""
    window = enclose(truth.window, predicted.window)
    (row, column), label = next_click(predicted.within(window), truth.within(window))
    return (row + window[0], column + window[1]), label
