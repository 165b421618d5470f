"""What the user brushed over a mask: cells that must be in it, and cells that must not.

It lies on the grid of the preview, and is laid over every answer to come.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_sam21.core.geometry import Region
from napari_sam21.core.masks import tighten

IN, OUT = 1, -1

Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Retouch:
    """Strokes over the mask of one object.

    Attributes
    ----------
    region : Region
        What the grid covers, plane frame.
    grid : (int, int)
        Its rows and columns.
    cells : array of int8, shape (h, w)
        A part of the grid: 1 in the mask, -1 not in it, 0 as it is answered. Read-only.
    origin : (int, int)
        Row and column of the first cell in the grid.
    """

    region: Region
    grid: tuple[int, int]
    cells: npt.NDArray[np.int8]
    origin: tuple[int, int]

    def __post_init__(self) -> None:
        self.cells.flags.writeable = False

    @property
    def nbytes(self) -> int:
        """Memory it takes, in bytes."""
        return self.cells.nbytes

    def whole(self) -> npt.NDArray[np.int8]:
        """Return all cells of the grid."""
        cells = np.zeros(self.grid, np.int8)
        (row, column), (height, width) = self.origin, self.cells.shape
        cells[row : row + height, column : column + width] = self.cells
        return cells

    def over(self, mask: Bool) -> Bool:
        """Return a mask on the grid with the strokes laid over it."""
        cells = self.whole()
        result: Bool = (mask | (cells == IN)) & (cells != OUT)
        return result

    def on(self, region: Region, grid: tuple[int, int]) -> Retouch:
        """Return the same strokes on another grid; what lies beside it is cut off."""
        if (region, grid) == (self.region, self.grid):
            return self
        old, new = self.region, region
        rows = _cells_under(
            (new.r0, new.height, grid[0]), (old.r0, old.height, self.grid[0])
        )
        columns = _cells_under(
            (new.c0, new.width, grid[1]), (old.c0, old.width, self.grid[1])
        )
        padded = np.pad(self.whole(), (0, 1))  # the last row and column are beside it
        return of_cells(region, padded[np.ix_(rows, columns)])


def of_cells(region: Region, cells: npt.NDArray[np.int8]) -> Retouch:
    """Keep the strokes of a whole grid, cut down to where there are any."""
    grid = (cells.shape[0], cells.shape[1])
    touched, (row, column) = tighten(cells != 0, (0, 0))
    height, width = touched.shape
    part = cells[row : row + height, column : column + width].copy()
    return Retouch(region, grid, part, (row, column))


def with_stroke(
    before: Retouch | None, region: Region, now: Bool, was: Bool
) -> Retouch:
    """Add what one stroke changed.

    Parameters
    ----------
    before : Retouch or None
        Strokes so far.
    region : Region
        What the grid covers.
    now, was : array of bool, shape (rows, columns)
        The mask on the grid, with the stroke and before it.
    """
    grid = (now.shape[0], now.shape[1])
    cells = (
        np.zeros(grid, np.int8) if before is None else before.on(region, grid).whole()
    )
    changed = now != was
    cells[changed] = np.where(now[changed], IN, OUT)
    return of_cells(region, cells)


def _cells_under(
    new: tuple[int, int, int], old: tuple[int, int, int]
) -> npt.NDArray[np.intp]:
    """Old cell under the middle of each new one; the last one after all, if none is.

    Both are start and size in pixels, and the number of cells, of one axis.
    """
    start, size, count = new
    middles = start + (np.arange(count) + 0.5) * size / count
    place = np.floor((middles - old[0]) * old[2] / old[1]).astype(np.intp)
    return np.where((place >= 0) & (place < old[2]), place, old[2])
