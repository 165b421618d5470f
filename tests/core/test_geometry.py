"""Plane, region and model frames, against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sam21.core.geometry import (
    Region,
    check_region,
    plane_to_model,
    whole_plane,
)


@pytest.mark.parametrize(
    ("region", "point_rc", "expected_xy"),
    [
        (Region(0, 0, 100, 200), (0, 0), (0, 0)),
        (Region(0, 0, 100, 200), (25, 50), (256, 256)),
        (Region(0, 0, 100, 200), (99, 199), (1018.88, 1013.76)),
        (Region(0, 0, 100, 200), (12.25, 0.5), (2.56, 125.44)),  # not rounded
        (Region(0, 0, 1024, 1024), (10, 20), (20, 10)),  # no half pixel
        (Region(0, 0, 1, 1000), (0, 500), (512, 0)),
        (Region(300, 40, 400, 240), (325, 90), (256, 256)),  # offset
        (Region(300, 40, 400, 240), (299.5, 39.5), (-2.56, -5.12)),  # outer edge
    ],
)
def test_plane_to_model(
    region: Region, point_rc: tuple[float, float], expected_xy: tuple[float, float]
) -> None:
    found = plane_to_model(np.array([point_rc], float), region)
    assert (found.shape, found.dtype) == ((1, 2), np.float32)
    np.testing.assert_allclose(found[0], expected_xy, rtol=1e-6)


def test_points_keep_their_order() -> None:
    points = np.array([[0, 1], [2, 3], [4, 5]], float)
    found = plane_to_model(points, Region(0, 0, 512, 512))
    np.testing.assert_array_equal(found, [[2, 0], [6, 4], [10, 8]])


@pytest.mark.parametrize(
    ("row", "column", "inside"),
    [(10, 20, True), (9.5, 19.5, True), (9.49, 20, False), (19.5, 29.5, True),
     (19.51, 25, False), (15, 29.51, False), (15, 19.4, False)],
)  # fmt: skip
def test_a_region_contains_its_pixels_to_their_outer_edges(
    row: float, column: float, inside: bool
) -> None:
    assert Region(10, 20, 20, 30).contains(row, column) is inside


def test_sizes_of_a_region() -> None:
    region = Region(10, 20, 13, 27)
    assert (region.height, region.width) == (3, 7)


def test_no_region_is_the_whole_plane() -> None:
    assert check_region(None, (30, 40)) == whole_plane((30, 40)) == (0, 0, 30, 40)


def test_numpy_numbers_become_plain_ones() -> None:
    found = check_region(tuple(np.array([1, 2, 3, 4])), (30, 40))
    assert found == Region(1, 2, 3, 4)
    assert {type(edge) for edge in found} == {int}
