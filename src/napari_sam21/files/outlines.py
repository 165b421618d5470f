"""Masks as polygons along the edges of their pixels.

Frame: **corners** (row, column), pixel (0, 0) covers [0, 1) × [0, 1), as ImageJ and
QuPath count; napari's coordinates, where an integer is the centre of a pixel, are half
a pixel less. Polygons along the edges of pixels have whole-numbered corners, the exact
area of the mask, and give it back bit for bit; ImageJ's wand and QuPath trace alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_sam21.files.blocks import Cut

Ring = npt.NDArray[np.int64]
"""Corners of a closed line, shape (N, 2), row and column; the first is not repeated."""


@dataclass(frozen=True)
class Polygon:
    """A connected piece of a mask (by the edges of its pixels, not by corners).

    Attributes
    ----------
    shell : Ring
        Its outer edge, corners frame. It touches itself nowhere.
    holes : tuple of Ring
        Edges of its holes; they may touch each other and the shell in a point.
    """

    shell: Ring
    holes: tuple[Ring, ...] = ()

    def rings(self) -> tuple[Ring, ...]:
        """The shell, then the holes."""
        return (self.shell, *self.holes)


def outline(cut: Cut) -> list[Polygon]:
    """Trace a mask.

    Parameters
    ----------
    cut : Cut
        The mask in its bounding box.

    Returns
    -------
    list of Polygon
        One for each piece, corners frame of the plane.
    """
    padded = np.pad(cut.mask, 1)
    offset = np.array([cut.box.r0, cut.box.c0]) - 1
    rings = list(_rings(padded))
    if len(rings) == 1:
        return [Polygon(rings[0] + offset)]
    return _gathered(rings, padded, offset)


def to_xy(ring_rc: Ring) -> Ring:
    """Turn rows and columns into x and y; both in the corners frame."""
    return ring_rc[:, ::-1]


def _gathered(
    rings: list[Ring], padded: npt.NDArray[np.bool_], offset: npt.NDArray[np.int64]
) -> list[Polygon]:
    """Give each hole to the piece of the mask that it is in."""
    from skimage.measure import label

    pieces = label(padded, connectivity=1)
    shells: dict[int, Ring] = {}
    holes: dict[int, list[Ring]] = {}
    for ring in rings:
        piece = _piece_beside(ring, pieces)
        if _signed_area(ring) > 0:
            shells[piece] = ring + offset
        else:
            holes.setdefault(piece, []).append(ring + offset)
    return [Polygon(shells[piece], tuple(holes.get(piece, ()))) for piece in shells]


def _rings(padded: npt.NDArray[np.bool_]) -> Iterator[Ring]:
    from skimage.measure import find_contours

    # "low": pixels that touch at a corner only are different pieces.
    for line in find_contours(padded.astype(np.uint8), 0.5, fully_connected="low"):
        yield from _without_touches(_corners(line))


def _corners(line: npt.NDArray[np.float64]) -> Ring:
    """Turn the middles of pixel edges into the corners where the edge turns.

    A contour at 0.5 of a mask goes through the middle of each pixel edge between the
    mask and the rest. Two neighbours on edges of different direction have a corner of
    pixels between them: the row of the one that lies along a row, and the column of the
    other.
    """
    here = line[:-1] + 0.5
    there = np.roll(here, -1, axis=0)
    along_row = here[:, 0] % 1 == 0
    turns = along_row != np.roll(along_row, -1)
    rows = np.where(along_row, here[:, 0], there[:, 0])
    columns = np.where(along_row, there[:, 1], here[:, 1])
    corners: Ring = np.stack([rows, columns], axis=1)[turns].astype(np.int64)
    return corners


def _without_touches(ring: Ring) -> list[Ring]:
    """Cut a line that touches itself in points into lines that do not."""
    if len(np.unique(ring, axis=0)) == len(ring):
        return [ring]
    found: list[Ring] = []
    path: dict[tuple[int, int], None] = {}  # in the order in which they were met
    for row, column in ring.tolist():
        if (row, column) in path:
            loop = [path.popitem()[0]]
            while loop[-1] != (row, column):
                loop.append(path.popitem()[0])
            found.append(np.array(loop[::-1], np.int64))
        path[row, column] = None
    return [*found, np.array(list(path), np.int64)]


def _piece_beside(ring: Ring, pieces: npt.NDArray[np.int64]) -> int:
    """Which piece of the mask a line borders: the one beside its first edge."""
    (r0, c0), (r1, c1) = ring[:2]
    row, column = min(r0, r1), min(c0, c1)
    before = (row - 1, column) if r0 == r1 else (row, column - 1)
    return int(max(pieces[row, column], pieces[before]))


def _signed_area(ring: Ring) -> float:
    """Positive for shells, by the direction in which contours run around the mask."""
    rows, columns = ring[:, 0], ring[:, 1]
    after = np.roll(ring, -1, axis=0)
    return float(np.sum(columns * after[:, 0] - after[:, 1] * rows)) / 2
