"""Neighbours embedded at rest: below everything that anybody waits for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_sam21.control.ahead import Ahead
from napari_sam21.core.disk_store import DiskStore
from napari_sam21.core.store import EMBEDDING_BYTES, EmbeddingStore, MemoryStore
from napari_sam21.layers.planes import Plane
from napari_sam21.layers.source import PlaneSource


@pytest.fixture
def stack() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (9, 60, 80), np.uint8)


def is_there(d, index: int) -> bool:
    """Whether a click on a slice would be answered at once."""
    editor = d.controller.editor
    plane = Plane((1, 2), ((0, index),), (60, 80))
    return d.inference.ready(editor.source(plane, editor.region())) is not None


def rest(d) -> None:
    """Let the user do nothing until nothing is embedded any more."""
    d.host.settle()
    d.host.until(lambda: not (d.inference.quiet or d.inference.encoding))


def press_key(d, key: str) -> None:
    (call,) = [call for bound, call in d.points.keymap.items() if str(bound) == key]
    call(d.points)


def press_mouse(d) -> None:
    for call in d.viewer.mouse_drag_callbacks:
        if is_aheads(call):
            call(d.viewer, None)


def is_aheads(call: Callable) -> bool:
    return isinstance(getattr(call, "__self__", None), Ahead)


def around(d) -> list[int]:
    return [index for index in range(9) if is_there(d, index)]


def test_neighbours_are_there_before_one_goes_to_them(desk, stack, encodes) -> None:
    d = desk(stack)
    d.viewer.dims.set_point(0, 4)
    d.ready()
    assert around(d) == [4]
    rest(d)
    assert around(d) == [2, 3, 4, 5, 6]
    assert len(encodes) == 5
    d.viewer.dims.set_point(0, 6)
    d.ready()  # it is read and looked up
    d.click(6, 30, 40)
    assert len(encodes) == 5, "the click needs no encode"


def test_nothing_is_shown_and_nothing_runs_on(desk, stack) -> None:
    d = desk(stack)
    d.viewer.dims.set_point(0, 4)
    d.ready()
    d.host.settle()
    assert d.inference.quiet
    view = d.controller.view()
    assert not view.busy
    assert view.status == "Ready: click an object."
    rest(d)
    d.host.settle()
    assert not d.inference.quiet, "all neighbours are there"


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch):
    """Hold up the reading of slice 5 until the gate is opened."""
    opened = threading.Event()
    read = PlaneSource.read

    def held_up(source: PlaneSource):
        if source.plane.hidden == ((0, 5),):
            assert opened.wait(20)
        return read(source)

    monkeypatch.setattr(PlaneSource, "read", held_up)
    yield opened
    opened.set()


@pytest.mark.parametrize(
    "act",
    [
        lambda d: d.add(4, 30, 40),
        lambda d: d.viewer.dims.set_point(0, 8),
        lambda d: setattr(getattr(d.viewer, "scene", d.viewer).camera, "zoom", 3.3),
        lambda d: press_key(d, "Q"),
        lambda d: press_mouse(d),
        lambda d: d.controller.ahead.switch(False),
    ],
    ids=["point", "slice", "zoom", "key", "press", "switch"],
)
def test_whatever_the_user_does_stops_it(
    desk, stack, gate, act: Callable, encodes
) -> None:
    d = desk(stack)
    d.viewer.dims.set_point(0, 4)
    d.ready()
    d.host.settle()
    assert d.inference.quiet
    act(d)
    assert not d.inference.quiet
    gate.set()
    d.add(4, 31, 41)
    d.host.until(lambda: not d.inference.encoding)
    assert len(encodes) <= 2, "neither slice 5 nor those after it were encoded"


def test_it_goes_on_after_the_next_rest(desk, stack, gate) -> None:
    d = desk(stack)
    d.viewer.dims.set_point(0, 4)
    d.ready()
    d.host.settle()
    gate.set()
    d.click(4, 30, 40)
    rest(d)
    assert around(d) == [2, 3, 4, 5, 6]


def test_a_slice_that_cannot_be_read_is_left_out(desk, stack, monkeypatch) -> None:
    d = desk(stack)
    d.viewer.dims.set_point(0, 4)
    d.ready()
    read = PlaneSource.read

    def broken(source: PlaneSource):
        if source.plane.hidden == ((0, 5),):
            raise OSError("a hole in the file")
        return read(source)

    monkeypatch.setattr(PlaneSource, "read", broken)
    rest(d)
    assert around(d) == [2, 3, 4, 6]
    assert not d.controller.view().problem


def test_the_off_switch(desk, stack) -> None:
    d = desk(stack)
    d.controller.ahead.switch(False)
    d.viewer.dims.set_point(0, 4)
    d.ready()
    rest(d)
    assert around(d) == [4]
    d.controller.ahead.switch(True)
    rest(d)
    assert around(d) == [2, 3, 4, 5, 6]


def test_regions_beside_the_one_on_show(desk) -> None:
    d = desk(np.random.default_rng(1).integers(0, 255, (600, 600), np.uint8))
    d.images[0].corner_pixels = np.array([[140, 140], [370, 370]])
    d.ready()
    rest(d)
    editor = d.controller.editor
    assert tuple(editor.region()) == (128, 128, 384, 384)
    d.images[0].corner_pixels = np.array([[140, 270], [370, 500]])
    assert tuple(editor.region()) == (128, 256, 384, 512)
    assert editor.is_ready()


def test_a_small_memory_is_not_churned(desk, stack) -> None:
    d = desk(stack, store=MemoryStore(5 * EMBEDDING_BYTES))
    d.viewer.dims.set_point(0, 4)
    d.ready()
    rest(d)
    assert around(d) == [4, 5]


def test_a_new_contrast_is_another_neighbour(desk, stack) -> None:
    d = desk(stack)
    d.viewer.dims.set_point(0, 4)
    d.ready()
    rest(d)
    d.images[0].contrast_limits = (10, 100)
    assert around(d) == []
    d.ready()
    rest(d)
    assert around(d) == [2, 3, 4, 5, 6]


def test_only_what_was_used_comes_to_the_disk(desk, stack, tmp_path: Path) -> None:
    store = EmbeddingStore(MemoryStore(), DiskStore(tmp_path / "kept"))
    d = desk(stack, store=store)
    d.viewer.dims.set_point(0, 4)
    d.ready()
    rest(d)
    store.flush()
    assert len(list((tmp_path / "kept").iterdir())) == 1
    d.viewer.dims.set_point(0, 5)
    d.click(5, 30, 40)
    store.flush()
    assert len(list((tmp_path / "kept").iterdir())) == 2


def test_a_closed_dock_embeds_nothing(desk, stack) -> None:
    d = desk(stack)
    d.viewer.dims.set_point(0, 4)
    d.ready()
    assert len(list(filter(is_aheads, d.viewer.mouse_drag_callbacks))) == 1
    d.close()
    d.host.settle()
    assert not d.inference.quiet
    assert not list(filter(is_aheads, d.viewer.mouse_drag_callbacks))


def test_a_slice_that_is_read_slowly_keeps_nobody_waiting(desk, stack, gate) -> None:
    """What is read cannot be stopped: a click elsewhere must not wait behind it."""
    d = desk(stack)
    d.viewer.dims.set_point(0, 4)
    d.ready()
    d.host.settle()
    assert d.inference.quiet
    d.viewer.dims.set_point(0, 0)
    d.click(0, 30, 40)
    assert not gate.is_set()
