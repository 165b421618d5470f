"""The candidates of an answer as people compare them: from part to whole, and small."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_sam21.core.embedding import Answer

SIDE = 24
"""Pixels of a swatch."""
MARGIN = 0.1
"""Left free around the largest candidate, as a share of it."""

Bool = npt.NDArray[np.bool_]
Index = npt.NDArray[np.intp]


def areas(answer: Answer) -> tuple[int, ...]:
    """Return about how many pixels of the plane each candidate covers.

    Counted in the cells of the logits, so that it costs nothing at any size.
    """
    cells = answer.logits[0].size
    pixels = answer.region.height * answer.region.width / cells
    return tuple(round(np.count_nonzero(each > 0) * pixels) for each in answer.logits)


def by_size(answer: Answer) -> tuple[int, ...]:
    """Return the numbers of the candidates, the smallest first: from part to whole."""
    found = areas(answer)
    return tuple(sorted(range(len(found)), key=found.__getitem__))


def swatches(answer: Answer, side: int = SIDE) -> tuple[Bool, ...]:
    """Draw each candidate small, all in the same frame.

    Parameters
    ----------
    answer : Answer
    side : int
        Pixels of each picture.

    Returns
    -------
    tuple of array of bool, shape (side, side)
        In the order of the candidates; empty ones are all False.
    """
    rows, columns = _frame(answer, side)
    return tuple(_shrunk(each > 0, rows, columns) for each in answer.logits)


def _shrunk(mask: Bool, rows: Index, columns: Index) -> Bool:
    """Where anything of a mask is between two edges: nothing is too small to see."""
    down = np.logical_or.reduceat(mask, rows, axis=0)[:-1]
    shrunk: Bool = np.logical_or.reduceat(down, columns, axis=1)[:, :-1]
    return shrunk


def _frame(answer: Answer, side: int) -> tuple[Index, Index]:
    """Edges of rows and columns of a picture: a square around all candidates."""
    somewhere: Bool = np.any(answer.logits > 0, axis=0)
    if not somewhere.any():
        somewhere[...] = True
    high, wide = answer.region.height, answer.region.width
    spans = [np.flatnonzero(somewhere.any(axis=axis)) for axis in (1, 0)]
    ends = [(found[0], found[-1] + 1) for found in spans]
    # Cells need not be square: the square is one of the plane.
    sizes = np.array([high, wide]) / somewhere.shape
    half = max((b - a) * s for (a, b), s in zip(ends, sizes, strict=True)) / 2
    steps = (np.arange(side + 1) / side * 2 - 1) * half * (1 + MARGIN)
    rows, columns = (
        np.clip((a + b) / 2 + steps / size, 0, count - 1).astype(np.intp)
        for (a, b), size, count in zip(ends, sizes, somewhere.shape, strict=True)
    )
    return rows, columns
