"""Work off the caller's thread: one job runs, only the newest waits, late answers drop.

A request gets a number. When its answer arrives and the number is old, the answer is
dropped. Two lanes, one to encode and one to decode, keep a click on a ready embedding
from waiting for an encode.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from napari_sam21.core.errors import Cancelled
from napari_sam21.core.runtime import Cancellation

T = TypeVar("T")
Deliver = Callable[[Callable[[], None]], object]
"""Runs a call in the thread that owns the layers, soon; from any thread."""


class Lane:
    """A single worker thread with a queue of one.

    Parameters
    ----------
    name : str
        Of the thread.
    deliver : callable
        Takes a call without arguments and runs it in the owner's thread.
    """

    def __init__(self, name: str, deliver: Deliver) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._deliver = deliver
        self._number = 0
        self._future: Future[Any] | None = None
        self._cancellation = Cancellation()
        self._is_quiet = False

    @property
    def busy(self) -> bool:
        """Whether the newest request is still to be answered."""
        return self._future is not None and not self._is_quiet

    @property
    def quiet(self) -> bool:
        """Whether a job runs that nobody waits for."""
        return self._future is not None and self._is_quiet

    def submit(
        self,
        job: Callable[[Cancellation], T],
        done: Callable[[T], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        """Run a job, unless a newer one comes first.

        Parameters
        ----------
        job : callable
            Runs in the lane's thread; gets the wish to stop.
        done : callable
            Gets the job's result in the owner's thread, if it is still the newest.
        failed : callable
            Gets the exception instead, but not `Cancelled`.
        """
        self.cancel()
        self._begin(job, done, failed)

    def submit_quietly(
        self,
        job: Callable[[Cancellation], T],
        done: Callable[[T], None],
        failed: Callable[[BaseException], None],
    ) -> bool:
        """Run a job that nobody waits for, if nothing else is asked for.

        It does not count as busy. Whatever is asked for stops it, and then neither
        `done` nor `failed` is called.

        Returns
        -------
        bool
            Whether it was begun.
        """
        if self._future is not None:
            return False
        self._begin(job, done, failed)
        self._is_quiet = True
        return True

    def stop_quiet(self) -> None:
        """Stop a job that nobody waits for; leave any other one alone."""
        if self.quiet:
            self.cancel()

    def _begin(
        self,
        job: Callable[[Cancellation], T],
        done: Callable[[T], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._is_quiet = False
        number = self._number
        self._cancellation = cancellation = Cancellation()
        self._future = future = self._pool.submit(job, cancellation)

        def finish() -> None:
            if number == self._number:
                self._future = None
                _hand_over(future, done, failed)

        future.add_done_callback(lambda _: self._deliver(finish))

    def cancel(self) -> None:
        """Forget the newest request; stop it if it runs."""
        self._number += 1
        self._cancellation.cancel()
        if self._future is not None:
            self._future.cancel()
            self._future = None

    def close(self) -> None:
        """Cancel, and let the thread end."""
        self.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)


def _hand_over(
    future: Future[T],
    done: Callable[[T], None],
    failed: Callable[[BaseException], None],
) -> None:
    error = future.exception()
    if error is None:
        done(future.result())
    elif not isinstance(error, Cancelled):
        failed(error)
