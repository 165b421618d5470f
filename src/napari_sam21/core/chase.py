"""Follow something that moves: the newest question is answered, the others are not.

A `Lane` runs a job and waits until its owner asks again. A chase goes from one question
to the next by itself, so that it need not wait for an owner who draws meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Any

from napari_sam21.core.lanes import Deliver


@dataclass(frozen=True)
class Question:
    """A job, and whom to tell of its result or of its failure."""

    job: Callable[[], Any]
    done: Callable[[Any], object]
    failed: Callable[[BaseException], object]

    def answer(self) -> Callable[[], object]:
        """Run the job; return what is to be called with its end."""
        try:
            return partial(self.done, self.job())
        except BaseException as error:
            return partial(self.failed, error)


class Chase:
    """A single worker thread that always takes the newest question.

    At most one question waits, and at most one answer: a newer one takes its place.

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
        self._lock = Lock()
        self._works = False
        self._number = 0  # of times that everything was forgotten
        self._question: Question | None = None
        self._answer: Callable[[], object] | None = None

    @property
    def working(self) -> bool:
        """Whether a question is worked on, or waits."""
        with self._lock:
            return self._works

    def ask(self, question: Question) -> None:
        """Answer this as soon as the worker is free, unless a newer one comes first."""
        with self._lock:
            self._question = question
            begins, self._works = not self._works, True
        if begins:
            self._pool.submit(self._work)

    def forget(self) -> None:
        """Drop what waits, and every answer that was not heard yet."""
        with self._lock:
            self._number += 1
            self._question = self._answer = None

    def close(self) -> None:
        """Forget, and let the thread end."""
        self.forget()
        self._pool.shutdown(wait=False)

    def _work(self) -> None:
        while (taken := self._take()) is not None:
            question, number = taken
            self._offer(question.answer(), number)

    def _take(self) -> tuple[Question, int] | None:
        with self._lock:
            question, self._question = self._question, None
            self._works = question is not None
            return None if question is None else (question, self._number)

    def _offer(self, answer: Callable[[], object], number: int) -> None:
        with self._lock:
            if number != self._number:
                return
            is_awaited = self._answer is not None
            self._answer = answer
        if not is_awaited:
            self._deliver(self._hand_over)

    def _hand_over(self) -> None:
        with self._lock:
            answer, self._answer = self._answer, None
        if answer is not None:
            answer()
