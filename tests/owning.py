"""A thread that owns what others work for, and work that waits for the test."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from napari_sam21.core.runtime import Cancellation

PATIENCE = 30.0
"""Seconds to wait for what should be there at once."""


class Owner:
    """The thread of the test: calls wait here until the test takes them."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.deliver = self._calls.put
        self.heard: list[object] = []

    def take(self, count: int = 1) -> None:
        """Run the next calls, waiting for them."""
        for _ in range(count):
            self._calls.get(timeout=PATIENCE)()

    @property
    def waiting(self) -> int:
        """How many calls were not taken."""
        return self._calls.qsize()


class Job:
    """Work that starts, waits for the test, and returns its name or raises."""

    def __init__(self, name: str, error: BaseException | None = None) -> None:
        self.name, self.error = name, error
        self.started, self.released = threading.Event(), threading.Event()
        self.thread = ""
        self.wished = False

    def __call__(self, cancel: Cancellation | None = None) -> str:
        self.thread = threading.current_thread().name
        self.started.set()
        assert self.released.wait(PATIENCE)
        self.wished = cancel is not None and cancel.wished
        if self.error is not None:
            raise self.error
        return self.name

    def has_started(self) -> None:
        """Wait until it has."""
        assert self.started.wait(PATIENCE)
