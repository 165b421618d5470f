"""Work on a question before it is asked: the mouse is there already, or pressed.

Only the newest guess is kept. Who then asks just that gets its answer, or waits for the
rest of it; for every other question it is as if nothing had been guessed.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from weakref import ref

import numpy as np

from napari_sam21.core.chase import Chase, Question
from napari_sam21.core.embedding import Answer, Embedding
from napari_sam21.core.lanes import Deliver
from napari_sam21.core.prompts import Prompts
from napari_sam21.core.sam2 import Model, Previous


@dataclass(frozen=True)
class Guess:
    """A question, with what will be its answer; it keeps no embedding alive."""

    model: Model
    embedding: ref[Embedding]
    prompts: Prompts
    previous: Previous | None
    answer: Future[Answer]

    def run(self) -> Answer:
        """Decode, unless nobody needs the embedding any more."""
        embedding = self.embedding()
        self.answer.set_running_or_notify_cancel()
        try:
            if embedding is None:
                raise LookupError("the embedding is gone")
            found = self.model.decode(embedding, self.prompts, self.previous)
        except BaseException as error:
            self.answer.set_exception(error)
            raise
        self.answer.set_result(found)
        return found

    def is_for(
        self,
        model: Model,
        embedding: Embedding,
        prompts: Prompts,
        previous: Previous | None,
    ) -> bool:
        """Whether this question is asked now, and an answer will come."""
        same = self.model is model and self.embedding() is embedding
        asked = self.prompts == prompts and self._is_fed(previous)
        return same and asked and self._comes()

    def _comes(self) -> bool:
        """Whether it is worked on, or answered; what failed is better asked again."""
        answer = self.answer
        return answer.running() or (answer.done() and answer.exception() is None)

    def _is_fed(self, previous: Previous | None) -> bool:
        """Whether this is fed back; logits of a mask are made anew each time."""
        ours = self.previous
        if isinstance(ours, np.ndarray) and isinstance(previous, np.ndarray):
            return np.array_equal(ours, previous)
        return ours is previous


class Foretold:
    """Answers guesses in a thread of its own.

    Parameters
    ----------
    name : str
        Of the thread.
    deliver : callable
        Takes a call without arguments and runs it in the owner's thread.
    """

    def __init__(self, name: str, deliver: Deliver) -> None:
        self._chase = Chase(name, deliver)
        self._guess: Guess | None = None

    def guess(
        self,
        model: Model,
        embedding: Embedding,
        prompts: Prompts,
        previous: Previous | None,
        done: Callable[[Answer], object],
        failed: Callable[[BaseException], object],
    ) -> None:
        """Answer this as soon as the thread is free, unless a newer guess comes."""
        job = self._known(model, embedding, prompts, previous)
        if job is None:
            guess = Guess(model, ref(embedding), prompts, previous, Future())
            self._guess, job = guess, guess.run
        self._chase.ask(Question(job, done, failed))

    def answering(
        self,
        model: Model,
        embedding: Embedding,
        prompts: Prompts,
        previous: Previous | None,
    ) -> Callable[[], Answer]:
        """Return a job that answers a question: from the guess, if it was that."""
        self._chase.forget()
        known = self._known(model, embedding, prompts, previous)
        return known or partial(model.decode, embedding, prompts, previous)

    def _known(
        self,
        model: Model,
        embedding: Embedding,
        prompts: Prompts,
        previous: Previous | None,
    ) -> Callable[[], Answer] | None:
        guess = self._guess
        if guess is None or not guess.is_for(model, embedding, prompts, previous):
            return None
        return guess.answer.result

    def forget(self) -> None:
        """Forget the guess, and the model that it was asked of."""
        self._guess = None
        self._chase.forget()

    def close(self) -> None:
        """Let the thread end."""
        self.forget()
        self._chase.close()
