"""One long job beside the window: told in words, stopped at a wish."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from napari_sam21.core.lanes import Deliver, Lane
from napari_sam21.core.runtime import Cancellation

T = TypeVar("T")
Say = Callable[[str, bool], None]
"""Takes a word to the user, and whether it is about something to mend."""

Progress = Callable[[str, int, int], None]
"""Told of a step, what is done, and all there is; raises `Cancelled` at a wish."""

TELL_SECONDS = 0.5
"""Progress is told so often: each time the window is drawn anew."""


class Errand:
    """Runs a job in a thread of its own, one at a time.

    Parameters
    ----------
    name : str
        Of the thread.
    deliver : callable
        Runs a call in the thread that owns the layers.
    say : callable
        Tells the user.
    failed : callable
        Gets what went wrong.
    """

    def __init__(
        self,
        name: str,
        deliver: Deliver,
        say: Say,
        failed: Callable[[BaseException], None],
    ) -> None:
        self._lane = Lane(name, deliver)
        self._deliver, self._say, self._failed = deliver, say, failed

    @property
    def busy(self) -> bool:
        """Whether a job is under way."""
        return self._lane.busy

    def run(
        self, word: str, job: Callable[[Progress], T], done: Callable[[T], None]
    ) -> None:
        """Run a job.

        Parameters
        ----------
        word : str
            What is being done, such as ``"Saving"``.
        job : callable
            Gets a function to tell its progress to, which raises `Cancelled`.
        done : callable
            Gets the result.
        """

        def run(cancel: Cancellation) -> T:
            return job(self._teller(word, cancel))

        self._lane.submit(run, done, self._failed)
        self._say(f"{word}…", False)

    def cancel(self) -> bool:
        """Stop the job; return whether there was one."""
        was_busy = self._lane.busy
        self._lane.cancel()
        if was_busy:
            self._say("Cancelled; nothing was changed.", False)
        return was_busy

    def close(self) -> None:
        """Cancel, and let the thread end."""
        self._lane.close()

    def _teller(self, word: str, cancel: Cancellation) -> Progress:
        last = time.monotonic()

        def told(share: int) -> None:
            if self._lane.busy and not cancel.wished:
                self._say(f"{word}… {share} %", False)

        def tell(_: str, done: int, total: int) -> None:
            nonlocal last
            cancel.raise_if_wished()
            now = time.monotonic()
            if now - last >= TELL_SECONDS:
                last = now
                self._deliver(lambda: told(100 * done // max(total, 1)))

        return tell
