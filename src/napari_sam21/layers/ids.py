"""New labels are unique over the whole array: scanned once, then tracked."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sam21.core.lanes import Lane
from napari_sam21.layers.output import largest_id

if TYPE_CHECKING:
    from napari.layers import Labels


class LabelIds:
    """The next free label of a Labels layer.

    Parameters
    ----------
    labels : Labels
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
        lane: Lane,
        ready: Callable[[], None],
        failed: Callable[[BaseException], None],
        largest: int | None = None,
    ) -> None:
        self._labels = labels
        self._lane = lane
        self._ready = ready
        self._edited_elsewhere = False
        self._failed = failed
        self._largest = largest
        labels.events.data.connect(self._scan)
        labels.events.paint.connect(self._painted)
        labels.events.set_data.connect(self._refreshed)
        if largest is None:
            self._scan()

    @property
    def next(self) -> int | None:
        """The next free label; None while the array is being scanned."""
        return None if self._largest is None else self._largest + 1

    def count(self) -> None:
        """Scan again if there is no count, and none on its way: the last one failed."""
        if self._largest is None and not self._lane.busy:
            self._scan()

    def look_at(self, plane: Any) -> None:
        """Count the labels of a plane in, if the array may have been edited in place.

        Such edits are heard of only as a refresh, as every move of a slider is: a look
        at the plane that is written to is cheap, another scan would not be.

        Parameters
        ----------
        plane : callable
            Returns the plane's labels as an array.
        """
        if self._edited_elsewhere:
            self._edited_elsewhere = False
            self.used(int(np.max(plane(), initial=0)))

    def own_write(self) -> AbstractContextManager[None]:
        """Return a context for our own writes: their refresh is no edit elsewhere.

        Above the texture limit each write refreshes the whole plane; a look at the
        plane before every commit would cost more than the commit.
        """
        refreshed: AbstractContextManager[None] = self._labels.events.set_data.blocker(
            self._refreshed
        )
        return refreshed

    def used(self, value: int) -> None:
        """Count a label as taken."""
        self._largest = max(self._largest or 0, value)

    def close(self) -> None:
        """Stop listening."""
        self._labels.events.data.disconnect(self._scan)
        self._labels.events.paint.disconnect(self._painted)
        self._labels.events.set_data.disconnect(self._refreshed)

    def _refreshed(self, event: Any = None) -> None:
        self._edited_elsewhere = True

    def _scan(self, event: Any = None) -> None:
        data = self._labels.data
        self._largest = None
        self._lane.submit(
            lambda cancel: largest_id(data, cancel), self._scanned, self._failed
        )

    def _scanned(self, largest: int) -> None:
        self._largest = largest
        self._ready()

    def _painted(self, event: Any) -> None:
        """Follow brush and fill: the last part of each stroke is its new value."""
        if self._largest is None:  # the running scan may have passed these pixels
            self._scan()
            return
        for stroke in event.value:
            self.used(int(np.max(stroke[-1], initial=0)))
