"""Small jobs done later, in order, by a thread that nobody has to end."""

from __future__ import annotations

import atexit
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from weakref import WeakSet

ROOM = 8
"""Jobs that wait at most: embeddings of 16.8 MB that a slow disk keeps in memory."""


IDLE = 10.0
"""Seconds that the thread waits for more: beginning one takes longer than a commit."""


LAST_WORDS = 2.0
"""Seconds that the interpreter's end waits for each thread's jobs."""

_ALL: WeakSet[Background] = WeakSet()


class Background:
    """A thread that does jobs in order, and ends a while after the last one.

    Parameters
    ----------
    name : str
        Of the thread.
    room : int
        Jobs that wait at most.
    idle : float
        Seconds until the thread ends.
    """

    def __init__(self, name: str, room: int = ROOM, idle: float = IDLE) -> None:
        self._name, self._room, self._idle = name, room, idle
        self._changed = threading.Condition()
        self._jobs: deque[Callable[[], object]] = deque()
        self._thread: threading.Thread | None = None
        self._works = self._closed = False
        _ALL.add(self)

    def submit(self, job: Callable[[], object]) -> bool:
        """Do a job soon, and return at once; False if too many wait."""
        with self._changed:
            if self._closed or len(self._jobs) >= self._room:
                return False
            self._jobs.append(job)
            self._changed.notify_all()
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
        with self._changed:
            return self._changed.wait_for(self._is_over, timeout)

    def close(self, timeout: float) -> None:
        """Take no more jobs; wait some seconds for those there are."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self.flush(timeout)

    def _is_over(self) -> bool:
        """Whether nothing is to be done, or nobody is there to do it."""
        thread = self._thread
        gone = thread is None or not thread.is_alive()
        return gone or not (self._jobs or self._works)

    def _run(self) -> None:
        while (job := self._next()) is not None:
            try:
                job()
            except Exception:
                # As if it ended the thread, which goes on with the next job.
                told = (*sys.exc_info(), threading.current_thread())
                threading.excepthook(threading.ExceptHookArgs(told))

    def _next(self) -> Callable[[], object] | None:
        with self._changed:
            self._works = False
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._jobs or self._closed, self._idle)
            if not self._jobs:
                self._thread = None
                self._changed.notify_all()
                return None
            self._works = True
            return self._jobs.popleft()


def flush_all(timeout: float = LAST_WORDS) -> bool:
    """Wait until every thread's jobs are done; False if some are not by then."""
    return all([each.flush(timeout) for each in tuple(_ALL)])


# The threads are daemons: without this, what waits would go with the interpreter.
atexit.register(flush_all)
