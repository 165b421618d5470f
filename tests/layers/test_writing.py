"""Writing in place: at every level, in the box only, back and again; a random walk."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from napari.layers import Labels

from napari_sam21.layers import label_array, writing
from napari_sam21.layers.label_array import LabelArray, stripes
from napari_sam21.layers.planes import Plane
from napari_sam21.layers.writing import (
    Writing,
    do,
    still_fits,
    take_back,
    taking_back,
    write_again,
    write_object,
)

SHAPE = (3, 41, 58)
FACTORS = (1, 2, 4, 8)


def pyramid(make: Callable[..., object] = np.zeros) -> Labels:
    """Empty labels with four levels."""
    shapes = [(3, -(-41 // f), -(-58 // f)) for f in FACTORS]
    return Labels([make(shape, dtype=np.uint16) for shape in shapes], multiscale=True)


def zarr_array(shape: tuple[int, ...], dtype: object) -> zarr.Array:
    return zarr.create_array({}, shape=shape, chunks=(1, 16, 16), dtype=dtype)


def is_whole(labels: Labels, expected: np.ndarray) -> None:
    """Every level is what its rule makes of the expected level 0, bit for bit."""
    for level, factor in zip(labels.data, FACTORS, strict=True):
        np.testing.assert_array_equal(
            np.asarray(level[:]), expected[:, ::factor, ::factor]
        )


@pytest.fixture(params=[np.zeros, zarr_array], ids=["numpy", "zarr"])
def layers(request) -> Labels:
    return pyramid(request.param)


@pytest.mark.parametrize("displayed", [(1, 2), (2, 1)])
def test_every_level_follows(layers, displayed) -> None:
    plane = Plane(displayed, ((0, 1),), (41, 58))
    mask = np.random.default_rng(0).random((17, 21)) < 0.7
    expected = np.zeros(SHAPE, np.uint16)
    shown = expected[1] if displayed == (1, 2) else expected[1].T
    shown[5:22, 3:24][mask] = 6
    delta = write_object(layers, plane, mask, (5, 3), 6, "keep")
    is_whole(layers, expected)
    take_back(layers, delta)
    is_whole(layers, np.zeros_like(expected))
    write_again(layers, delta)
    is_whole(layers, expected)


def test_the_last_pixels_of_odd_levels(layers) -> None:
    plane = Plane((1, 2), ((0, 2),), (41, 58))
    write_object(layers, plane, np.ones((1, 2), bool), (40, 56), 3, "keep")
    expected = np.zeros(SHAPE, np.uint16)
    expected[2, 40, 56:] = 3
    is_whole(layers, expected)


def test_only_the_box_is_touched() -> None:
    """The rest of the array cannot even be read."""

    class Guarded:
        shape, dtype = (1000, 1000), np.dtype(np.uint16)

        def __init__(self) -> None:
            self.pixels = np.zeros((1000, 1000), np.uint16)

        def _check(self, key: tuple[slice, ...]) -> None:
            for part in key:
                assert 100 <= part.start < part.stop <= 140

        def __getitem__(self, key: tuple[slice, ...]) -> np.ndarray:
            self._check(key)
            return self.pixels[key]

        def __setitem__(self, key: tuple[slice, ...], values: np.ndarray) -> None:
            self._check(key)
            self.pixels[key] = values

    level = Guarded()
    array = LabelArray((level,), ((1, 1),))
    box = (slice(100, 140), slice(110, 130))
    array.put(box, np.ones((40, 20), bool), 7)
    assert (level.pixels == 7).sum() == 800


def test_pyramids_of_others_change_only_under_the_object() -> None:
    """Their coarse pixels may be the most frequent label of a block, not the first."""
    levels = [np.zeros((40, 60), np.uint16), np.zeros((20, 30), np.uint16)]
    levels[0][10:12, 10:12] = 5
    levels[1][:] = 9
    layer = Labels(levels, multiscale=True)
    plane = Plane((0, 1), (), (40, 60))
    mask = np.zeros((6, 6), bool)
    mask[0, 0] = True
    write_object(layer, plane, mask, (20, 20), 2, "keep")
    assert levels[1][10, 10] == 2
    assert (levels[1] == 9).sum() == 599


# --- large objects -----------------------------------------------------------------


@pytest.fixture
def in_stripes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make objects of a few pixels large ones."""
    monkeypatch.setattr(writing, "NAPARI_PIXELS", 50)
    monkeypatch.setattr(label_array, "STRIPE_PIXELS", 60)


def test_stripes_cover_a_box_in_order() -> None:
    label_array_size = label_array.STRIPE_PIXELS
    box = (slice(3, 4), slice(10, 10 + 3 * label_array_size // 1000), slice(0, 1000))
    found = list(stripes(box))
    assert len(found) > 1
    rows = [stripe[1] for stripe, _ in found]
    assert rows[0].start == 10
    assert all(a.stop == b.start for a, b in pairwise(rows))
    assert rows[-1].stop == box[1].stop
    assert found[1][1][1].start == rows[1].start - 10


@pytest.mark.parametrize("displayed", [(1, 2), (2, 1)])
def test_a_large_object_in_a_single_array(in_stripes, displayed) -> None:
    plane = Plane(displayed, ((0, 1),), (41, 58))
    layer = Labels(np.zeros(SHAPE, np.uint16))
    layer.data[1, 10:14, 10:14] = 4
    before = layer.data.copy()
    mask = np.random.default_rng(1).random((25, 30)) < 0.8
    job = Writing(layer, plane, mask, (2, 3), 9, "keep")
    assert job.possible()
    steps = 0
    for _ in job.steps():
        steps += 1
    assert steps > 5, "others had their turn"
    expected = before.copy()
    shown = expected[1] if displayed == (1, 2) else expected[1].T
    region = shown[2:27, 3:33]
    region[mask & (region == 0)] = 9
    np.testing.assert_array_equal(layer.data, expected)
    do(taking_back(layer, job.delta))
    np.testing.assert_array_equal(layer.data, before)
    write_again(layer, job.delta)
    np.testing.assert_array_equal(layer.data, expected)


def test_large_undo_leaves_what_was_painted_over(in_stripes) -> None:
    plane = Plane((0, 1), (), (41, 58))
    layer = Labels(np.zeros((41, 58), np.uint16))
    delta = write_object(layer, plane, np.ones((20, 20), bool), (5, 5), 9, "keep")
    layer.brush_size = 3
    layer.paint((10, 10), 30)
    painted = layer.data == 30
    take_back(layer, delta)
    np.testing.assert_array_equal(layer.data != 0, painted)
    assert (layer.data[painted] == 30).all()


def test_a_small_object_is_one_step_of_naparis_own_undo() -> None:
    layer = Labels(np.zeros((41, 58), np.uint16))
    plane = Plane((0, 1), (), (41, 58))
    write_object(layer, plane, np.ones((20, 20), bool), (5, 5), 9, "keep")
    layer.undo()
    assert not layer.data.any()
    layer.redo()
    assert (layer.data == 9).sum() == 400


def test_a_layer_that_shrank_has_no_room_for_a_delta() -> None:
    layer = pyramid()
    plane = Plane((1, 2), ((0, 1),), (41, 58))
    delta = write_object(layer, plane, np.ones((4, 4), bool), (30, 50), 9, "keep")
    assert still_fits(layer, delta)
    assert not still_fits(Labels(np.zeros((3, 32, 58), np.uint16)), delta)


# --- a walk --------------------------------------------------------------------------

MOVES = st.lists(
    st.tuples(
        st.sampled_from(["write", "erase", "paint", "undo", "redo"]),
        st.integers(0, 2**31 - 1),
    ),
    min_size=1,
    max_size=25,
)


class Model:
    """What a plain array, and a list of whole copies of changes, would say."""

    def __init__(self) -> None:
        self.pixels = np.zeros(SHAPE, np.uint16)

    def write(self, index, mask, corner, value, policy) -> tuple:
        view = self.pixels[index]
        box = view[corner[0] : corner[0] + mask.shape[0], corner[1] :][
            :, : mask.shape[1]
        ]
        where = mask & (box != value) & ((box == 0) | (policy == "overwrite"))
        full = np.zeros(SHAPE, bool)
        inner = full[index][corner[0] :, corner[1] :]
        inner[: mask.shape[0], : mask.shape[1]] = where
        old = self.pixels.copy()
        self.pixels[full] = value
        return full, old, value


@pytest.mark.parametrize("levels", [1, 4])
@pytest.mark.parametrize("stripe", [1 << 19, 100])
@settings(max_examples=25, deadline=None)
@given(moves=MOVES)
def test_any_sequence_of_moves_equals_a_plain_array(levels, stripe, moves) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(label_array, "STRIPE_PIXELS", stripe)
        patch.setattr(writing, "NAPARI_PIXELS", stripe)
        _walk(pyramid() if levels > 1 else Labels(np.zeros(SHAPE, np.uint16)), moves)


def _walk(layer: Labels, moves: list[tuple[str, int]]) -> None:
    model, done, undone = Model(), [], []
    for number, (move, seed) in enumerate(moves, 1):
        if move in ("write", "erase"):
            _write(layer, model, done, move, number, np.random.default_rng(seed))
            undone.clear()
        elif move == "paint":
            _paint(layer, model, 1000 + number, np.random.default_rng(seed))
        elif move == "undo" and done:
            delta, (full, old, value) = undone_step = done.pop()
            take_back(layer, delta)
            ours = full & (model.pixels == value)
            model.pixels[ours] = old[ours]
            undone.append(undone_step)
        elif move == "redo" and undone:
            delta, (full, old, value) = redone = undone.pop()
            write_again(layer, delta)
            as_before = full & (model.pixels == old)
            model.pixels[as_before] = value
            done.append(redone)
        if layer.multiscale:
            is_whole(layer, model.pixels)
        np.testing.assert_array_equal(LabelArray.of(layer).levels[0], model.pixels)


def _write(layer, model, done, move, number, rng) -> None:
    index, size = int(rng.integers(3)), rng.integers(1, 25, 2)
    corner = [
        int(rng.integers(0, n - s + 1)) for n, s in zip(SHAPE[1:], size, strict=True)
    ]
    mask = rng.random(tuple(size)) < 0.6
    value = 0 if move == "erase" else number
    policy = "overwrite" if value == 0 or rng.random() < 0.5 else "keep"
    plane = Plane((1, 2), ((0, index),), SHAPE[1:])
    delta = write_object(layer, plane, mask, tuple(corner), value, policy)
    change = model.write(index, mask, corner, value, policy)
    assert (delta is None) == (not change[0].any())
    if delta is not None:
        done.append((delta, change))


def _paint(layer, model, value, rng) -> None:
    """Somebody else's edit, at all levels."""
    box = (slice(0, 1), slice(*sorted(rng.integers(0, 41, 2))), slice(5, 30))
    where = np.ones(tuple(part.stop - part.start for part in box), bool)
    LabelArray.of(layer).put(box, where, value)
    model.pixels[box] = value
