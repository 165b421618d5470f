"""Large arrays in pieces: planes, bands of rows, and the objects in them.

Nothing here holds a whole plane of a lazy array (zarr, dask, memmap); of numpy arrays
it makes views. Frame: plane (row, column), an integer is the centre of a pixel.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from napari_sam21.core.arrays import dtype_of
from napari_sam21.core.geometry import Region

BAND_BYTES = 32 << 20
"""So much of a plane is read at a time."""

LARGEST_LISTED = 1 << 20
"""Ids up to this one are found by a table of all ids; larger ones are counted first."""


class LazyArray(Protocol):
    """What numpy, memmap, zarr, dask and tensorstore have in common."""

    @property
    def shape(self) -> tuple[int, ...]: ...  # noqa: D102
    @property
    def dtype(self) -> np.dtype[Any]: ...  # noqa: D102
    def __getitem__(self, key: Any, /) -> Any: ...


@dataclass(frozen=True)
class Plane:
    """One plane of an array, of which only what is asked for is read.

    Attributes
    ----------
    array : array, shape (…, H, W)
    index : tuple of int
        Where the plane is along the leading axes.
    step : int
        Take each step-th row and column only; the first is always taken.
    """

    array: LazyArray
    index: tuple[int, ...] = ()
    step: int = 1

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns, of those that are taken."""
        height, width = (-(-side // self.step) for side in self.array.shape[-2:])
        return height, width

    def read(self, region: Region) -> npt.NDArray[Any]:
        """Return the pixels of a region (of the rows and columns that are taken)."""
        ends = self.array.shape[-2:]
        rows, columns = (
            slice(first * self.step, min(last * self.step, end), self.step)
            for first, last, end in zip(region[:2], region[2:], ends, strict=True)
        )
        return np.asarray(self.array[(*self.index, rows, columns)])

    def bands(self, multiple: int = 1) -> Iterator[Region]:
        """Cut into bands of whole rows, each but the last a multiple of a number."""
        height, width = self.shape
        row = width * self.step * dtype_of(self.array).itemsize
        side = max(BAND_BYTES // max(row, 1) // multiple, 1) * multiple
        for first in range(0, height, side):
            yield Region(first, 0, min(first + side, height), width)


def planes(array: LazyArray, step: int = 1) -> Iterator[Plane]:
    """Iterate over the planes (last two axes) of an array, in the order of a file."""
    for index in np.ndindex(*array.shape[:-2]):
        yield Plane(array, index, step)


class Cut(NamedTuple):
    """An object of a plane, cut to its bounding box.

    Attributes
    ----------
    id : int
    box : Region
        The bounding box, plane frame.
    mask : array of bool, shape (box.height, box.width)
    """

    id: int
    box: Region
    mask: npt.NDArray[np.bool_]


def objects(plane: Plane) -> Iterator[Cut]:
    """Iterate over the objects of a plane by their ids; 0 is background.

    The plane is read twice, in bands: for the bounding boxes, and for the masks.
    """
    found = sorted(boxes(plane).items(), key=lambda item: item[1].r0)
    for group in _groups(found, next(plane.bands()).height if found else 0):
        around = _hull([box for _, box in group])
        block = plane.read(around)
        for number, box in group:
            rows = slice(box.r0 - around.r0, box.r1 - around.r0)
            columns = slice(box.c0 - around.c0, box.c1 - around.c0)
            yield Cut(number, box, block[rows, columns] == number)


def boxes(plane: Plane) -> dict[int, Region]:
    """Find the bounding box of each id of a plane."""
    found: dict[int, Region] = {}
    for band in plane.bands():
        for number, (rows, columns) in _boxes_of(plane.read(band)):
            top, bottom = rows.start + band.r0, rows.stop + band.r0
            box = Region(top, columns.start, bottom, columns.stop)
            found[number] = _hull([found[number], box]) if number in found else box
    return found


def _boxes_of(band: npt.NDArray[Any]) -> Iterator[tuple[int, tuple[slice, slice]]]:
    """Bounding boxes of the ids of an array in memory."""
    from scipy.ndimage import find_objects

    values = band.view(np.uint8) if band.dtype == bool else band
    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    if low == high == 0:
        return
    if low < 0 or high > LARGEST_LISTED:  # a table of all ids would not fit
        numbers, flat = np.unique(values, return_inverse=True)
        values, high = flat.reshape(values.shape) + 1, numbers.size
        names = [int(number) for number in numbers]
    else:
        names = list(range(1, high + 1))
    for name, box in zip(names, find_objects(values, high), strict=True):
        if name and box is not None:
            yield name, box


def _groups(
    found: list[tuple[int, Region]], height: int
) -> Iterator[list[tuple[int, Region]]]:
    """Gather neighbours, from top to bottom, that one band of rows holds."""
    group: list[tuple[int, Region]] = []
    bottom = 0
    for number, box in found:
        bottom = max(bottom, box.r1)
        if group and bottom - group[0][1].r0 > height:
            yield group
            group, bottom = [], box.r1
        group.append((number, box))
    if group:
        yield group


def _hull(found: list[Region]) -> Region:
    """The smallest region that holds some."""
    r0, c0, r1, c1 = zip(*found, strict=True)
    return Region(min(r0), min(c0), max(r1), max(c1))
