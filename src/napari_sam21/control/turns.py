"""Long work in the thread that owns the layers, a little at each turn of its loop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

TURN_SECONDS = 0.01
"""Work goes on for so long before the window has its turn."""


class Turns:
    """Does one work at a time; whoever cannot wait has it finished at once.

    Parameters
    ----------
    soon : callable
        Runs a call in this thread, after what runs now.
    """

    def __init__(self, soon: Callable[[Callable[[], None]], object]) -> None:
        self._soon = soon
        self._steps: Iterator[None] | None = None
        self._done: Callable[[], None] = _nothing

    @property
    def busy(self) -> bool:
        """Whether a work is under way."""
        return self._steps is not None

    def start(self, steps: Iterator[None], done: Callable[[], None]) -> None:
        """Begin a work; what takes one turn only is done when this returns.

        Parameters
        ----------
        steps : iterator
            Its steps; each should take a few milliseconds.
        done : callable
            Called at the end.
        """
        self.finish()
        self._steps, self._done = steps, done
        self._turn(steps)

    def finish(self) -> None:
        """Do the rest now."""
        while self._steps is not None:
            self._step()

    def _turn(self, steps: Iterator[None]) -> None:
        end = time.monotonic() + TURN_SECONDS
        while self._steps is steps:
            self._step()
            if time.monotonic() >= end and self._steps is steps:
                self._soon(lambda: self._turn(steps))
                return

    def _step(self) -> None:
        steps, done = self._steps, self._done
        if steps is None:
            return
        try:
            next(steps)
        except StopIteration:
            self._steps, self._done = None, _nothing
            done()
        except BaseException:
            self._steps, self._done = None, _nothing
            raise


def _nothing() -> None:
    pass
