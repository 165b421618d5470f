"""New labels are unique over the whole array: scanned once, then tracked.

Brush, fill and our own writes say which labels they use. What else may have edited the
array says so by a refresh, as every move of a slider does: where the view has not
moved, the array is scanned again, off the GUI thread, and a commit waits for it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sam21.core.lanes import Lane
from napari_sam21.layers.label_array import levels_of
from napari_sam21.layers.output import largest_id

if TYPE_CHECKING:
    from napari.components import Dims
    from napari.layers import Labels


class LabelIds:
    """The next free label of a Labels layer.

    Parameters
    ----------
    labels : Labels
    dims : Dims
        Of the viewer: its moves make napari read the layer again.
    lane : Lane
        Where the array is scanned, off the GUI thread.
    ready : callable
        Called once a scan is over.
    failed : callable
        Gets the exception of a scan that failed.
    largest : int, optional
        The largest label, where it is known (0 in a new layer): saves the scan.
    """

    def __init__(
        self,
        labels: Labels,
        dims: Dims,
        lane: Lane,
        ready: Callable[[], None],
        failed: Callable[[BaseException], None],
        largest: int | None = None,
    ) -> None:
        self._labels = labels
        self._dims = dims
        self._lane = lane
        self._ready = ready
        self._failed = failed
        self._largest = largest
        self._least = 0
        self._writing = False
        self._view = look_of(labels, dims)
        labels.events.data.connect(self._replaced)
        labels.events.paint.connect(self._painted)
        labels.events.set_data.connect(self._refreshed)
        if largest is None:
            self._scan()

    @property
    def next(self) -> int | None:
        """The next free label; None while the array is being scanned."""
        return None if self._largest is None else self._largest + 1

    @property
    def least(self) -> int:
        """The largest label that was ever counted as taken."""
        return max(self._least, self._largest or 0)

    def count(self) -> None:
        """Scan again if there is no count, and none on its way: the last one failed."""
        if self._largest is None and not self._lane.busy:
            self._scan()

    def used(self, value: int) -> None:
        """Count a label as taken."""
        self._least = max(self._least, value)
        if self._largest is not None:
            self._largest = max(self._largest, value)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """What is refreshed meanwhile was written by us: nothing to look for."""
        before, self._writing = self._writing, True
        try:
            yield
        finally:
            self._writing = before

    def close(self) -> None:
        """Stop listening."""
        self._labels.events.data.disconnect(self._replaced)
        self._labels.events.paint.disconnect(self._painted)
        self._labels.events.set_data.disconnect(self._refreshed)

    def _refreshed(self, event: Any = None) -> None:
        before, self._view = self._view, look_of(self._labels, self._dims)
        if before == self._view and not self._writing:
            self._scan()

    def _replaced(self, event: Any = None) -> None:
        """Other labels altogether, unless it is us who widened them."""
        if not self._writing:
            self._least = 0
            self._scan()

    def _scan(self) -> None:
        data = levels_of(self._labels)[0]
        self._largest = None
        self._lane.submit(
            lambda cancel: largest_id(data, cancel), self._scanned, self._failed
        )

    def _scanned(self, largest: int) -> None:
        self._largest = max(largest, self._least)
        self._ready()

    def _painted(self, event: Any) -> None:
        """Follow brush and fill: the last part of each stroke is its new value."""
        for stroke in event.value:
            self.used(int(np.max(stroke[-1], initial=0)))


def look_of(labels: Labels, dims: Dims) -> Hashable:
    """Return all that makes napari read a layer again, though nothing was edited."""
    part: tuple[Any, ...] = ()
    if labels.multiscale:
        corners = np.asarray(labels.corner_pixels).ravel().tolist()
        part = (labels.data_level, *corners)
    return tuple(dims.point), tuple(dims.order), dims.ndisplay, part
