"""Small jobs done later, in order, by a thread that nobody has to end."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress

ROOM = 8
"""Jobs that wait at most: embeddings of 16.8 MB that a slow disk keeps in memory."""


class Background:
    """A thread that does jobs in order, and is there only while there are any.

    Parameters
    ----------
    name : str
        Of the thread.
    room : int
        Jobs that wait at most.
    """

    def __init__(self, name: str, room: int = ROOM) -> None:
        self._name, self._room = name, room
        self._lock = threading.Lock()
        self._jobs: deque[Callable[[], None]] = deque()
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, job: Callable[[], None]) -> bool:
        """Do a job soon, and return at once; False if too many wait."""
        with self._lock:
            if self._closed or len(self._jobs) >= self._room:
                return False
            self._jobs.append(job)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._run, name=self._name, daemon=True
                )
                # No thread can begin any more while the interpreter ends.
                with suppress(RuntimeError):
                    self._thread.start()
            return True

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all is done; False if it is not, after so many seconds."""
        thread = self._thread
        if thread is not None and thread.is_alive():
            thread.join(timeout)
            return not thread.is_alive()
        return True

    def close(self, timeout: float) -> None:
        """Take no more jobs; wait some seconds for those there are."""
        with self._lock:
            self._closed = True
        self.flush(timeout)

    def _run(self) -> None:
        while (job := self._next()) is not None:
            job()

    def _next(self) -> Callable[[], None] | None:
        with self._lock:
            if self._jobs:
                return self._jobs.popleft()
            self._thread = None
            return None
