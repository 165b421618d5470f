"""The region follows what is on show, keeps an object, and only that is read."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_sam21.core.geometry import Region, whole_plane
from napari_sam21.core.regions import Rect
from napari_sam21.layers.field import FOLLOW, LOCK, WHOLE, Field, in_words
from napari_sam21.layers.planes import Plane, displayed_plane
from napari_sam21.layers.source import read_plane, snapshot, visible_rect

SHAPE = (3000, 4000)
CORNER = Region(512, 1024, 1024, 1536)


def opened(shape: tuple[int, ...] = SHAPE) -> tuple[Image, Plane, ViewerModel]:
    viewer = ViewerModel()
    data = np.lib.stride_tricks.as_strided(
        np.zeros(1, np.uint8), shape, (0,) * len(shape)
    )
    layer = viewer.add_image(data, contrast_limits=(0, 1))
    return layer, displayed_plane(layer, viewer.dims), viewer


def look_at(layer: Image, *corners: tuple[int, ...]) -> None:
    """As the canvas does when it draws: first and last pixel on show."""
    layer.corner_pixels = np.array(corners)


@pytest.fixture
def zoomed() -> tuple[Image, Plane, Field]:
    layer, plane, _ = opened()
    look_at(layer, (600, 1100), (800, 1400))
    return layer, plane, Field(layer)


def test_before_the_first_drawing_it_is_the_whole_image() -> None:
    layer, plane, _ = opened()
    assert Field(layer).region(plane) == whole_plane(SHAPE)


def test_it_follows_the_zoom(zoomed: tuple[Image, Plane, Field]) -> None:
    layer, plane, field = zoomed
    assert field.region(plane) == CORNER
    look_at(layer, (600, 1100), (700, 1180))
    assert field.region(plane) == Region(512, 1024, 768, 1280)
    look_at(layer, (0, 0), (2999, 3999))
    assert field.region(plane) == whole_plane(SHAPE)


def test_an_object_keeps_its_region(zoomed: tuple[Image, Plane, Field]) -> None:
    layer, plane, field = zoomed
    point = [(700.0, 1200.0)]
    held = field.region(plane, point)
    look_at(layer, (0, 0), (2999, 3999))
    assert field.region(plane, point, held) == held == CORNER


def test_a_prompt_outside_makes_it_grow(zoomed: tuple[Image, Plane, Field]) -> None:
    _, plane, field = zoomed
    points = [(700.0, 1200.0), (700.0, 1900.0)]
    grown = field.region(plane, points, CORNER)
    assert all(grown.contains(*point) for point in points)
    assert grown == Region(0, 1024, 1024, 2048)
    assert field.region(plane, points[:1], grown) == grown, "it never shrinks"


def test_the_whole_image_on_demand(zoomed: tuple[Image, Plane, Field]) -> None:
    _, plane, field = zoomed
    field.set_mode(WHOLE, CORNER)
    assert field.region(plane) == field.region(plane, (), CORNER) == (0, 0, 3000, 4000)
    field.set_mode(FOLLOW, CORNER)
    assert field.region(plane) == CORNER


def test_a_locked_region_stays_and_grows_for_prompts(
    zoomed: tuple[Image, Plane, Field],
) -> None:
    layer, plane, field = zoomed
    field.set_mode(LOCK, CORNER)
    look_at(layer, (2000, 2000), (2100, 2100))
    assert field.region(plane) == CORNER
    outside = [(2050.0, 2050.0)]
    assert field.region(plane, outside).contains(*outside[0])


def test_a_lock_does_not_outlive_its_plane() -> None:
    layer, plane, viewer = opened((300, 3000, 4000))
    field = Field(layer)
    field.set_mode(LOCK, CORNER)
    assert field.region(plane) == CORNER
    viewer.dims.order = (1, 0, 2)
    other = displayed_plane(layer, viewer.dims)
    assert other.shape == (300, 4000)
    assert field.region(other) != CORNER


def test_rows_and_columns_as_displayed() -> None:
    layer, _, viewer = opened((3000, 5, 4000))
    viewer.dims.order = (1, 2, 0)  # axis 2 as rows, axis 0 as columns
    look_at(layer, (600, 0, 1100), (800, 4, 1400))
    plane = displayed_plane(layer, viewer.dims)
    assert visible_rect(layer, plane) == Rect(1100, 600, 1401, 801)
    assert Field(layer).region(plane) == Region(1024, 512, 1536, 1024)


def test_corners_of_a_coarse_level_are_scaled() -> None:
    viewer = ViewerModel()
    levels = [np.zeros((3000 >> k, 4000 >> k), np.uint8) for k in range(3)]
    layer = viewer.add_image(levels, multiscale=True, contrast_limits=(0, 1))
    layer.data_level = 2
    look_at(layer, (150, 275), (199, 349))
    plane = displayed_plane(layer, viewer.dims)
    assert visible_rect(layer, plane) == Rect(600, 1100, 800, 1400)


@pytest.mark.skipif(not hasattr(ViewerModel(), "canvas"), reason="from napari 0.9 on")
@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1)])
def test_of_a_pyramid_the_camera_tells_what_is_on_show(order: tuple[int, ...]) -> None:
    """napari keeps the part it has read, in whole chunks, until the view leaves it."""
    viewer = ViewerModel()
    levels = [da.zeros((3, 8192 >> k, 8192 >> k), np.uint8) for k in range(3)]
    layer = viewer.add_image(
        levels, contrast_limits=(0, 1), scale=(5, 0.5, -2), translate=(0, 7, 9)
    )
    viewer.dims.order = order
    layer.data_level = 0
    layer.corner_pixels = np.array([[0, 0, 0], [2, 8191, 8191]])
    at = layer.data_to_world((1, 3000, 4000))
    viewer.dims.point = at
    viewer.canvas.size = (400, 600)
    viewer.scene.camera.center = (0, *(at[axis] for axis in order[-2:]))
    viewer.scene.camera.zoom = 4
    plane = displayed_plane(layer, viewer.dims)
    rect = visible_rect(layer, plane, viewer)
    size = {1: 1 / 0.5, 2: 1 / 2}  # pixels for one unit of the world
    half = [
        s / 4 / 2 * size[axis] for s, axis in zip((400, 600), order[1:], strict=True)
    ]
    middle = [{1: 3000, 2: 4000}[axis] + 0.5 for axis in order[1:]]
    expected = (*np.subtract(middle, half), *np.add(middle, half))
    np.testing.assert_allclose((rect.r0, rect.c0, rect.r1, rect.c1), expected)
    assert Field(layer, viewer).region(plane).width <= 512


def test_words() -> None:
    _, plane, _ = opened()
    assert in_words(CORNER, plane) == "512 px"
    assert in_words(Region(0, 0, 300, 512), plane) == "300 × 512 px"
    assert in_words(whole_plane(SHAPE), plane) == "all of it"


# --- reading ---------------------------------------------------------------------


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (0, 2, 1), (2, 1, 0)])
@pytest.mark.parametrize("kind", [np.asarray, da.from_array])
def test_a_region_is_the_slice_of_the_plane(order, kind) -> None:
    data = np.random.default_rng(0).integers(0, 255, (30, 40, 50), np.uint8)
    viewer = ViewerModel()
    layer = viewer.add_image(kind(data), contrast_limits=(0, 255))
    viewer.dims.order = order
    plane = displayed_plane(layer, viewer.dims)
    whole = read_plane(layer.data, plane, False)
    region = Region(3, 5, 17, 23)
    part = read_plane(layer.data, plane, False, region=region)
    np.testing.assert_array_equal(part, whole[3:17, 5:23])


def test_only_the_chunks_of_the_region_are_computed() -> None:
    touched = set()

    def load(block_info=None):
        touched.add(block_info[None]["chunk-location"])
        return np.zeros((1, 256, 256), np.uint8)

    chunks = ((1,) * 3, (256,) * 8, (256,) * 8)
    stack = da.map_blocks(load, chunks=chunks, dtype=np.uint8)
    viewer = ViewerModel()
    layer = viewer.add_image(stack, contrast_limits=(0, 255))
    viewer.dims.set_point(0, 1)
    plane = displayed_plane(layer, viewer.dims)
    source = snapshot(layer, plane, 0, Region(512, 768, 1024, 1280))
    touched.clear()
    found = source.read()
    assert touched == {(1, r, c) for r in (2, 3) for c in (3, 4)}
    assert found.region == Region(512, 768, 1024, 1280)


@pytest.mark.parametrize(
    ("side", "level"), [(512, 0), (1024, 0), (2048, 1), (4096, 2), (8192, 3)]
)
def test_the_level_fits_the_region(side: int, level: int) -> None:
    levels = [da.zeros((8192 >> k, 8192 >> k), np.uint8) for k in range(5)]
    viewer = ViewerModel()
    layer = viewer.add_image(levels, multiscale=True, contrast_limits=(0, 1))
    plane = displayed_plane(layer, viewer.dims)
    source = snapshot(layer, plane, 0, Region(0, 0, side, side))
    assert source.data.shape == (8192 >> level, 8192 >> level)


@pytest.mark.parametrize("level", [0, 1, 2])
def test_a_coarse_level_shows_the_same_place(level: int) -> None:
    """A bright pixel block is at the same place of the model's input at any level."""
    full = np.zeros((4096, 4096), np.float32)
    full[1500:1564, 2600:2664] = 1
    coarse = full.reshape(4096 >> level, 1 << level, 4096 >> level, 1 << level)
    viewer = ViewerModel()
    layer = viewer.add_image(full, contrast_limits=(0, 1))
    plane = displayed_plane(layer, viewer.dims)
    region = Region(1024, 2048, 2048, 3072)
    data = coarse.mean(axis=(1, 3))
    part = read_plane(data, plane, False, full.shape, region)
    rows, columns = np.nonzero(part > 0.5)
    scale = 1 << level
    assert (rows.min() * scale, columns.min() * scale) == (1500 - 1024, 2600 - 2048)


def test_regions_are_told_apart_by_the_token() -> None:
    layer, plane, _ = opened()
    tokens = {snapshot(layer, plane, 0, each).token for each in (None, CORNER)}
    assert len(tokens) == 2
    assert snapshot(layer, plane, 0) == snapshot(layer, plane, 0, whole_plane(SHAPE))
