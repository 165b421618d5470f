"""Writing objects: only where it may, as one step, and back again."""

from __future__ import annotations

from pathlib import Path

import dask.array as da
import numpy as np
import pytest
import zarr
from napari.layers import Image, Labels

from napari_sam21.core.errors import LayerError
from napari_sam21.layers.making import make_labels
from napari_sam21.layers.output import check_output, largest_id, make_room
from napari_sam21.layers.planes import Plane
from napari_sam21.layers.writing import take_back, write_again, write_object

PLANE = Plane((1, 2), ((0, 2),), (20, 30))
MASK = np.array([[0, 1, 1], [1, 1, 0]], bool)


@pytest.fixture
def stack() -> Image:
    return Image(np.zeros((4, 20, 30)), name="stack", scale=(2, 0.5, 0.5))


@pytest.fixture
def labels(stack: Image) -> Labels:
    return make_labels(stack)


def test_new_labels_lie_where_the_image_lies(stack, labels) -> None:
    check_output(labels, stack)
    assert labels.data.dtype == np.uint16
    assert labels.name == "stack labels"
    np.testing.assert_allclose(labels.scale, stack.scale)
    assert labels.units == stack.units


@pytest.mark.parametrize("displayed", [(1, 2), (2, 1)])
def test_write_back_and_again(labels, displayed) -> None:
    plane = Plane(displayed, ((0, 2),), (20, 30))
    labels.data[2, 5, 7] = 9
    before = labels.data.copy()
    delta = write_object(labels, plane, MASK, (4, 6), 3, "overwrite")
    written = labels.data.copy()
    shown = written[2] if displayed == (1, 2) else written[2].T
    np.testing.assert_array_equal(shown[4:6, 6:9] == 3, MASK)
    assert np.count_nonzero(written == 3) == MASK.sum()
    take_back(labels, delta)
    np.testing.assert_array_equal(labels.data, before)
    write_again(labels, delta)
    np.testing.assert_array_equal(labels.data, written)


def test_keep_leaves_other_labels(labels) -> None:
    labels.data[2, 5, 7] = 9
    delta = write_object(labels, PLANE, MASK, (4, 6), 3, "keep")
    assert labels.data[2, 5, 7] == 9
    assert np.count_nonzero(labels.data == 3) == MASK.sum() - 1
    assert delta.before.max() == 0
    labels.data[...] = 1
    assert write_object(labels, PLANE, MASK, (4, 6), 3, "keep") is None
    assert (labels.data == 1).all()


def test_one_napari_undo_takes_it_back(labels) -> None:
    write_object(labels, PLANE, MASK, (4, 6), 3, "keep")
    labels.undo()
    assert not labels.data.any()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Labels(np.zeros((20, 30), np.uint16)), "has shape"),
        (lambda: Labels(np.zeros((4, 20, 30), np.uint16)), "another scale"),
        (
            lambda: Labels(da.zeros((4, 20, 30), dtype=np.uint16), scale=(2, 0.5, 0.5)),
            "dask-backed",
        ),
        (
            lambda: Labels(
                [np.zeros(s, int) for s in ((4, 20, 30), (4, 13, 19))],
                scale=(2, 0.5, 0.5),
            ),
            "does not take every",
        ),
    ],
    ids=["shape", "place", "dask", "multiscale"],
)
def test_refused(stack, make, text) -> None:
    layer = make()
    before = np.array(layer.data[0] if layer.multiscale else layer.data)
    with pytest.raises(LayerError, match=text):
        check_output(layer, stack)
    after = layer.data[0] if layer.multiscale else layer.data
    np.testing.assert_array_equal(np.asarray(after), before)


def test_read_only_is_refused(stack, labels) -> None:
    labels.data.flags.writeable = False
    with pytest.raises(LayerError, match="read-only"):
        check_output(labels, stack)


def test_read_only_memmap_is_refused(stack, tmp_path: Path) -> None:
    np.save(tmp_path / "labels.npy", np.zeros((4, 20, 30), np.uint16))
    data = np.load(tmp_path / "labels.npy", mmap_mode="r")
    with pytest.raises(LayerError, match="read-only"):
        check_output(Labels(data, scale=stack.scale), stack)


def test_full_memmap_is_not_widened(tmp_path: Path) -> None:
    np.save(tmp_path / "labels.npy", np.full((4, 20, 30), 255, np.uint8))
    layer = Labels(np.load(tmp_path / "labels.npy", mmap_mode="r+"))
    with pytest.raises(LayerError, match=r"uint8 holds no label 256"):
        make_room(layer, 256)


def test_make_room(labels) -> None:
    assert make_room(labels, 65535) == ""
    labels.data[0, 0, 0] = 65535
    assert "uint32" in make_room(labels, 65536)
    assert labels.data[0, 0, 0] == 65535
    assert labels.data.dtype == np.uint32


def test_largest_id_of_any_array() -> None:
    data = np.zeros((4, 20, 30), np.uint16)
    data[3, 19, 29] = 700
    assert largest_id(data) == 700
    assert largest_id(da.from_array(data, chunks=5)) == 700
    assert largest_id(np.zeros((0, 5), int)) == 0


def test_zarr_labels_are_written_to_the_store(stack, tmp_path: Path) -> None:
    array = zarr.create_array(
        str(tmp_path / "z.zarr"), shape=(4, 20, 30), chunks=(1, 8, 8), dtype="uint16"
    )
    layer = Labels(array, scale=stack.scale)
    check_output(layer, stack)
    assert largest_id(layer.data) == 0
    delta = write_object(layer, PLANE, MASK, (4, 6), 3, "keep")
    again = zarr.open_array(str(tmp_path / "z.zarr"))
    np.testing.assert_array_equal(again[2, 4:6, 6:9] == 3, MASK)
    take_back(layer, delta)
    assert not np.asarray(again[:]).any()
