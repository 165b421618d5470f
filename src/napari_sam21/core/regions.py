"""Which region of a plane the model is shown: a fixed pyramid of squares.

Level k holds squares of 1024 · 2^k pixels of the plane, half a side apart, from
k = −2 (small cells are magnified four times) up to the first that holds the plane.
There the region is the whole plane. Because the pyramid is fixed, a region that was
embedded once is met again, however the view came to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from napari_sam21.core.geometry import MODEL_SIDE, Region, whole_plane

FINEST = -2
"""Level of the smallest squares: 256 pixels a side."""


@dataclass(frozen=True)
class Rect:
    """A rectangle of the plane, in fractions of pixels; edges, not centres.

    Attributes
    ----------
    r0, c0, r1, c1 : float
        Plane frame: pixel i reaches from i to i + 1 here.
    """

    r0: float
    c0: float
    r1: float
    c1: float

    def with_point(self, row: float, column: float) -> Rect:
        """Return the smallest rectangle that also holds a point's pixel.

        Parameters
        ----------
        row, column : float
            Plane frame, an integer is the centre of a pixel.
        """
        top, left = float(round(row)), float(round(column))
        return Rect(
            min(self.r0, top),
            min(self.c0, left),
            max(self.r1, top + 1),
            max(self.c1, left + 1),
        )

    def clipped(self, plane_shape: tuple[int, int]) -> Rect | None:
        """Return the part inside a plane; None if there is none."""
        height, width = plane_shape
        r0, r1 = max(self.r0, 0.0), min(self.r1, float(height))
        c0, c1 = max(self.c0, 0.0), min(self.c1, float(width))
        return Rect(r0, c0, r1, c1) if r0 < r1 and c0 < c1 else None


def side_of(level: int) -> int:
    """Return the side of the squares of a level, in pixels of the plane."""
    return MODEL_SIDE >> -level if level < 0 else MODEL_SIDE << level


def levels_of(plane_shape: tuple[int, int]) -> Iterator[int]:
    """Yield the levels whose squares are smaller than the plane, finest first."""
    level = FINEST
    while side_of(level) < max(plane_shape):
        yield level
        level += 1


def choose_region(
    plane_shape: tuple[int, int],
    view: Rect | None,
    points_rc: Iterable[tuple[float, float]] = (),
) -> Region:
    """Return the smallest region that holds what is seen and all prompts.

    Parameters
    ----------
    plane_shape : (int, int)
        (H, W) of the plane.
    view : Rect or None
        What the user sees; None if that is not known: then it is the whole plane.
    points_rc : iterable of (float, float)
        Prompts, plane frame; corners of boxes are points.

    Returns
    -------
    Region
    """
    whole = whole_plane(plane_shape)
    seen = None if view is None else view.clipped(plane_shape)
    if seen is None:
        return whole
    for row, column in points_rc:
        seen = seen.with_point(row, column)
    for level in levels_of(plane_shape):
        rows = _span(seen.r0, seen.r1, side_of(level), plane_shape[0])
        columns = _span(seen.c0, seen.c1, side_of(level), plane_shape[1])
        if rows is not None and columns is not None:
            return Region(rows[0], columns[0], rows[1], columns[1])
    return whole


def regions_at(plane_shape: tuple[int, int], level: int) -> tuple[Region, ...]:
    """Return every region of a level that covers a plane, in reading order."""
    side = side_of(level)
    rows = list(_starts(side, plane_shape[0]))
    columns = list(_starts(side, plane_shape[1]))
    return tuple(
        Region(r, c, min(r + side, plane_shape[0]), min(c + side, plane_shape[1]))
        for r in rows
        for c in columns
    )


def beside(plane_shape: tuple[int, int], region: Region) -> tuple[Region, ...]:
    """Return the regions of the same level that share half of one.

    Right, left, below and above, as far as there are any; none for the whole plane and
    for what is no region of the pyramid.
    """
    side, (height, width) = max(region.height, region.width), plane_shape
    rows, columns = list(_starts(side, height)), list(_starts(side, width))
    if region.r0 not in rows or region.c0 not in columns:
        return ()
    row, column = rows.index(region.r0), columns.index(region.c0)
    found = []
    for down, right in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        r, c = row + down, column + right
        if 0 <= r < len(rows) and 0 <= c < len(columns):
            end = min(rows[r] + side, height), min(columns[c] + side, width)
            found.append(Region(rows[r], columns[c], *end))
    return tuple(found)


def level_of(plane_shape: tuple[int, int], region: Region) -> int | None:
    """Return the level of a region; None for the whole plane."""
    sides = {side_of(level): level for level in levels_of(plane_shape)}
    return sides.get(max(region.height, region.width))


def count_at(plane_shape: tuple[int, int], level: int) -> int:
    """Return how many regions of a level cover a plane, without making them."""
    side = side_of(level)
    rows, columns = (sum(1 for _ in _starts(side, size)) for size in plane_shape)
    return rows * columns


def _span(start: float, stop: float, side: int, size: int) -> tuple[int, int] | None:
    """The span of one axis that holds a stretch, the most central one; or None."""
    held = [
        first
        for first in _starts(side, size)
        if first <= start and stop <= min(first + side, size)
    ]
    if not held:
        return None
    middle = (start + stop) / 2
    best = min(held, key=lambda first: abs(first + side / 2 - middle))
    return best, min(best + side, size)


def _starts(side: int, size: int) -> Iterator[int]:
    """First pixels of the spans of one axis: half a side apart, the last at the end."""
    if side >= size:
        yield 0
        return
    last = size - side
    yield from range(0, last, side // 2)
    yield last
