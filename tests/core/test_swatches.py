"""Candidates from part to whole, and small pictures of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_sam21.core.embedding import Answer
from napari_sam21.core.geometry import Region
from napari_sam21.core.swatches import areas, by_size, swatches


def answer(masks: np.ndarray) -> Answer:
    logits = np.where(masks, 1, -1).astype(np.float32)
    scores = np.array([0.5, 0.6, 0.7], np.float32)
    return Answer(scores, logits, Region(0, 0, 512, 256), (512, 256), "key", 0)


def squares(*sides: int) -> np.ndarray:
    masks = np.zeros((len(sides), 256, 256), bool)
    for mask, side in zip(masks, sides, strict=True):
        mask[100 : 100 + side, 60 : 60 + side] = True
    return masks


@given(st.lists(st.integers(0, 90), min_size=3, max_size=3))
def test_the_order_is_by_area_and_stable(sides: list[int]) -> None:
    found = answer(squares(*sides))
    order, sizes = by_size(found), areas(found)
    assert sizes == tuple(2 * side * side for side in sides), "a cell is two pixels"
    assert sorted(order) == [0, 1, 2]
    assert list(order) == sorted(range(3), key=lambda number: (sides[number], number))


def test_swatches_show_part_and_whole_in_one_frame() -> None:
    small, middle, large = (
        each.mean() for each in swatches(answer(squares(5, 20, 60)))
    )
    assert 0 < small < middle < large
    assert large == pytest.approx(0.4, abs=0.12), "a cell is twice as high as wide"
    assert middle / large == pytest.approx((20 / 60) ** 2, abs=0.08)


def test_swatches_of_nothing_are_empty() -> None:
    found = swatches(answer(squares(0, 0, 0)), side=7)
    assert [each.shape for each in found] == [(7, 7)] * 3
    assert not np.any(found)
