"""Copies of labels: equal, in one place or the other, or not there at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dask.array as da
import numpy as np
import pytest
import zarr

from napari_sam21.core.errors import Cancelled, LayerError
from napari_sam21.layers import copying
from napari_sam21.layers.copying import copy_levels, nbytes_of

PIXELS = np.random.default_rng(0).integers(0, 900, (1300, 40), np.uint16)


def ignore(step: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "BLOCK_ELEMENTS", 600 * 40)


@pytest.mark.parametrize("in_file", [False, True])
def test_copies_are_equal(tmp_path: Path, in_file: bool) -> None:
    levels = [da.from_array(PIXELS[::f, ::f], chunks=100) for f in (1, 2)]
    told: list[int] = []
    found = copy_levels(
        levels,
        tmp_path / "copy.zarr" if in_file else None,
        lambda _, done, total: told.append(done * 100 // total),
    )
    for copy, level in zip(found, levels, strict=True):
        assert isinstance(copy, zarr.Array if in_file else np.ndarray)
        assert copy.dtype == np.uint16
        np.testing.assert_array_equal(copy[:], level.compute())
    assert told == sorted(told)
    assert len(told) > 2
    assert told[-1] == 100
    assert nbytes_of(levels) == PIXELS.nbytes + PIXELS[::2, ::2].nbytes


def stop_after(count: int) -> Callable[[str, int, int], None]:
    seen: list[int] = []

    def progress(step: str, done: int, total: int) -> None:
        seen.append(done)
        if len(seen) == count:
            raise Cancelled("enough")

    return progress


def test_a_copy_that_is_stopped_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        copy_levels([PIXELS], tmp_path / "copy.zarr", stop_after(2))
    assert not (tmp_path / "copy.zarr").exists()


def test_a_folder_that_is_there_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "mine.zarr").mkdir()
    (tmp_path / "mine.zarr" / "precious").write_text("yes")
    with pytest.raises(LayerError, match="exists already"):
        copy_levels([PIXELS], tmp_path / "mine.zarr", ignore)
    assert (tmp_path / "mine.zarr" / "precious").read_text() == "yes"
