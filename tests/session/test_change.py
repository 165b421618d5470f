"""Changes as values, and as lines of a journal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_sam21.core.errors import SessionError
from napari_sam21.session.change import Change, change_of
from napari_sam21.session.lines import (
    from_line,
    pack_change,
    pack_numbers,
    to_line,
    unpack_change,
    unpack_numbers,
)

SHAPE = (3, 7, 9)


@st.composite
def strokes(draw: st.DrawFn) -> tuple[tuple[np.ndarray, ...], np.ndarray, np.ndarray]:
    count = draw(st.integers(1, 30))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    indices = tuple(rng.integers(0, size, count) for size in SHAPE)
    limit = draw(st.sampled_from([1, 3, 2**16 - 1]))
    return indices, rng.integers(0, limit + 1, SHAPE), rng.integers(0, limit + 1, count)


@given(strokes())
def test_a_stroke_becomes_a_change_that_does_the_same(stroke) -> None:
    indices, start, values = stroke
    array = start.astype(np.uint16)
    before, wanted = array[indices], array.copy()
    for *index, value in zip(*indices, values, strict=True):
        wanted[tuple(index)] = value
    change = change_of(indices, before, values)
    done = array.copy()
    if change is None:
        assert np.array_equal(wanted, array)
        return
    change.do_in(done)
    assert np.array_equal(done, wanted)
    assert change.is_done_in(done)
    change.reversed().do_in(done)
    assert np.array_equal(done, array)
    assert not change.is_done_in(done)


@given(strokes())
def test_a_change_survives_its_line(stroke) -> None:
    indices, start, values = stroke
    change = change_of(indices, start[indices], values)
    if change is None:
        return
    line = to_line({"kind": "change", **pack_change(change)})
    found = unpack_change(from_line(line))
    ours, theirs = start.copy(), start.copy()
    change.do_in(ours)
    found.do_in(theirs)
    assert np.array_equal(ours, theirs)
    found.reversed().do_in(theirs)
    assert np.array_equal(theirs, start)


def test_nothing_changed_is_no_change() -> None:
    index = (np.array([1, 2]), np.array([3, 4]))
    assert change_of(index, [5, 5], 5) is None
    assert change_of((np.array([], int), np.array([], int)), [], 1) is None


@pytest.mark.parametrize("cut", [1, 5, 12, 60])
def test_a_line_cut_short_is_told_from_a_whole_one(cut: int) -> None:
    line = to_line({"kind": "change", "corner": [1, 2], "text": "x" * 40})
    with pytest.raises(SessionError, match="damaged or cut short"):
        from_line(line[:-cut])


def test_a_flipped_bit_is_found() -> None:
    line = bytearray(to_line({"kind": "change", "corner": [1, 2]}))
    line[20] ^= 1
    with pytest.raises(SessionError, match="damaged"):
        from_line(bytes(line))


@pytest.mark.parametrize(
    "wrong",
    [
        {"corner": [1]},
        {"corner": [-1, 0]},
        {"before": {"dtype": "<f4", "data": ""}},
        {"changed": {"shape": [2, 2], "bits": "no base64!"}},
        {"after": {"dtype": "<u2", "data": "eJwDAAAAAAE="}},
        {"changed": None},
    ],
)
def test_a_change_that_makes_no_sense_is_refused(wrong: dict) -> None:
    good = Change((0, 0), np.ones((2, 2), bool), np.asarray(0), np.asarray(1))
    with pytest.raises(SessionError, match="a record 'change'"):
        unpack_change({"kind": "change", **pack_change(good), **wrong})


def test_numbers_that_are_all_the_same_are_one_number() -> None:
    for value in (0, 7, -3):
        packed = pack_numbers(np.full(5, value, np.int32))
        assert packed == value
        assert unpack_numbers(packed) == value
    assert unpack_numbers(pack_numbers(np.arange(5))).tolist() == [0, 1, 2, 3, 4]
    assert unpack_numbers(pack_numbers(np.zeros(0, int))).size == 0
