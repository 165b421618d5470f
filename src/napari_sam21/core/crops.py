"""A mask inside its bounding box: what work on many objects passes around.

Only `Crop.plane` makes an array of the plane's size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_sam21.core.errors import ImageError
from napari_sam21.core.masks import tighten

Bool = npt.NDArray[np.bool_]
Window = tuple[int, int, int, int]
"""``(r0, c0, r1, c1)``, half-open, plane frame."""


@dataclass(frozen=True, eq=False)
class Crop:
    """A mask cut out of a plane.

    Attributes
    ----------
    mask : array of bool, shape (h, w)
        Read-only.
    origin_rc : (int, int)
        Row and column of the mask's first pixel, plane frame.
    """

    mask: Bool
    origin_rc: tuple[int, int]

    def __post_init__(self) -> None:
        self.mask.flags.writeable = False

    @classmethod
    def of(cls, mask: npt.ArrayLike, origin_rc: tuple[int, int] = (0, 0)) -> Crop:
        """Cut a mask (H, W), non-zero on the object, down to its bounding box.

        Raises
        ------
        ImageError
            If the array has not two axes.
        """
        found = np.asarray(mask)
        if found.ndim != 2:
            raise ImageError(
                f"a mask of shape {found.shape} is not one plane; pass one of (H, W)"
            )
        tight, origin = tighten(found != 0, origin_rc)
        return cls(tight.copy(), origin)

    def __bool__(self) -> bool:
        return self.mask.size > 0 and bool(self.mask.any())

    @property
    def area(self) -> int:
        """Number of pixels of the object."""
        return int(np.count_nonzero(self.mask))

    @property
    def window(self) -> Window:
        """Where the mask lies in the plane."""
        row, column = self.origin_rc
        return row, column, row + self.mask.shape[0], column + self.mask.shape[1]

    def within(self, window: Window) -> Bool:
        """Return the mask as seen in a window of the plane, of the window's shape."""
        seen = np.zeros((window[2] - window[0], window[3] - window[1]), bool)
        common = common_window(self.window, window)
        if common is not None:
            own = self.mask[slices(common, self.origin_rc)]
            seen[slices(common, (window[0], window[1]))] = own
        return seen

    def sampled(self, window: Window, step: int) -> Bool:
        """Return every n-th pixel of the mask as seen in a window of the plane."""
        r0, c0, r1, c1 = self.window
        rows = np.arange(window[0] + step // 2, window[2], step)
        columns = np.arange(window[1] + step // 2, window[3], step)
        down, across = (rows >= r0) & (rows < r1), (columns >= c0) & (columns < c1)
        seen = np.zeros((len(rows), len(columns)), bool)
        seen[np.ix_(down, across)] = self.mask[
            np.ix_(rows[down] - r0, columns[across] - c0)
        ]
        return seen

    def moved(self, rows: int, columns: int) -> Crop:
        """Return the same mask elsewhere."""
        row, column = self.origin_rc
        return Crop(self.mask, (row + rows, column + columns))

    def clipped(self, window: Window) -> Crop:
        """Return what lies in a window of the plane."""
        common = common_window(self.window, window)
        if common is None:
            return Crop(np.zeros((0, 0), bool), (window[0], window[1]))
        if common == self.window:
            return self
        return Crop.of(self.within(common), (common[0], common[1]))

    def without(self, other: Crop) -> Crop:
        """Return the pixels that another crop does not hold."""
        if common_window(self.window, other.window) is None:
            return self
        return Crop.of(self.mask & ~other.within(self.window), self.origin_rc)

    def joined(self, other: Crop) -> Crop:
        """Return the pixels that either crop holds."""
        window = around([self.window, other.window])
        both = self.within(window) | other.within(window)
        return Crop.of(both, (window[0], window[1]))

    def shared(self, other: Crop) -> int:
        """Return how many pixels both hold."""
        common = common_window(self.window, other.window)
        if common is None:
            return 0
        return int(np.count_nonzero(self.within(common) & other.within(common)))

    def iou(self, other: Crop) -> float:
        """Return intersection over union; 0 if both are empty."""
        both = self.shared(other)
        union = self.area + other.area - both
        return both / union if union else 0.0

    def holds(self, row: float, column: float) -> bool:
        """Whether a point (plane frame) lies on a pixel of the object."""
        r, c = round(row) - self.origin_rc[0], round(column) - self.origin_rc[1]
        height, width = self.mask.shape
        return 0 <= r < height and 0 <= c < width and bool(self.mask[r, c])

    def plane(self, shape: tuple[int, int]) -> Bool:
        """Return the mask of a whole plane of shape (H, W)."""
        return self.within((0, 0, *shape))


def common_window(one: Window, other: Window) -> Window | None:
    """Return the common part of two windows; None if there is none."""
    r0, c0 = max(one[0], other[0]), max(one[1], other[1])
    r1, c1 = min(one[2], other[2]), min(one[3], other[3])
    return (r0, c0, r1, c1) if r0 < r1 and c0 < c1 else None


def around(windows: Sequence[Window]) -> Window:
    """Return the smallest window that holds all; at least one must be given."""
    r0, c0, r1, c1 = zip(*windows, strict=True)
    return min(r0), min(c0), max(r1), max(c1)


def slices(window: Window, origin_rc: tuple[int, int] = (0, 0)) -> tuple[slice, slice]:
    """Index a window of the plane in an array whose first pixel is ``origin_rc``."""
    row, column = origin_rc
    return (
        slice(window[0] - row, window[2] - row),
        slice(window[1] - column, window[3] - column),
    )


def crops_of(labels: npt.ArrayLike) -> dict[int, Crop]:
    """Cut every object out of a label image.

    Parameters
    ----------
    labels : array of int, shape (H, W)
        0 is background.

    Returns
    -------
    dict of int to Crop
        By label, in ascending order.

    Raises
    ------
    ImageError
        If the array is not one plane of whole numbers.
    """
    from skimage.measure import regionprops

    found = np.asarray(labels)
    if found.ndim != 2 or found.dtype.kind not in "iu":
        raise ImageError(
            f"labels of shape {found.shape} and dtype {found.dtype} are not one plane "
            "of whole numbers; pick a slice, and labels that are not probabilities"
        )
    numbers, compact = np.unique(found, return_inverse=True)
    crops = {}
    for each in regionprops(compact.reshape(found.shape) + 1):
        number, (row, column) = int(numbers[each.label - 1]), each.bbox[:2]
        if number != 0:
            crops[number] = Crop(each.image.astype(bool), (int(row), int(column)))
    return crops


def boxes_of(crops: Sequence[Crop]) -> npt.NDArray[np.int64]:
    """Return the windows of crops as one array (N, 4)."""
    return np.array([crop.window for crop in crops], np.int64).reshape(-1, 4)


def touching(box: npt.ArrayLike, boxes: npt.NDArray[np.int64]) -> list[int]:
    """Return the indices of the boxes (N, 4) that have pixels in common with one."""
    r0, c0, r1, c1 = np.asarray(box)
    rows = (boxes[:, 0] < r1) & (boxes[:, 2] > r0)
    columns = (boxes[:, 1] < c1) & (boxes[:, 3] > c0)
    return [int(index) for index in np.flatnonzero(rows & columns)]
