"""The plane that the viewer shows is the plane that is read."""

from __future__ import annotations

from itertools import permutations

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_sam21.core.errors import LayerError
from napari_sam21.layers.planes import displayed_plane
from napari_sam21.layers.source import read_plane, snapshot

SHAPES = ((20, 30), (4, 20, 30), (3, 4, 20, 30))
ORDERS = [
    (shape, order) for shape in SHAPES for order in permutations(range(len(shape)))
]


def shown(viewer: ViewerModel, layer: Image) -> np.ndarray:
    """What napari itself sliced out to draw."""
    return np.asarray(layer._slice.image.raw)


@pytest.mark.parametrize(("shape", "order"), ORDERS)
@pytest.mark.parametrize("rgb", [False, True])
def test_reads_what_napari_slices(shape, order, rgb) -> None:
    rng = np.random.default_rng(len(order))
    data = rng.integers(0, 255, shape + (3,) * rgb, np.uint8)
    viewer = ViewerModel()
    scale = rng.uniform(0.3, 3, len(shape))
    layer = viewer.add_image(
        data, rgb=rgb, scale=scale, translate=rng.normal(size=len(shape))
    )
    viewer.dims.order = order
    world = layer.data_to_world([size // 2 for size in shape])
    for axis in order[:-2]:
        viewer.dims.set_point(axis, world[axis])
    plane = displayed_plane(layer, viewer.dims)
    found = read_plane(layer.data, plane, rgb)
    np.testing.assert_array_equal(found, shown(viewer, layer))
    assert plane.shape == found.shape[:2]


def test_layer_of_fewer_dimensions_than_the_viewer() -> None:
    viewer = ViewerModel()
    layer = viewer.add_image(np.arange(600.0).reshape(20, 30))
    viewer.add_image(np.zeros((5, 20, 30)))
    viewer.dims.set_point(0, 3)
    plane = displayed_plane(layer, viewer.dims)
    assert (plane.displayed, plane.hidden, plane.shape) == ((0, 1), (), (20, 30))


def test_slice_outside_the_image_is_refused() -> None:
    viewer = ViewerModel()
    layer = viewer.add_image(np.zeros((5, 20, 30)), name="stack")
    viewer.add_image(np.zeros((50, 20, 30)))
    viewer.dims.set_point(0, 30)
    with pytest.raises(LayerError, match="no slice of 'stack'"):
        displayed_plane(layer, viewer.dims)


def test_3d_view_is_refused() -> None:
    viewer = ViewerModel(ndisplay=3)
    layer = viewer.add_image(np.zeros((5, 20, 30)))
    with pytest.raises(LayerError, match="switch napari to 2D"):
        displayed_plane(layer, viewer.dims)


def test_only_the_plane_of_a_dask_stack_is_computed() -> None:
    touched = []

    def load(block_info=None):
        touched.append(block_info[None]["chunk-location"][0])
        return np.full((1, 20, 30), touched[-1], np.uint8)

    stack = da.map_blocks(load, chunks=((1,) * 6, (20,), (30,)), dtype=np.uint8)
    viewer = ViewerModel()
    layer = viewer.add_image(stack, contrast_limits=(0, 255))
    viewer.dims.set_point(0, 4)
    plane = displayed_plane(layer, viewer.dims)
    touched.clear()
    assert (read_plane(layer.data, plane, False) == 4).all()
    assert set(touched) == {4}


def test_coarse_level_is_enough_for_the_model() -> None:
    levels = [np.full((4096 >> k, 6144 >> k), k, np.uint8) for k in range(4)]
    viewer = ViewerModel()
    layer = viewer.add_image(levels, multiscale=True, contrast_limits=(0, 4))
    plane = displayed_plane(layer, viewer.dims)
    assert plane.shape == (4096, 6144)
    source = snapshot(layer, plane, 0)
    assert source.data.shape == (1024, 1536)
    assert source.read().plane_shape == (4096, 6144)


@pytest.mark.parametrize(
    ("dtype", "top"), [(np.uint8, 255), (np.uint16, 65535), (np.float32, 1)]
)
def test_colours_as_napari_shows_them(dtype, top) -> None:
    layer = Image(np.full((8, 8, 3), top / 2).astype(dtype), rgb=True)
    viewer = ViewerModel()
    viewer.add_layer(layer)
    tensor = snapshot(layer, displayed_plane(layer, viewer.dims), 0).read().tensor
    assert tensor[0, 0, 5, 5] == pytest.approx((0.5 - 0.485) / 0.229, abs=0.02)


def test_token_tells_every_change() -> None:
    viewer = ViewerModel()
    layer = viewer.add_image(np.zeros((5, 20, 30)), contrast_limits=(0, 1))
    plane = displayed_plane(layer, viewer.dims)
    tokens = [snapshot(layer, plane, 0).token]
    layer.contrast_limits = (0, 0.5)
    tokens.append(snapshot(layer, plane, 0).token)
    layer.gamma = 0.7
    tokens.append(snapshot(layer, plane, 0).token)
    tokens.append(snapshot(layer, plane, 1).token)
    viewer.dims.set_point(0, 4)
    tokens.append(snapshot(layer, displayed_plane(layer, viewer.dims), 1).token)
    assert len(set(tokens)) == 5
    assert snapshot(layer, plane, 1) == snapshot(layer, plane, 1)
