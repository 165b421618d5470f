"""Labels cut out by the blocks where they are, and drawn anew."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_sam21.core import census
from napari_sam21.core.census import Census, blocks_in, count_blocks
from napari_sam21.core.crops import Crop
from napari_sam21.layers.batch import PlaneLabels
from napari_sam21.layers.label_array import LabelArray
from napari_sam21.layers.planes import displayed_plane
from napari_sam21.layers.replacing import Replacing, crop_on
from napari_sam21.layers.spotting import bring_into_view
from napari_sam21.layers.writing import do


def counted(data: np.ndarray) -> Census:
    found = Census()
    blocks = list(blocks_in([slice(0, size) for size in data.shape]))
    for block, counts in count_blocks(data, blocks).items():
        found.put(block, counts)
    return found


@pytest.fixture
def labels(monkeypatch: pytest.MonkeyPatch):
    """A stack of random labels, in blocks smaller than its planes."""
    monkeypatch.setattr(census, "SIDE", 8)
    data = np.random.default_rng(0).integers(0, 4, (3, 20, 4, 18)).astype(np.uint16)
    viewer = ViewerModel()
    return viewer, viewer.add_labels(data)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (2, 0, 3, 1), (3, 1, 0, 2)])
def test_a_label_of_any_plane_is_cut_out(labels, order) -> None:
    viewer, layer = labels
    viewer.dims.order = order
    for axis in range(4):
        viewer.dims.set_point(axis, 1)
    plane = displayed_plane(layer, viewer.dims)
    whole = PlaneLabels(LabelArray.of(layer), plane)
    for label in (1, 2, 3, 9):
        found = crop_on(layer, counted(layer.data), label, plane)
        expected = whole.crop(label)
        assert bool(found) == bool(expected)
        assert np.array_equal(found.mask, expected.mask)
        assert not expected or found.origin_rc == expected.origin_rc


@pytest.mark.parametrize("policy", ["keep", "overwrite"])
def test_what_it_was_gives_way(labels, policy: str) -> None:
    viewer, layer = labels
    plane = displayed_plane(layer, viewer.dims)
    shown = PlaneLabels(LabelArray.of(layer), plane)
    before, others = np.array(shown[:, :]), layer.data.copy()
    new = np.zeros(plane.shape, bool)
    new[1:3, 3:9] = True
    old = crop_on(layer, counted(layer.data), 2, plane)
    writing = Replacing(layer, plane, old, Crop.of(new), 2, policy)
    assert writing.possible()
    do(writing.steps())
    free = new if policy == "overwrite" else new & np.isin(before, (0, 2))
    after = np.array(shown[:, :])
    assert np.array_equal(after == 2, free)
    kept = ~free & (before != 2)
    assert np.array_equal(after[kept], before[kept])
    elsewhere = np.ones(len(others), bool)
    elsewhere[dict(plane.hidden)[0]] = False
    assert np.array_equal(layer.data[elsewhere], others[elsewhere])


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 1, 0)])
def test_a_label_comes_into_view_in_any_order_of_axes(monkeypatch, order) -> None:
    monkeypatch.setattr(census, "SIDE", 8)
    data = np.zeros((6, 20, 20), np.uint16)
    data[4, 15:18, 2:5] = 7
    viewer = ViewerModel()
    layer = viewer.add_labels(data, scale=(3, 1, 0.5))
    viewer.dims.order = order
    bring_into_view(viewer, layer, counted(data), 7)
    axis, index = displayed_plane(layer, viewer.dims).hidden[0]
    assert (np.take(data, index, axis) == 7).any()
    bring_into_view(viewer, layer, counted(data), 8)  # is nowhere: nothing moves
    assert displayed_plane(layer, viewer.dims).hidden[0] == (axis, index)
