"""Which labels a layer has, kept up to date while it changes, off the GUI thread.

napari tells of strokes, we know our own writes, and both say where: only the blocks
that were touched are counted again. A refresh that neither explains is another
program's edit: then everything is counted again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from napari_sam21.core.census import (
    Block,
    Census,
    blocks_in,
    count_blocks,
)
from napari_sam21.core.lanes import Lane
from napari_sam21.core.runtime import Cancellation
from napari_sam21.layers.ids import look_of
from napari_sam21.layers.label_array import Box, levels_of

if TYPE_CHECKING:
    from napari.components import Dims
    from napari.layers import Labels

AT_A_TIME = 32
"""Blocks that are counted before what was found is told."""

REST_MS = 300
"""Edits of others are counted when they were quiet for so long."""

Counts = dict[Block, dict[int, int]]


class Clock(Protocol):
    """What is needed of the program: see `control.ports.Host`."""

    def deliver(self, call: Callable[[], None]) -> object: ...  # noqa: D102
    def soon(self, call: Callable[[], None]) -> None: ...  # noqa: D102
    def debounced(  # noqa: D102
        self, call: Callable[[], None], milliseconds: int
    ) -> Callable[[], object]: ...


class Counting:
    """Counts the labels of one layer, once somebody wants to know.

    Parameters
    ----------
    labels : Labels
    dims : Dims
        Of the viewer: its moves make napari read the layer again.
    clock : Clock
    changed : callable
        Gets the labels of which there are more or fewer pixels now, or none, when the
        count is complete.
    failed : callable
        Gets the exception of a count that failed.

    Attributes
    ----------
    census : Census
    wanted : bool
        Whether it counts.
    """

    def __init__(
        self,
        labels: Labels,
        dims: Dims,
        clock: Clock,
        changed: Callable[[frozenset[int]], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self.census = Census()
        self.wanted = False
        self._labels, self._dims, self._clock = labels, dims, clock
        self._changed, self._failed = changed, failed
        self._lane = Lane("sam21-objects", clock.deliver)
        self._again: Callable[[], object] = clock.debounced(self._recount, REST_MS)
        self._urgent: dict[Block, None] = {}
        self._backlog: deque[Block] = deque()
        self._running: list[Block] = []
        self._unexplained = self._closed = self._hurried = False
        self._view = look_of(labels, dims)
        self._shape = self._array.shape
        labels.events.data.connect(self._replaced)
        labels.events.paint.connect(self._painted)
        labels.events.set_data.connect(self._refreshed)

    @property
    def _array(self) -> Any:
        return levels_of(self._labels)[0]

    @property
    def complete(self) -> bool:
        """Whether every block was counted since it changed last."""
        return self.wanted and not (self._urgent or self._backlog or self._running)

    def close(self) -> None:
        """Stop listening, and counting."""
        self._closed = True
        self._again = _nothing  # what still waits to run must not keep the viewer
        self._lane.close()
        self._labels.events.data.disconnect(self._replaced)
        self._labels.events.paint.disconnect(self._painted)
        self._labels.events.set_data.disconnect(self._refreshed)

    def want(self) -> None:
        """Count from now on; what is there is counted first."""
        if not self.wanted:
            self.wanted = True
            self._recount()

    def touched(self, boxes: Iterable[Box]) -> None:
        """Count again what lies in some boxes of level 0."""
        self._unexplained = False
        if self.wanted:
            for box in boxes:
                self._urgent.update(dict.fromkeys(blocks_in(box)))
            # Not at once: of a single stroke napari tells before it writes it.
            self._clock.soon(self._go_on)

    def settle(self) -> bool:
        """Count at once what was touched since; return whether the count is complete.

        Large labels may still be counted for the first time, and then it is not.
        """
        self._lane.cancel()
        if self._hurried:
            self._urgent.update(dict.fromkeys(self._running))
        else:
            self._backlog.extendleft(self._running)
        urgent = list(self._urgent)
        if len(self._backlog) <= AT_A_TIME:
            urgent += self._backlog
            self._backlog.clear()
        self._urgent.clear()
        self._running = []
        self._take_in(count_blocks(self._array, urgent))
        self._go_on()
        return self.complete

    # --- what is heard -----------------------------------------------------------

    def _painted(self, event: Any) -> None:
        found = (_box_of(atom[0], self._labels.ndim) for atom in event.value)
        self.touched([box for box in found if box is not None])

    def _refreshed(self, event: Any = None) -> None:
        """Napari read the layer again: for a move of the view, or for an edit."""
        before, self._view = self._view, look_of(self._labels, self._dims)
        if before == self._view and self.wanted and not self._unexplained:
            self._unexplained = True  # unless it is told of in this very turn
            self._clock.soon(self._look_again)

    def _look_again(self) -> None:
        if self._unexplained and not self._closed:
            self._unexplained = False
            self._again()

    def _replaced(self, event: Any = None) -> None:
        """Other labels altogether, or wider ones."""
        if self._array.shape != self._shape:
            gone = frozenset(self.census.ids())
            self.census, self._shape = Census(), self._array.shape
            self._changed(gone)
        if self.wanted:
            self._recount()

    # --- counting ----------------------------------------------------------------

    def _recount(self) -> None:
        if self._closed:
            return
        self._lane.cancel()
        self._urgent.clear()
        self._running = []
        self._backlog = deque(blocks_in([slice(0, n) for n in self._shape]))
        self._go_on()

    def _go_on(self) -> None:
        """Count the next blocks; those that were touched first."""
        if self._lane.busy or self._closed:
            return
        self._running = batch = self._next()
        if not batch:
            return
        array = self._array

        def count(cancel: Cancellation) -> Counts:
            cancel.raise_if_wished()
            return count_blocks(array, batch)

        self._lane.submit(count, self._counted, self._stopped)

    def _next(self) -> list[Block]:
        self._hurried = bool(self._urgent)
        if self._hurried:
            batch = list(self._urgent)[:AT_A_TIME]
            for block in batch:
                del self._urgent[block]
            return batch
        count = min(AT_A_TIME, len(self._backlog))
        return [self._backlog.popleft() for _ in range(count)]

    def _counted(self, found: Counts) -> None:
        self._running = []
        self._take_in(found)
        self._go_on()

    def _take_in(self, found: Counts) -> None:
        changed: set[int] = set()
        for block, counts in found.items():
            changed |= self.census.put(block, counts)
        if changed or not (self._urgent or self._backlog):
            self._changed(frozenset(changed))

    def _stopped(self, error: BaseException) -> None:
        """A file cannot be read: say so, and count again when it is asked for."""
        self._running = []
        self._urgent.clear()
        self._backlog.clear()
        self.wanted = False
        self._failed(error)


def _box_of(where: Sequence[Any], ndim: int) -> Box | None:
    """The box of a part of a stroke: napari tells slices, or index arrays."""
    if len(where) != ndim:
        return None
    if all(isinstance(part, slice) for part in where):
        return tuple(where)
    indices = [np.asarray(part) for part in where]
    if not all(part.size for part in indices):
        return None
    return tuple(slice(int(part.min()), int(part.max()) + 1) for part in indices)


def _nothing() -> None:
    pass
