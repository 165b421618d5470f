"""The fastest correct way is found while the user rests; whatever fails, one clicks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from desk import Desk
from faulty import installed

from napari_sam21.core.providers.way import CPU
from napari_sam21.models.choosing.result import Pair
from napari_sam21.models.choosing.wish import VARIABLE, Wish, wished

LIMIT = 40.0
IMPATIENT = 6.0
PATIENCE = 150


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Install plugins by their kind."""
    with pytest.MonkeyPatch.context() as patch:
        open_ones = []

        def install(kind: str) -> str:
            context = installed(kind, tmp_path / "site", patch)
            open_ones.append(context)
            return context.__enter__()

        yield install
        for each in open_ones:
            each.__exit__(None, None, None)


def clicked(desk: Callable[..., Desk], image: np.ndarray, limit: float = LIMIT) -> Desk:
    """A desk whose user has clicked once."""
    at = desk(image)
    at.controller.tuner.limit, at.controller.tuner.most = limit, 3
    at.ready()
    at.click(40, 50)
    return at


def rested(at: Desk) -> None:
    """Let the user rest until nothing is tried any more."""
    tuner = at.controller.tuner
    at.host.settle()
    assert tuner.running
    at.host.until(lambda: not tuner.running, PATIENCE)
    at.host.until(lambda: not at.inference.quiet, PATIENCE)
    at.host.turn()


FAULTS = {
    "Liar": "correlation|scores differ",
    "Raiser": "no memory on the card",
    "Hanger": "did not answer within 6 s",
    "Killer": "its process ended",
}


@pytest.mark.parametrize(("kind", "why"), FAULTS.items(), ids=FAULTS)
def test_what_fails_is_set_aside_and_clicks_are_answered(
    kind: str,
    why: str,
    plugin: Any,
    desk: Callable[..., Desk],
    image: np.ndarray,
    caplog: pytest.LogCaptureFixture,
) -> None:
    plugin(kind)
    at = clicked(desk, image, IMPATIENT if kind == "Hanger" else LIMIT)
    before = at.controller.editor.draft().answer
    rested(at)
    tuner = at.controller.tuner
    aside = list(tuner.findings.set_aside())
    assert aside
    assert all(re.search(why, each) for each in aside)
    assert all(f"set aside: {each}" in caplog.text for each in aside)
    assert f"Set aside: {aside[0]}" in tuner.tip()
    assert at.inference.pair == Pair()
    at.controller.clear()
    at.click(40, 50)
    after = at.controller.editor.draft().answer
    np.testing.assert_array_equal(after.logits, before.logits)


def test_the_winner_is_loaded_and_embeddings_stay(
    plugin: Any, desk: Callable[..., Desk], image: np.ndarray, encodes: list[str]
) -> None:
    module = plugin("Honest")
    at = clicked(desk, image)
    rested(at)
    pair = at.inference.pair
    assert (pair.encoder.plugin, pair.encoder.device) == (module, "GPU")
    assert pair.decoder == CPU
    assert "The model runs on: encoder Honest on GPU" in at.status
    assert "× as fast" in at.controller.tuner.in_words()
    made = len(encodes)
    at.add(80, 150)  # the object goes on with its embedding, and its feedback
    at.answered()
    assert len(encodes) == made
    at.host.settle()
    assert not at.controller.tuner.running


def test_a_click_ends_the_trial_and_the_next_rest_goes_on(
    plugin: Any, desk: Callable[..., Desk], image: np.ndarray
) -> None:
    plugin("Hanger")
    at = clicked(desk, image)
    tuner = at.controller.tuner
    at.host.settle()
    assert tuner.running
    at.click(80, 150)
    assert not tuner.running
    at.host.settle()
    assert tuner.running
    assert tuner.cancel()


def test_nothing_is_tried_before_the_first_answer(
    plugin: Any, desk: Callable[..., Desk], image: np.ndarray
) -> None:
    plugin("Hanger")
    at = desk(image)
    at.ready()
    at.host.settle()
    assert not at.controller.tuner.running


def test_a_machine_with_nothing_but_a_cpu_starts_no_process(
    desk: Callable[..., Desk], image: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/no/such/python")
    at = clicked(desk, image)
    at.host.settle()
    assert not at.controller.tuner.running
    assert at.controller.tuner.findings.complete
    assert not at.controller.tuner.findings.trials
    assert "no other way" in at.controller.tuner.tip()


@pytest.mark.parametrize(
    ("kind", "why"),
    [("Turncoat", "the card was lost"), ("Nan", "numbers that are none")],
)
def test_what_fails_later_gives_way_to_the_cpu(
    kind: str, why: str, plugin: Any, desk: Callable[..., Desk], image: np.ndarray
) -> None:
    plugin(kind)
    at = clicked(desk, image)
    rested(at)
    assert at.inference.pair.encoder.provider == f"{kind}ExecutionProvider"
    exact = at.controller.editor.draft().answer
    at.controller.clear()
    at.store.clear()
    other = at.viewer.add_image(image + 1)
    at.controller.set_image(other)
    at.ready()
    at.controller.set_image(at.images[0])
    at.ready()
    at.click(40, 50)
    assert at.inference.pair == Pair()
    found = at.controller.editor.draft().answer
    np.testing.assert_array_equal(found.logits, exact.logits)
    aside = list(at.controller.tuner.memory_now().set_aside())
    assert any(why in each for each in aside)


def test_the_user_can_choose_and_measure_again(
    plugin: Any,
    desk: Callable[..., Desk],
    image: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plugin("Honest")
    at = clicked(desk, image)
    rested(at)
    tuner = at.controller.tuner
    assert ("Honest on GPU", "honestexecutionprovider:gpu") in tuner.choices()
    tuner.use(Wish("cpu"))
    at.host.until(lambda: at.inference.pair == Pair())
    assert wished() == Wish("cpu")
    tuner.use(Wish("honest"))
    at.host.until(lambda: at.inference.pair != Pair())
    monkeypatch.setenv(VARIABLE, "cpu")
    assert wished() == Wish("cpu", named=True)
    tuner.measure_again()
    assert tuner.running
    assert tuner.in_words().startswith("Trying") or not tuner.trying
    assert tuner.cancel()
    assert not tuner.running
