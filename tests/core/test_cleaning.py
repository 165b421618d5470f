"""Largest piece, holes: what is done to a mask, and what is left alone."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import ndimage

import napari_sam21 as sam
from napari_sam21.core.automatic import Found, Objects
from napari_sam21.core.cleaning import Cleaning, clean_crop, clean_mask
from napari_sam21.core.errors import ImageError

LARGEST, HOLES = Cleaning(largest_piece=True), Cleaning(fill_holes=True)
BOTH = Cleaning(largest_piece=True, fill_holes=True)
CORNERS_TOO = np.ones((3, 3))

masks = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=12))


def ring() -> np.ndarray:
    mask = np.zeros((12, 20), bool)
    mask[2:9, 2:9] = True
    mask[4:7, 4:7] = False
    mask[5, 5] = True  # something in the hole
    mask[3:5, 15:17] = True
    return mask


def test_off_is_off() -> None:
    mask = ring()
    assert not Cleaning()
    assert clean_mask(mask, Cleaning()) is mask
    crop = (mask, (3, 4))
    assert clean_crop(crop, Cleaning()) is crop


def test_pieces_and_holes() -> None:
    assert clean_mask(ring(), LARGEST).sum() == 49 - 9
    assert clean_mask(ring(), HOLES).sum() == 49 + 4
    assert clean_mask(ring(), BOTH).sum() == 49
    mask, origin = clean_crop((ring(), (100, 200)), BOTH)
    assert (mask.shape, origin) == ((7, 7), (102, 202))
    assert mask.all()


@given(masks)
def test_one_piece_is_left_and_it_is_a_largest(mask: np.ndarray) -> None:
    found = clean_mask(mask, LARGEST)
    pieces, count = ndimage.label(mask, CORNERS_TOO)
    assert not (found & ~mask).any()
    assert ndimage.label(found, CORNERS_TOO)[1] == min(count, 1)
    sizes = np.bincount(pieces.ravel())[1:]
    assert found.sum() == max(sizes, default=0)


@given(masks)
def test_holes_are_filled_as_scipy_fills_them(mask: np.ndarray) -> None:
    expected = ndimage.binary_fill_holes(mask)
    np.testing.assert_array_equal(clean_mask(mask, HOLES), expected)


@given(masks, st.sampled_from([LARGEST, HOLES, BOTH]))
def test_cleaning_twice_is_cleaning_once(mask: np.ndarray, cleaning: Cleaning) -> None:
    once = clean_mask(mask, cleaning)
    np.testing.assert_array_equal(clean_mask(once, cleaning), once)


def test_numbers_count_as_a_mask_and_stacks_are_declined() -> None:
    assert clean_mask(ring() * 7, BOTH).sum() == 49
    with pytest.raises(ImageError, match=r"\(2, 3, 4\).*slice by slice"):
        clean_mask(np.zeros((2, 3, 4)), BOTH)


def test_objects_of_a_notebook_are_cleaned() -> None:
    crop = sam.Crop.of(ring())
    region = sam.Region(0, 0, 12, 20)
    objects = Objects((Found(crop, 0.9, 0.8, (5.0, 5.0), region),), (12, 20))
    [cleaned] = sam.clean_objects(objects, sam.Cleaning(largest_piece=True))
    assert cleaned.crop.area == 49 - 9
    assert cleaned.score == 0.9
    assert sam.clean_objects(objects, sam.Cleaning()) is objects
    assert sam.clean_mask(ring(), sam.Cleaning(fill_holes=True)).sum() == 49 + 4
