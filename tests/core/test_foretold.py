"""A question that was guessed is decoded once; every other one as if nothing were."""

from __future__ import annotations

import gc
import queue
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from weakref import ref

import numpy as np
import pytest

import napari_sam21 as sam
from napari_sam21.core.errors import ModelError
from napari_sam21.core.foretold import Foretold

CLICK = sam.Prompts([(40, 50)], [1])
OTHER = sam.Prompts([(80, 150)], [1])
PATIENCE = 10.0


class Watched:
    """A model whose decodes are counted, and can be held up."""

    def __init__(self, model: sam.Model) -> None:
        self._model = model
        self.asked: list[sam.Prompts] = []
        self.begun, self.gate = threading.Event(), threading.Event()
        self.gate.set()

    def decode(self, embedding, prompts, previous) -> sam.Answer:
        self.asked.append(prompts)
        self.begun.set()
        assert self.gate.wait(PATIENCE)
        return self._model.decode(embedding, prompts, previous)


@pytest.fixture
def model(tiny_folder: Path) -> Watched:
    return Watched(sam.load_model(tiny_folder))


@pytest.fixture
def embedding(model: Watched, image: np.ndarray) -> sam.Embedding:
    return model._model.encode(image)


@pytest.fixture
def calls() -> queue.SimpleQueue[Callable[[], None]]:
    return queue.SimpleQueue()


@pytest.fixture
def foretold(calls) -> Iterator[Foretold]:
    foretold = Foretold("test-foretold", calls.put)
    yield foretold
    foretold.close()


@pytest.fixture
def heard() -> list[object]:
    return []


@pytest.fixture
def guess(foretold, model, embedding, heard):
    def guess(prompts: sam.Prompts, previous: object = None) -> None:
        foretold.guess(model, embedding, prompts, previous, heard.append, heard.append)

    return guess


def test_a_guess_is_the_answer_and_costs_one_decode(
    foretold, model, embedding, guess, calls, heard
) -> None:
    guess(CLICK)
    calls.get(timeout=PATIENCE)()
    answer = foretold.answering(model, embedding, CLICK, None)()
    assert answer is heard[0]
    assert model.asked == [CLICK]


def test_a_guess_that_is_not_done_is_waited_for(
    foretold, model, embedding, guess
) -> None:
    model.gate.clear()
    guess(CLICK)
    assert model.begun.wait(PATIENCE)
    job = foretold.answering(model, embedding, CLICK, None)
    model.gate.set()
    assert job().logits.shape == (3, 256, 256)
    assert model.asked == [CLICK]


def test_other_questions_are_decoded(foretold, model, embedding, guess, calls) -> None:
    guess(CLICK)
    calls.get(timeout=PATIENCE)()
    first = foretold.answering(model, embedding, CLICK, None)()
    foretold.answering(model, embedding, OTHER, None)()
    foretold.answering(model, embedding, CLICK, first)()
    assert model.asked == [CLICK, OTHER, CLICK]


def test_a_mask_that_is_fed_may_be_made_anew(
    foretold, model, embedding, guess, calls
) -> None:
    mask = np.zeros((256, 256), np.float32)
    guess(CLICK, mask)
    calls.get(timeout=PATIENCE)()
    foretold.answering(model, embedding, CLICK, mask.copy())()
    foretold.answering(model, embedding, CLICK, mask + 1)()
    foretold.answering(model, embedding, CLICK, None)()
    assert model.asked == [CLICK] * 3


def test_a_guess_that_never_began_is_decoded(foretold, model, embedding, guess) -> None:
    """It would wait behind another one, and be forgotten."""
    model.gate.clear()
    guess(OTHER)
    assert model.begun.wait(PATIENCE)
    guess(CLICK)
    job = foretold.answering(model, embedding, CLICK, None)
    model.gate.set()
    job()
    assert model.asked == [OTHER, CLICK]


def test_a_guess_that_failed_is_asked_again(
    foretold, model, embedding, guess, calls, heard
) -> None:
    error = ModelError("no")
    decode, model.decode = model.decode, lambda *_: (_ for _ in ()).throw(error)
    guess(CLICK)
    calls.get(timeout=PATIENCE)()
    assert heard == [error]
    model.decode = decode
    assert foretold.answering(model, embedding, CLICK, None)().scores.shape == (3,)
    assert model.asked == [CLICK]


def test_a_guess_that_fails_while_it_is_waited_for_fails_the_question(
    foretold, model, embedding, guess
) -> None:
    begun, gate, error = threading.Event(), threading.Event(), ModelError("no")

    def decode(*_: object) -> sam.Answer:
        begun.set()
        assert gate.wait(PATIENCE)
        raise error

    model.decode = decode
    guess(CLICK)
    assert begun.wait(PATIENCE)
    job = foretold.answering(model, embedding, CLICK, None)
    gate.set()
    with pytest.raises(ModelError, match="no"):
        job()


def test_the_same_guess_again_is_told_again(guess, model, calls, heard) -> None:
    guess(CLICK)
    calls.get(timeout=PATIENCE)()
    guess(CLICK)
    calls.get(timeout=PATIENCE)()
    assert heard[0] is heard[1]
    assert model.asked == [CLICK]


def test_a_guess_keeps_no_embedding_alive(foretold, model, image, calls, heard) -> None:
    embedding = model._model.encode(image)
    alive = ref(embedding)
    foretold.guess(model, embedding, CLICK, None, heard.append, heard.append)
    calls.get(timeout=PATIENCE)()
    del embedding
    end = time.monotonic() + PATIENCE
    while alive() is not None:
        assert time.monotonic() < end, gc.get_referrers(alive())
        time.sleep(0.01)
