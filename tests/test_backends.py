"""Images and labels that other libraries keep: what is read, and what is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask.array as da
import h5py
import numpy as np
import pytest
import tensorstore
import zarr
from desk import Desk

CHUNKS = (1, 64, 64)


def in_memmap(data: np.ndarray, folder: Path) -> Any:
    made = np.memmap(folder / "a.raw", data.dtype, "w+", shape=data.shape)
    made[:] = data
    return made


def in_zarr(data: np.ndarray, folder: Path) -> Any:
    made = zarr.create_array(
        folder / "a.zarr", shape=data.shape, dtype=data.dtype, chunks=CHUNKS
    )
    made[:] = data
    return made


def in_h5(data: np.ndarray, folder: Path) -> Any:
    file = h5py.File(folder / "a.h5", "w")
    return file.create_dataset("a", data=data, chunks=CHUNKS)


def in_tensorstore(data: np.ndarray, folder: Path) -> Any:
    how = {
        "driver": "zarr",
        "kvstore": {"driver": "file", "path": str(folder / "b.zarr")},
        "metadata": {
            "shape": list(data.shape),
            "dtype": data.dtype.str,
            "chunks": list(CHUNKS),
        },
        "create": True,
    }
    made = tensorstore.open(how).result()
    made[:] = data
    return made


KEPT: dict[str, Callable[[np.ndarray, Path], Any]] = {
    "memmap": in_memmap,
    "zarr": in_zarr,
    "h5py": in_h5,
    "tensorstore": in_tensorstore,
    "dask": lambda data, _: da.from_array(data, chunks=CHUNKS),
}


@pytest.fixture
def stack() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (3, 120, 200), np.uint8)


def clicked(d: Desk) -> np.ndarray:
    d.viewer.dims.set_point(0, 1)
    d.ready()
    d.click(1, 40, 50)
    return d.controller.editor.draft().answer.logits


@pytest.mark.parametrize("kind", KEPT)
def test_an_image_is_read_from_wherever_it_is(desk, stack, tmp_path, kind) -> None:
    limits = {"contrast_limits": (0, 255)}
    expected = clicked(desk(stack, **limits))
    there = desk(KEPT[kind](stack, tmp_path), **limits)
    np.testing.assert_array_equal(clicked(there), expected)


@pytest.mark.parametrize("kind", ["memmap", "zarr", "tensorstore"])
def test_labels_are_written_where_they_are(desk, stack, tmp_path, kind) -> None:
    d = desk(stack)
    before = np.zeros(stack.shape, np.uint16)
    before[2] = 5
    kept = KEPT[kind](before, tmp_path)
    labels = d.viewer.add_labels(kept)
    d.controller.set_image(d.images[0])
    d.controller.set_output(labels)
    d.host.until(lambda: d.controller.target.prepare(d.images[0]))
    clicked(d)
    d.controller.commit()
    d.host.turn()
    written = np.asarray(kept[1])
    assert set(np.unique(written)) == {0, 6}
    assert np.array_equal(np.asarray(kept[2]), before[2])
    labels.paint((1, 100, 150), 9)
    assert (np.asarray(kept[1]) == 9).any()
    d.controller.undo()
    assert np.array_equal(np.asarray(kept[1]), written)
    d.controller.undo()
    assert np.array_equal(np.asarray(kept), before)
