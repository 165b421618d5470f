"""Labels become another label, or background, wherever they are: merging, deleting.

Only the blocks where they are known to be are read and written. What is small goes
through napari, so that its own undo knows it; the rest is written in place, block by
block, and whoever runs it may rest between two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_sam21.core.census import Block
from napari_sam21.core.delta import Delta
from napari_sam21.layers.label_array import LabelArray
from napari_sam21.layers.writing import NAPARI_PIXELS, Steps, changing, drawing
from napari_sam21.session.change import Change, change_of

if TYPE_CHECKING:
    from napari.layers import Labels

NAPARI_BOX = 1 << 21
"""napari's own undo is followed by the whole box of a change: no larger ones."""

Indices = tuple[npt.NDArray[np.intp], ...]
Labelled = npt.NDArray[np.integer[Any]]


class Relabelling:
    """Some labels on their way into another one.

    Parameters
    ----------
    labels : Labels
    blocks : iterable of Block
        Where they are.
    old : sequence of int
        The labels.
    new : int
        What they become; 0 deletes them.
    pixels : int
        How many pixels they have.

    Attributes
    ----------
    changes : list of Change
        What has changed so far.
    """

    def __init__(
        self,
        labels: Labels,
        blocks: Iterable[Block],
        old: Sequence[int],
        new: int,
        pixels: int,
    ) -> None:
        self.changes: list[Change] = []
        self.labels = labels
        self._blocks, self._old, self._new = sorted(set(blocks)), list(old), new
        self._small = pixels <= NAPARI_PIXELS

    def steps(self) -> Steps:
        """Write."""
        array = LabelArray.of(self.labels)
        change = self._as_one(array) if self._small else None
        if change is not None:
            self.labels.data_setitem(change.indices(), self._new)
            self.changes.append(change)
            return
        for block in self._blocks:
            self._write(array, block)
            yield False
        yield from drawing(self.labels)

    def _as_one(self, array: LabelArray) -> Change | None:
        """All of it as one change, if napari can take it in and keep it."""
        found = [each for each in map(self._found(array), self._blocks) if each]
        if len(array.levels) > 1 or not found:
            return None
        indices = tuple(
            np.concatenate(axis) for axis in zip(*(i for i, _ in found), strict=True)
        )
        sizes = (int(np.ptp(axis)) + 1 for axis in indices)
        if int(np.prod(list(sizes))) > NAPARI_BOX:
            return None
        return change_of(indices, np.concatenate([v for _, v in found]), self._new)

    def _found(
        self, array: LabelArray
    ) -> Callable[[Block], tuple[Indices, Labelled] | None]:
        def find(block: Block) -> tuple[Indices, Labelled] | None:
            box = block.box(array.shape)
            there = array.read(box)
            where = np.isin(there, self._old)
            if not where.any():
                return None
            indices = tuple(
                found + part.start
                for found, part in zip(np.nonzero(where), box, strict=True)
            )
            return indices, there[where]

        return find

    def _write(self, array: LabelArray, block: Block) -> None:
        found = self._found(array)(block)
        change = None if found is None else change_of(found[0], found[1], self._new)
        if change is not None:
            box = box_of(change)
            array.put(box, change.changed, self._new)
            self.changes.append(change)


def box_of(change: Change | Delta) -> tuple[slice, ...]:
    """Return the box of a change in its array."""
    sizes = zip(change.corner, change.changed.shape, strict=True)
    return tuple(slice(start, start + size) for start, size in sizes)


def all_changing(labels: Labels, changes: Sequence[Change]) -> Steps:
    """Do changes where their old values are still there; see `writing.changing`."""
    if len(changes) == 1:
        yield from changing(labels, changes[0])
        return
    array = LabelArray.of(labels)
    for change in changes:
        box = box_of(change)
        there = np.array(array.read(box))
        where = change.changed.copy()
        where[change.changed] = there[change.changed] == change.before
        there[change.changed] = change.after
        array.put(box, where, there)
        yield False
    yield from drawing(labels)


def held(labels: Labels, changes: Iterable[Change | Delta]) -> Iterator[Change]:
    """Return what the elements of changes hold now: of an undo, too."""
    array = LabelArray.of(labels)
    for change in changes:
        now = np.array(array.read(box_of(change)))[change.changed]
        same = now.size and bool((now == now[0]).all())
        after = now[:1].reshape(()) if same else now
        yield Change(change.corner, change.changed, change.before, after)
