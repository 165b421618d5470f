"""Outlines give back their masks bit for bit, and are fit for GeoJSON."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.draw import polygon2mask

from napari_sam21.core.geometry import Region
from napari_sam21.files.blocks import Cut
from napari_sam21.files.outlines import Polygon, Ring, outline


def cut(mask: np.ndarray, row: int = 0, column: int = 0) -> Cut:
    height, width = mask.shape
    return Cut(1, Region(row, column, row + height, column + width), mask)


def filled(polygons: list[Polygon], shape: tuple[int, int]) -> np.ndarray:
    """Pixels whose centre an odd number of rings is around."""
    mask = np.zeros(shape, bool)
    for ring in (ring for each in polygons for ring in each.rings()):
        mask ^= polygon2mask(shape, ring - 0.5)  # to napari's frame
    return mask


def area(ring: Ring) -> float:
    after = np.roll(ring, -1, axis=0)
    return abs(float(np.sum(ring[:, 1] * after[:, 0] - after[:, 1] * ring[:, 0]))) / 2


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 14), st.integers(1, 14), st.floats(0.2, 1))
def test_any_mask_comes_back(seed: int, height: int, width: int, share: float) -> None:
    mask = np.random.default_rng(seed).random((height, width)) < share
    mask[0, 0] = True
    polygons = outline(cut(mask, 3, 5))
    expected = np.pad(mask, ((3, 2), (5, 2)))
    assert np.array_equal(filled(polygons, expected.shape), expected)
    covered = sum(area(p.shell) - sum(map(area, p.holes)) for p in polygons)
    assert covered == mask.sum()
    for ring in (ring for each in polygons for ring in each.rings()):
        assert len(np.unique(ring, axis=0)) == len(ring), "a ring touches itself"


def test_a_pixel_is_a_square_from_its_upper_left_corner() -> None:
    (found,) = outline(cut(np.ones((1, 1), bool), 2, 7))
    assert sorted(map(tuple, found.shell)) == [(2, 7), (2, 8), (3, 7), (3, 8)]


def test_a_rectangle_has_four_corners() -> None:
    (found,) = outline(cut(np.ones((30, 50), bool)))
    assert len(found.shell) == 4
    assert found.holes == ()


def test_holes_go_to_the_piece_they_are_in() -> None:
    mask = np.zeros((12, 30), bool)
    mask[:10, :10] = mask[2:12, 15:30] = True
    mask[3:5, 3:5] = mask[6:8, 18:20] = mask[6:8, 24:26] = False
    left, right = sorted(outline(cut(mask)), key=lambda each: each.shell[:, 1].min())
    assert (len(left.holes), len(right.holes)) == (1, 2)
    assert max(ring[:, 1].max() for ring in left.holes) <= 5


def test_pieces_that_touch_at_a_corner_are_two() -> None:
    assert len(outline(cut(np.eye(2, dtype=bool)))) == 2


def test_a_loop_that_closes_at_a_corner_has_a_hole() -> None:
    mask = np.ones((4, 4), bool)
    mask[1:3, 1:3] = mask[0, 0] = False
    mask[1, 1] = True
    mask[0, 1] = mask[1, 0] = True
    mask[1, 0] = False
    polygons = outline(cut(mask))
    assert np.array_equal(filled(polygons, mask.shape), mask)
