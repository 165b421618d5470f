"""What is heard of a layer: edits count even while it is hidden."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_sam21.layers.watch import LayerWatch


@pytest.fixture
def stack() -> tuple[ViewerModel, LayerWatch]:
    viewer = ViewerModel()
    layer = viewer.add_image(np.zeros((4, 20, 30)), contrast_limits=(0, 1))
    return viewer, LayerWatch(viewer.dims, layer, *[lambda: None] * 3)


def test_a_slice_that_is_moved_to_is_read_again(stack) -> None:
    """It may have been edited while another one was on show, and nobody said so."""
    viewer, watch = stack
    version = watch.version
    viewer.dims.set_point(0, 2)
    assert watch.version != version


def test_an_edit_in_place_is_heard_after_a_refresh(stack) -> None:
    _, watch = stack
    version = watch.version
    watch.image.data[1] = 1
    watch.image.refresh()
    assert watch.version != version


def test_an_edit_while_hidden_is_heard_wherever_the_slider_went(stack) -> None:
    """napari does not refresh what is hidden: it does when it is shown, elsewhere."""
    viewer, watch = stack
    version = watch.version
    watch.image.visible = False
    watch.image.data[:] = 1
    watch.image.refresh()
    viewer.dims.set_point(0, 2)
    watch.image.visible = True
    assert watch.version != version


def test_closed_it_hears_nothing(stack) -> None:
    _, watch = stack
    version = watch.version
    watch.close()
    assert not watch.open
    watch.image.data = np.ones((4, 20, 30))
    assert watch.version == version
