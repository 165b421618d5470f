"""Strokes over a mask: added, laid over, moved to another grid."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_sam21.core.crops import Crop
from napari_sam21.core.geometry import Region
from napari_sam21.core.retouch import with_stroke

REGION = Region(10, 20, 34, 52)
GRID = (24, 32)
masks = arrays(bool, GRID)


@given(masks, st.lists(masks, min_size=1, max_size=3))
def test_what_was_brushed_is_what_is_seen(answer: np.ndarray, seen: list) -> None:
    retouch, was = None, answer
    for now in seen:
        retouch = with_stroke(retouch, REGION, now, was)
        np.testing.assert_array_equal(retouch.over(answer), now)
        was = now


@given(masks, masks, masks)
def test_strokes_hold_over_another_answer(first, brushed, second) -> None:
    retouch = with_stroke(None, REGION, brushed, first)
    touched = brushed != first
    found = retouch.over(second)
    np.testing.assert_array_equal(found[touched], brushed[touched])
    np.testing.assert_array_equal(found[~touched], second[~touched])


@given(masks, masks)
def test_on_a_grid_twice_as_fine_and_back(first, brushed) -> None:
    retouch = with_stroke(None, REGION, brushed, first)
    assert retouch.on(REGION, GRID) is retouch
    fine = retouch.on(REGION, (48, 64))
    np.testing.assert_array_equal(
        fine.whole(), np.kron(retouch.whole(), np.ones((2, 2)))
    )
    np.testing.assert_array_equal(fine.on(REGION, GRID).whole(), retouch.whole())


def test_in_a_larger_region_they_stay_where_they_are() -> None:
    brushed = np.zeros(GRID, bool)
    brushed[3, 4] = True
    retouch = with_stroke(None, REGION, brushed, np.zeros(GRID, bool))
    assert retouch.nbytes == 1
    larger = retouch.on(Region(0, 0, 60, 80), (60, 80)).whole()
    assert np.argwhere(larger).tolist() == [[13, 24]]
    beside = retouch.on(Region(40, 60, 64, 92), GRID)
    assert not beside.whole().any()


@given(arrays(bool, (9, 7)), st.integers(0, 12), st.integers(0, 12), st.integers(1, 4))
def test_a_sampled_crop_is_the_plane_s(mask, row: int, column: int, step: int) -> None:
    crop = Crop.of(mask, (row, column))
    window = (2, 3, 17, 19)
    np.testing.assert_array_equal(
        crop.sampled(window, step),
        crop.plane((30, 30))[2:17, 3:19][step // 2 :: step, step // 2 :: step],
    )
