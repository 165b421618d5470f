"""Objects of planes, however they are stored and however large their ids are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dask.array
import numpy as np
import pytest
import zarr
from labelled import discs

from napari_sam21.files import blocks
from napari_sam21.files.blocks import Plane, boxes, objects

STORES: dict[str, Callable[[np.ndarray], Any]] = {
    "numpy": lambda array: array,
    "big-endian": lambda array: array.astype(array.dtype.newbyteorder(">")),
    "dask": lambda array: dask.array.from_array(array, chunks=33),
    "zarr": lambda array: zarr.array(array, chunks=(33, 40)),
}


@pytest.fixture(params=[True, False], ids=["one band", "many bands"])
def _bands(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if not request.param:
        monkeypatch.setattr(blocks, "BAND_BYTES", 2000)


@pytest.mark.usefixtures("_bands")
@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "uint32", "int64"])
def test_every_object_is_cut_to_its_box(store: str, dtype: str) -> None:
    labels = discs((70, 90), dtype)
    found = {cut.id: cut for cut in objects(Plane(STORES[store](labels)))}
    assert sorted(found) == [n for n in np.unique(labels).tolist() if n]
    for number, (_, box, mask) in found.items():
        rows, columns = np.nonzero(labels == number)
        assert box == (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)
        assert np.array_equal(mask, labels[box.r0 : box.r1, box.c0 : box.c1] == number)


@pytest.mark.usefixtures("_bands")
def test_large_and_negative_ids_need_no_table() -> None:
    labels = np.zeros((40, 30), np.int64)
    labels[3:5, 4:9] = 4_000_000_000
    labels[30:40, :2] = -7
    found = boxes(Plane(labels))
    assert found == {4_000_000_000: (3, 4, 5, 9), -7: (30, 0, 40, 2)}


def test_booleans_are_one_object_and_nothing_is_none() -> None:
    mask = np.zeros((20, 20), bool)
    assert boxes(Plane(mask)) == {}
    mask[2:4, 3:7] = True
    assert boxes(Plane(mask)) == {1: (2, 3, 4, 7)}


def test_a_tall_object_does_not_widen_the_reading_of_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    labels = np.zeros((100, 100), np.uint16)
    labels[:, 50] = 1
    labels[5:8, 5:8] = 2
    labels[90:95, 90:95] = 3
    monkeypatch.setattr(blocks, "BAND_BYTES", 2000)
    areas = {cut.id: int(cut.mask.sum()) for cut in objects(Plane(labels))}
    assert areas == {1: 100, 2: 9, 3: 25}
    found = sorted(boxes(Plane(labels)).items(), key=lambda item: item[1].r0)
    assert [len(group) for group in blocks._groups(found, 10)] == [1, 1, 1]
