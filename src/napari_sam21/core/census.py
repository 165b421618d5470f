"""How many pixels of each label an array has, and where: counted block by block.

A label array is covered by blocks of its planes (the last two axes). Whoever changes
labels says which blocks; those are counted again, from what is there. So the count of
a commit costs its blocks and nothing else, and no sum can run away from the truth.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

SIDE = 512
"""Rows and columns of a block: it is counted in less than a millisecond."""

LISTED = 1 << 16
"""Ids up to this one are counted in a table of all ids."""

Index = tuple[int, ...]
"""Which plane: the position along each axis but the last two."""


@dataclass(frozen=True, order=True)
class Block:
    """A block of a plane.

    Attributes
    ----------
    index : tuple of int
    row, column : int
        In blocks, from the plane's upper left corner.
    """

    index: Index
    row: int
    column: int

    def box(self, shape: Sequence[int]) -> tuple[slice, ...]:
        """Return its pixels in an array of this shape (…, H, W)."""
        spans = (
            slice(at * SIDE, min((at + 1) * SIDE, size))
            for at, size in zip((self.row, self.column), shape[-2:], strict=True)
        )
        return (*(slice(i, i + 1) for i in self.index), *spans)


def blocks_in(box: Sequence[slice]) -> Iterator[Block]:
    """Return the blocks that a box of an array touches.

    Parameters
    ----------
    box : sequence of slice
        A slice with a start and an end for each axis.
    """
    *leading, rows, columns = box
    for index in np.ndindex(*(part.stop - part.start for part in leading)):
        at = tuple(i + part.start for i, part in zip(index, leading, strict=True))
        for row in _steps(rows):
            for column in _steps(columns):
                yield Block(at, row, column)


def _steps(part: slice) -> range:
    return range(part.start // SIDE, -(-part.stop // SIDE))


def counts_of(values: npt.NDArray[np.integer[Any]]) -> dict[int, int]:
    """Count the pixels of each label; 0 is left out."""
    if not values.any():
        return {}
    if values.min() >= 0 and values.max() < LISTED:
        pixels = np.bincount(values.ravel())
        ids = np.flatnonzero(pixels)
        pixels = pixels[ids]
    else:
        ids, pixels = np.unique(values, return_counts=True)
    found = dict(zip(ids.tolist(), pixels.tolist(), strict=True))
    found.pop(0, None)
    return found


class Census:
    """The counts of all blocks, and the blocks of each label."""

    def __init__(self) -> None:
        self._counts: dict[Block, dict[int, int]] = {}
        self._places: dict[int, dict[Block, int]] = {}

    def __contains__(self, label: int) -> bool:
        return label in self._places

    def __len__(self) -> int:
        return len(self._places)

    def ids(self) -> tuple[int, ...]:
        """Return all labels that are there, in no order."""
        return tuple(self._places)

    def put(self, block: Block, counts: dict[int, int]) -> set[int]:
        """Take in the count of a block; return the labels of which it changes."""
        before = self._counts.get(block, {})
        changed = {
            label
            for label in before.keys() | counts.keys()
            if before.get(label) != counts.get(label)
        }
        for label in changed:
            self._note(label, block, counts.get(label, 0))
        if counts:
            self._counts[block] = counts
        else:
            self._counts.pop(block, None)
        return changed

    def _note(self, label: int, block: Block, pixels: int) -> None:
        places = self._places.setdefault(label, {})
        if pixels:
            places[block] = pixels
        else:
            places.pop(block, None)
        if not places:
            del self._places[label]

    def places(self, label: int) -> Mapping[Block, int]:
        """Return the blocks where a label is, and how many pixels it has there."""
        return self._places.get(label, {})

    def area(self, label: int) -> int:
        """Return how many pixels a label has in the whole array."""
        return sum(self.places(label).values())

    def areas(self, label: int) -> dict[Index, int]:
        """Return how many pixels a label has on each plane, in order of the planes."""
        found: dict[Index, int] = {}
        for block, pixels in self.places(label).items():
            found[block.index] = found.get(block.index, 0) + pixels
        return dict(sorted(found.items()))


def count_blocks(array: Any, blocks: Sequence[Block]) -> dict[Block, dict[int, int]]:
    """Count some blocks of an array; neighbours are read together.

    Parameters
    ----------
    array : array-like of int, shape (…, H, W)
        numpy, memmap, zarr, tensorstore, …
    blocks : sequence of Block
    """
    shape = tuple(int(size) for size in array.shape)
    found: dict[Block, dict[int, int]] = {}
    for some in _runs(blocks):
        first, last = some[0].box(shape), some[-1].box(shape)
        start = first[-1].start
        values = np.asarray(array[(*first[:-1], slice(start, last[-1].stop))])
        for block in some:
            part = block.box(shape)[-1]
            here = values[..., part.start - start : part.stop - start]
            found[block] = counts_of(here)
    return found


def _runs(blocks: Sequence[Block]) -> Iterator[list[Block]]:
    """Gather blocks that lie side by side in a row."""
    run: list[Block] = []
    for block in sorted(blocks):
        after = run and replace(run[-1], column=run[-1].column + 1) == block
        if run and not after:
            yield run
            run = []
        run.append(block)
    if run:
        yield run
