"""A plan is carried out between the user's clicks."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from napari_sam21.core.disk_store import DiskStore
from napari_sam21.core.geometry import whole_plane
from napari_sam21.core.store import EmbeddingStore, MemoryStore
from napari_sam21.layers.ahead import make_plan, moved
from napari_sam21.layers.source import PlaneSource


@pytest.fixture
def at_work(desk):
    """A desk with a stack of 6 slices, at slice 2, and a way to begin a plan."""
    d = desk(np.random.default_rng(1).integers(0, 255, (6, 60, 80), np.uint8))
    d.viewer.dims.set_point(0, 2)
    d.ready()

    def begin() -> None:
        editor = d.controller.editor
        plane = editor.plane()
        regions = (whole_plane(plane.shape),)
        plan = make_plan(plane, {0: range(6)}, regions, d.store.capacity)
        d.controller.precompute.start([editor.source(*each) for each in plan.targets])

    d.begin = begin
    return d


def finish(d) -> str:
    precompute = d.controller.precompute
    d.host.until(lambda: not precompute.running)
    return precompute.report


def test_a_plan_is_carried_out_and_told(at_work, encodes) -> None:
    precompute = at_work.controller.precompute
    at_work.begin()
    assert precompute.in_words() == "Embedding ahead: 0 of 6"
    assert not at_work.controller.view().busy
    at_work.host.until(lambda: precompute.progress.made >= 2)
    assert "of 6, about 1 s left" in precompute.in_words()
    assert finish(at_work) == "6 of 6 embeddings are ready (1 were there already)."
    assert len(encodes) == 5
    assert "6 of 6 embeddings are ready" in at_work.status
    at_work.viewer.dims.set_point(0, 5)
    at_work.ready()
    at_work.click(5, 30, 40)
    assert len(encodes) == 5


def test_stopping_keeps_what_was_made(at_work, encodes) -> None:
    precompute = at_work.controller.precompute
    at_work.begin()
    at_work.host.until(lambda: precompute.progress.done == 3)
    precompute.cancel()
    assert precompute.report.startswith("Stopped. 3 of 6 embeddings are ready")
    at_work.begin()
    assert "6 of 6" in finish(at_work)
    assert len(set(encodes)) == 5


def test_a_click_comes_first(at_work) -> None:
    precompute = at_work.controller.precompute
    at_work.begin()
    at_work.viewer.dims.set_point(0, 5)
    at_work.add(5, 30, 40)
    assert at_work.inference.encoding
    done = precompute.progress.done
    at_work.answered()
    assert precompute.progress.done == done, "nothing of the plan came before"
    at_work.host.settle()
    assert "6 of 6" in finish(at_work)


def test_a_click_that_needs_no_encode_does_not_stop_it(at_work) -> None:
    at_work.begin()
    at_work.click(2, 30, 40)
    assert at_work.inference.quiet or not at_work.controller.precompute.running
    assert "6 of 6" in finish(at_work)


def test_one_that_fails_does_not_stop_the_rest(at_work, monkeypatch) -> None:
    read = PlaneSource.read

    def broken(source: PlaneSource):
        if source.plane.hidden == ((0, 4),):
            raise OSError("a hole in the file")
        return read(source)

    monkeypatch.setattr(PlaneSource, "read", broken)
    at_work.begin()
    report = finish(at_work)
    assert report.startswith("5 of 6 embeddings are ready (1 were there already); ")
    assert report.endswith("1 could not be made: axis 0 = 4: a hole in the file")
    assert at_work.controller.view().problem


def test_another_model_ends_it(at_work, tiny_folder, tmp_path) -> None:
    at_work.begin()
    at_work.controller.set_model("starter")
    at_work.host.until(lambda: not at_work.inference.encoding)
    at_work.host.settle()
    assert "Another model is in use now." in finish(at_work)


def test_a_disk_that_fails_ends_it(desk, tmp_path) -> None:
    folder = tmp_path / "kept"
    store = EmbeddingStore(MemoryStore(), DiskStore(folder, 10**9))
    pixels = np.random.default_rng(1).integers(0, 255, (6, 60, 80), np.uint8)
    d = desk(pixels, store=store)
    d.ready()
    store.flush()
    shutil.rmtree(folder)
    folder.write_text("somebody put a file there")
    editor = d.controller.editor
    d.controller.precompute.start(
        [editor.source(moved(editor.plane(), {0: i}), editor.region()) for i in (1, 2)]
    )
    assert "cannot be kept: make room on the disk" in finish(d)


def test_no_neighbours_while_a_plan_runs(at_work, encodes) -> None:
    at_work.begin()
    at_work.host.settle()
    finish(at_work)
    assert len(encodes) == len(set(encodes)) == 5


def test_closing_ends_it(at_work) -> None:
    at_work.begin()
    at_work.close()
    assert not at_work.controller.precompute.running
    assert not at_work.inference.quiet
