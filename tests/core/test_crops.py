"""Crops against the same arithmetic on whole planes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_sam21.core.crops import Crop, crops_of
from napari_sam21.core.errors import ImageError

SHAPE = (7, 9)
PLANES = arrays(bool, SHAPE)


@given(PLANES, PLANES)
def test_arithmetic_is_that_of_planes(one: np.ndarray, other: np.ndarray) -> None:
    a, b = Crop.of(one), Crop.of(other)
    np.testing.assert_array_equal(a.plane(SHAPE), one)
    np.testing.assert_array_equal(a.without(b).plane(SHAPE), one & ~other)
    if a and b:
        np.testing.assert_array_equal(a.joined(b).plane(SHAPE), one | other)
    union = (one | other).sum()
    assert a.iou(b) == ((one & other).sum() / union if union else 0)
    assert a.area == one.sum()


@given(PLANES, st.tuples(*[st.integers(-3, 9)] * 4))
def test_windows_may_reach_beyond_the_plane(
    plane: np.ndarray, edges: tuple[int, ...]
) -> None:
    r0, r1 = sorted(edges[:2])
    c0, c1 = sorted(edges[2:])
    wide = np.pad(plane, 20)[r0 + 20 : r1 + 20, c0 + 20 : c1 + 20]
    crop = Crop.of(plane)
    np.testing.assert_array_equal(crop.within((r0, c0, r1, c1)), wide)
    assert crop.clipped((r0, c0, r1, c1)).area == wide.sum()


def test_every_label_is_cut_out() -> None:
    labels = np.zeros((6, 6), np.uint16)
    labels[1:3, 1:4], labels[5, 5] = 700, 3
    crops = crops_of(labels)
    assert list(crops) == [3, 700]
    assert crops[700].window == (1, 1, 3, 4)
    assert crops[3].holds(5, 5)
    assert not crops[3].holds(5, 4)


@pytest.mark.parametrize("labels", [np.zeros((2, 3, 4), int), np.zeros((4, 4))])
def test_what_are_no_labels_is_refused(labels: np.ndarray) -> None:
    with pytest.raises(ImageError, match="not one plane of whole numbers"):
        crops_of(labels)
