"""The row "Runs on", with a real controller in a real dock."""

from __future__ import annotations

import numpy as np
import pytest
from faulty import installed

from napari_sam21._qt.runs_on import RunsOn
from napari_sam21.core.providers.way import EXACT
from napari_sam21.models.choosing.result import Pair
from napari_sam21.models.choosing.wish import VARIABLE, Wish, remember, wished

IMAGE = np.random.default_rng(1).integers(90, 3000, (60, 80), np.uint16)
PATIENCE = 120_000


@pytest.fixture
def dock(open_dock, qtbot):
    """A dock with an image, and a row for it."""
    dock = open_dock(IMAGE)
    dock.ready()
    dock.row = RunsOn(lambda: dock.widget.controller)
    qtbot.addWidget(dock.row)
    dock.controller.changed.connect(dock.row.follow)
    dock.controller.tuner.most = 3
    dock.row.follow()
    return dock


def test_it_says_what_the_model_runs_on(dock) -> None:
    assert dock.row.line.text() == "CPU, exact float32"
    assert dock.row.place.value == "automatic"
    assert dock.row.place.native.isEnabled()
    assert "when you rest" in dock.row.line.toolTip()


def test_measuring_finds_a_provider_and_it_can_be_refused(
    dock, qtbot, tmp_path
) -> None:
    with pytest.MonkeyPatch.context() as patch, installed("Honest", tmp_path, patch):
        dock.row.again.click()
        assert dock.row.again.text() == "Stop"
        qtbot.waitUntil(
            lambda: dock.controller.inference.pair != Pair(), timeout=PATIENCE
        )
        qtbot.waitUntil(lambda: "Honest on GPU, fast" in dock.row.line.text())
        assert "× as fast" in dock.row.line.text()
        assert dock.row.again.text() == "Measure again"
        assert ("Honest on GPU") in [text for text, _ in dock.row._offered]
        dock.row.place.value = "cpu"
        qtbot.waitUntil(
            lambda: dock.controller.inference.pair == Pair(), timeout=PATIENCE
        )
        assert wished() == Wish("cpu")
        dock.row.precision.value = EXACT
        assert wished() == Wish("cpu", EXACT)


def test_measuring_can_be_stopped(dock, tmp_path) -> None:
    with pytest.MonkeyPatch.context() as patch, installed("Hanger", tmp_path, patch):
        dock.row.again.click()
        dock.row.again.click()
        assert not dock.controller.tuner.running
        assert dock.row.again.text() == "Measure again"


def test_the_environment_wins_and_says_so(dock, monkeypatch) -> None:
    monkeypatch.setenv(VARIABLE, "cuda,exact")
    dock.row.follow()
    assert f"(set by {VARIABLE})" in dock.row.line.text()
    assert not dock.row.place.native.isEnabled()
    assert (dock.row.place.value, dock.row.precision.value) == ("cuda", EXACT)


def test_a_wish_for_what_is_not_there_stays_in_the_list(dock) -> None:
    remember(Wish("webgpu"))
    dock.row.follow()
    assert dock.row.place.value == "webgpu"
    dock.row.place.value = "automatic"
    assert wished() == Wish()


def test_a_dock_that_was_closed_is_no_error(dock, qtbot) -> None:
    dock.widget.controller, controller = None, dock.widget.controller
    dock.row.follow()
    dock.row.again.click()
    dock.widget.controller = controller
