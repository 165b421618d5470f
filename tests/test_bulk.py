"""The command line fills the store, and the plugin finds what it made."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import pytest
import tifffile
import zarr
from typer.testing import CliRunner

from napari_sam21.bulk import as_napari_has_it, bulk_of
from napari_sam21.cli import app
from napari_sam21.core.disk_store import DiskStore
from napari_sam21.core.errors import FileError, PlanError, StoreError
from napari_sam21.core.fill import Progress
from napari_sam21.core.store import EmbeddingStore, MemoryStore
from napari_sam21.models import keeping

WIDE = {"COLUMNS": "300", "NO_COLOR": "1", "TERM": "dumb"}


def call(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["embed", *map(str, arguments)], env=WIDE)


def entries() -> dict[str, int]:
    folder = keeping.embeddings_folder()
    return {each.name: each.stat().st_mtime_ns for each in folder.iterdir()}


@pytest.fixture
def stack() -> np.ndarray:
    return np.random.default_rng(0).integers(90, 3000, (4, 60, 80), np.uint16)


@pytest.fixture
def tiff(stack: np.ndarray, tmp_path: Path) -> Path:
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, stack, imagej=True, metadata={"axes": "ZYX"})
    return path


def test_the_first_click_after_it_needs_no_encode(
    desk, tiff, tiny_folder, encodes
) -> None:
    done = call(tiff, "--model", tiny_folder, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["made"], told["found"], told["problems"]) == (4, 0, [])
    assert told["folder"] == str(keeping.embeddings_folder())
    assert len(encodes) == 4
    d = desk(store=EmbeddingStore(MemoryStore(), keeping.disk_store()))
    # As napari's own reader passes it on; a test in _qt opens the file in a window.
    d.controller.set_image(d.viewer.add_image(tifffile.imread(tiff)))
    for index in range(4):
        d.viewer.dims.set_point(0, index)
        d.click(index, 30, 40)
    assert len(encodes) == 4


def test_what_another_process_made_is_found(desk, tiff, tiny_folder, encodes) -> None:
    command = [sys.executable, "-m", "napari_sam21.cli", "embed", str(tiff)]
    subprocess.run(
        [*command, "--model", str(tiny_folder), "--slices", "1:3"],
        env=os.environ | WIDE | {"NAPARI_SAM21_CACHE": str(tiff.parent)},
        capture_output=True,
        timeout=120,
        check=True,
    )
    made = DiskStore(tiff.parent / "embeddings")
    d = desk(tifffile.imread(tiff), store=EmbeddingStore(MemoryStore(), made))
    for index in (1, 2):
        d.viewer.dims.set_point(0, index)
        d.click(index, 30, 40)
    assert encodes == []


@pytest.mark.skipif(sys.platform == "win32", reason="a signal there ends all")
def test_ctrl_c_stops_and_the_next_call_goes_on(tmp_path) -> None:
    """With `starter`: the tiny model may be through before it hears of it."""
    path = tmp_path / "long.tif"
    long = np.random.default_rng(0).integers(0, 9, (60, 64, 64), np.uint8)
    tifffile.imwrite(path, long)
    arguments = ["embed", str(path), "--model", "starter"]
    folder = tmp_path / "embeddings"
    running = subprocess.Popen(
        [sys.executable, "-m", "napari_sam21.cli", *arguments],
        env=os.environ | WIDE | {"NAPARI_SAM21_CACHE": str(tmp_path)},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # A suite that runs in the background of a shell is deaf to Ctrl+C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    end = time.monotonic() + 60
    while not (folder.is_dir() and len(list(folder.iterdir())) >= 2):
        assert time.monotonic() < end
        assert running.poll() is None
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=30)
    assert running.returncode == 130
    assert b"Stopped." in told
    assert b"Traceback" not in told
    made = len(list(folder.glob("[0-9a-f]*.sam21emb")))
    assert 2 <= made < 60
    assert not list(folder.glob(".part*"))
    store = DiskStore(folder)
    bulk = bulk_of(path, slices=f"0:{made + 1}", model="starter")
    progress = type(bulk)(bulk.image, bulk.plan, bulk.model, store).run(lambda _: None)
    assert (progress.found, progress.made) == (made, 1)


def test_a_second_run_finds_all_and_counts_it_as_used(tiff, tiny_folder) -> None:
    call(tiff, "--model", tiny_folder)
    before = entries()
    told = json.loads(call(tiff, "--model", tiny_folder, "--json").stdout)
    assert (told["made"], told["found"]) == (0, 4)
    after = entries()
    assert before.keys() == after.keys()
    assert min(after.values()) > max(before.values())


def test_a_slice_that_cannot_be_read_is_told_in_the_end(tiff, tiny_folder) -> None:
    bulk = bulk_of(tiff, model=str(tiny_folder))
    bulk.image.data = _Holed(bulk.image.data)
    progress = bulk.run(lambda _: None)
    assert (progress.made, progress.done) == (3, 4)
    assert progress.problems == ("axis 0 = 2: a hole in the file",)


class _Holed:
    """An array of which one slice cannot be read."""

    def __init__(self, array: np.ndarray) -> None:
        self._array = array
        self.shape, self.dtype, self.ndim = array.shape, array.dtype, array.ndim
        self.size = array.size

    def __getitem__(self, index: Any) -> np.ndarray:
        if index[0] == 2:
            raise OSError("a hole in the file")
        return self._array[index]


@pytest.mark.parametrize(
    ("options", "hidden"),
    [
        ({"slices": "1:3"}, [(0, 1), (0, 2), (1, 1), (1, 2), (2, 1), (2, 2)]),
        ({"slices": "2", "axis": "t"}, [(2, c) for c in range(4)]),
        ({"slices": "2", "axis": "0", "channel": 3}, [(2, 3)]),
        ({"channel": 1}, [(0, 1), (1, 1), (2, 1)]),
        ({"slices": ":1", "axis": "c"}, [(0, 0), (1, 0), (2, 0)]),
    ],
)
def test_slices_of_axes(tmp_path, tiny_folder, options, hidden) -> None:
    path = tmp_path / "channels.ome.tif"
    pixels = np.zeros((3, 4, 60, 80), np.uint8)
    tifffile.imwrite(path, pixels, metadata={"axes": "TCYX"}, photometric="minisblack")
    if options == {"slices": "1:3"}:
        options = options | {"axis": "1"}
    bulk = bulk_of(path, model=str(tiny_folder), **options)
    found = [tuple(i for _, i in plane.hidden) for plane, _ in bulk.plan.targets]
    assert sorted(found) == hidden


def test_regions_of_a_side(tmp_path, tiny_folder) -> None:
    path = tmp_path / "plane.tif"
    tifffile.imwrite(path, np.zeros((500, 700), np.uint8))
    bulk = bulk_of(path, regions="512", model=str(tiny_folder))
    assert [tuple(region) for _, region in bulk.plan.targets] == [
        (0, 0, 500, 512), (0, 188, 500, 700),
    ]  # fmt: skip


def test_contrast_limits_are_those_of_a_layer(tiff, stack, tiny_folder) -> None:
    bulk = bulk_of(tiff, model=str(tiny_folder))
    limits = tuple(bulk.image.contrast_limits)
    assert limits == (float(stack.min()), float(stack.max()))
    assert f"contrast {stack.min()} to {stack.max()}" in bulk.announcement()[0]
    chosen = bulk_of(tiff, contrast=(5, 50), model=str(tiny_folder)).image
    assert tuple(chosen.contrast_limits) == (5, 50)


def test_colours_are_guessed_as_napari_guesses() -> None:
    image, plane = as_napari_has_it([np.zeros((4, 60, 80, 3), np.uint8)])
    assert image.rgb
    assert plane.shape == (60, 80)
    image, plane = as_napari_has_it([np.zeros((2, 64, 64)), np.zeros((2, 32, 32))])
    assert image.multiscale


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"slices": "7"}, PlanError, "axis has 4: from 0 to 3"),
        ({"slices": "3:2"}, PlanError, "'3:2' are not there"),
        ({"slices": "many"}, PlanError, "'many' is no number; for slices write 3,"),
        ({"axis": "t"}, PlanError, r"no slices along axis 't'; there are: 0 z \(4\)"),
        ({"channel": 0}, PlanError, "no slices along axis 'c'"),
        ({"regions": "512"}, PlanError, "no regions of 512 pixels"),
    ],
)
def test_what_is_not_there_is_said(tiff, tiny_folder, options, error, message) -> None:
    with pytest.raises(error, match=message):
        bulk_of(tiff, model=str(tiny_folder), **options)


def test_no_file_and_no_image(tmp_path) -> None:
    with pytest.raises(FileError, match="there is no file"):
        bulk_of(tmp_path / "nothing.tif")
    (tmp_path / "text.tif").write_text("no image")
    done = call(tmp_path / "text.tif")
    assert done.exit_code == 1
    assert "text.tif cannot be read" in done.stderr
    assert "Traceback" not in done.output


def test_without_a_disk_there_is_nothing_to_fill(tiff, monkeypatch) -> None:
    monkeypatch.setenv("NAPARI_SAM21_CACHE", "off")
    with pytest.raises(StoreError, match="switched off: off"):
        bulk_of(tiff)


def test_what_does_not_fit_is_said_before(tiff, tiny_folder, monkeypatch) -> None:
    keeping.remember(keeping.Keeping(budget=40_000_000))
    bulk = bulk_of(tiff, model=str(tiny_folder))
    assert len(bulk.plan.targets) == 2
    assert "4 were asked for, 67 MB; there is room for 2" in bulk.announcement()[1]
    told: list[Progress] = []
    bulk.run(told.append)
    assert [each.done for each in told] == [0, 1, 2]
    assert len(entries()) == 2


def test_a_zarr_is_read_as_napari_reads_it(
    desk, stack, tiny_folder, tmp_path, encodes
) -> None:
    path = tmp_path / "stack.zarr"
    array = zarr.create_array(
        path, shape=stack.shape, dtype=stack.dtype, chunks=(1, 32, 32)
    )
    array[:] = stack
    done = call(path, "--model", tiny_folder, "--slices", "1:3")
    assert done.exit_code == 0, done.output
    assert len(encodes) == 2
    d = desk(store=EmbeddingStore(MemoryStore(), keeping.disk_store()))
    d.controller.set_image(d.viewer.add_image(da.from_zarr(path)))
    for index in (1, 2):
        d.viewer.dims.set_point(0, index)
        d.click(index, 30, 40)
    assert len(encodes) == 2
