"""What is read for the model: of one layer or of several, and only the crop."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import dask.array as da
import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_sam21.core.geometry import Region, whole_plane
from napari_sam21.core.preprocess import ModelInput, prepare
from napari_sam21.layers.look import COMPOSITE, SHOWN, STRETCHED, Looks
from napari_sam21.layers.planes import displayed_plane
from napari_sam21.layers.sight import Sight

SHAPE = (60, 80)


class Heard:
    """A sight of the first layer of a viewer, and what it calls."""

    def __init__(self, viewer: ViewerModel, looks: Looks | None = None) -> None:
        self.viewer = viewer
        self.looks = looks or Looks()
        self.calls: list[str] = []
        self.later: list[Callable[[], None]] = []
        self.image = viewer.layers[0]
        self.sight = Sight(
            viewer,
            self.image,
            self.looks,
            self.later.append,
            seen=lambda: self.calls.append("seen"),
            edited=lambda: self.calls.append("edited"),
            chosen=lambda: self.calls.append("chosen"),
            say=self.calls.append,
        )

    def source(self, region: Region | None = None) -> Any:
        plane = displayed_plane(self.image, self.viewer.dims)
        return self.sight.source(plane, 0, region or whole_plane(plane.shape))

    def read(self, region: Region | None = None) -> ModelInput:
        return self.source(region).read()

    def turn(self) -> None:
        later, self.later[:] = list(self.later), []
        for call in later:
            call()


@pytest.fixture
def colours() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (*SHAPE, 3), np.uint8)


@pytest.fixture
def split(colours: np.ndarray) -> Heard:
    """Three layers: the channels of a picture."""
    viewer = ViewerModel()
    for channel, name in enumerate(("red", "green", "blue")):
        viewer.add_image(
            colours[..., channel].copy(),
            colormap=name,
            name=name,
            contrast_limits=(0, 255),
        )
    return Heard(viewer)


def test_as_shown_at_first(split, colours) -> None:
    assert split.sight.mode == SHOWN
    expected = prepare(colours[..., 0], contrast_limits=(0, 255))
    assert split.read().digest == expected.digest


def test_a_composite_is_the_picture(split, colours) -> None:
    split.sight.choose(COMPOSITE)
    assert split.calls == ["chosen"]
    assert split.read().digest == prepare(colours).digest


def test_a_region_of_a_composite_is_that_region_of_the_picture(split, colours) -> None:
    split.sight.choose(COMPOSITE)
    region = Region(10, 20, 50, 75)
    found, expected = split.read(region), prepare(colours, region=region)
    assert (found.digest, found.region) == (expected.digest, region)
    assert found.plane_shape == SHAPE


def test_a_magenta_layer_is_read_once(colours) -> None:
    viewer = ViewerModel()
    touched = []

    def load(block: np.ndarray) -> np.ndarray:
        touched.append(block.shape)
        return block

    lazy = da.from_array(colours[..., 0], chunks=SHAPE).map_blocks(
        load, dtype=np.uint8, meta=np.zeros((0, 0), np.uint8)
    )
    viewer.add_image(lazy, colormap="magenta", contrast_limits=(0, 255))
    viewer.add_image(colours[..., 1], colormap="green", contrast_limits=(0, 255))
    heard = Heard(viewer)
    heard.sight.choose(COMPOSITE)
    touched.clear()
    found = heard.read()
    assert touched == [SHAPE]
    assert found.digest == prepare(colours[..., [0, 1, 0]]).digest


def test_percentiles_are_of_the_region_and_heed_no_limits() -> None:
    viewer = ViewerModel()
    data = np.arange(SHAPE[0] * SHAPE[1], dtype=np.uint16).reshape(SHAPE)
    layer = viewer.add_image(data, contrast_limits=(0, 1))
    heard = Heard(viewer)
    heard.sight.choose(STRETCHED)
    region = Region(10, 20, 50, 75)
    token = heard.source(region).token
    expected = prepare(data[10:50, 20:75])
    assert heard.read(region).digest == expected.digest
    layer.contrast_limits, layer.gamma = (0, 3000), 0.5
    assert heard.source(region).token == token
    heard.sight.choose(SHOWN)
    assert heard.source(region).token != token


def test_each_level_of_each_channel_that_is_needed_and_no_more() -> None:
    """Pyramids of different depth over one grid."""
    full = np.random.default_rng(0).integers(0, 255, (4096, 4096), np.uint8)
    touched: list[tuple[int, ...]] = []

    def level(step: int) -> Any:
        def load(block: np.ndarray) -> np.ndarray:
            touched.append((step, *block.shape))
            return block

        chunked = da.from_array(full[::step, ::step], chunks=256)
        return chunked.map_blocks(load, dtype=np.uint8, meta=np.zeros((0, 0), np.uint8))

    viewer = ViewerModel()
    options = {"multiscale": True, "contrast_limits": (0, 255)}
    viewer.add_image([level(1), level(2), level(4)], **options)
    viewer.add_image([level(1), level(2)], **options)
    heard = Heard(viewer)
    heard.sight.choose(COMPOSITE)
    touched.clear()
    found = heard.read(Region(1024, 1024, 2048, 2048))
    assert {step for step, *_ in touched} == {1}
    assert len(touched) == 2 * 4 * 4, "blocks of the crop, of two layers"
    crop = full[1024:2048, 1024:2048]
    expected = prepare(np.stack([crop, crop, np.zeros_like(crop)], axis=-1))
    np.testing.assert_array_equal(found.tensor, expected.tensor)
    touched.clear()
    heard.read()
    assert {step for step, *_ in touched} == {4, 2}, "1024 pixels are enough"


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0), (2, 1, 0)])
def test_every_slice_and_order_of_a_stack(order) -> None:
    data = np.random.default_rng(1).integers(0, 255, (2, 12, 20, 30), np.uint8)
    viewer = ViewerModel()
    for each in data:
        viewer.add_image(each, scale=(3, 0.5, 0.5), contrast_limits=(0, 255))
    heard = Heard(viewer)
    heard.sight.choose(COMPOSITE)
    viewer.dims.order = order
    hidden = order[0]
    step = 7
    viewer.dims.set_point(hidden, step * heard.image.scale[hidden])
    planes = [np.take(each, step, axis=hidden) for each in data]
    if order[1] > order[2]:
        planes = [each.T for each in planes]
    expected = prepare(np.stack([*planes, np.zeros_like(planes[0])], axis=-1))
    np.testing.assert_array_equal(heard.read().tensor, expected.tensor)


def change_in_place(layer: Image) -> None:
    layer.data[:30] = 9
    layer.refresh()


def edit_while_hidden(layer: Image) -> None:
    layer.visible = False
    layer.data[:30] = 9
    layer.refresh()
    layer.visible = True


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize(
    "change",
    [
        lambda layer: setattr(layer, "contrast_limits", (0, 90)),
        lambda layer: setattr(layer, "gamma", 0.5),
        lambda layer: setattr(layer, "data", layer.data[::-1].copy()),
        change_in_place,
        edit_while_hidden,
    ],
    ids=["contrast", "gamma", "data", "in place", "while hidden"],
)
def test_the_token_tells_every_change_of_every_channel(split, change, number) -> None:
    split.sight.choose(COMPOSITE)
    before, digest = split.source().token, split.read().digest
    split.calls.clear()
    change(split.viewer.layers[number])
    assert split.source().token != before
    assert split.read().digest != digest
    # Of the image itself the editor hears without our help.
    assert bool(split.calls) == (number > 0)


def test_colours_that_are_exchanged_are_another_picture(split) -> None:
    red, green, blue = split.viewer.layers
    split.sight.choose(COMPOSITE, (red, green, blue))
    before = split.source().token
    split.sight.choose(COMPOSITE, (red, blue, green))
    assert split.source().token != before


def test_edited_while_it_was_no_channel(split) -> None:
    """Nobody listened meanwhile: what was known of it is not used again."""
    split.sight.choose(COMPOSITE)
    before = split.source().token
    split.sight.choose(SHOWN)
    change_in_place(split.viewer.layers[1])
    split.sight.choose(COMPOSITE)
    assert split.source().token != before


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda v: v.layers.remove("green"), "'green', a channel .* was removed"),
        (lambda v: setattr(v.layers[1], "data", np.zeros((5, 5))), "has shape"),
        (lambda v: setattr(v.layers[1], "scale", (2, 2)), "has another scale"),
        (lambda v: setattr(v.layers[0], "translate", (2, 2)), "has another scale"),
        (lambda v: setattr(v.layers[0], "data", np.zeros((5, 5))), "has shape"),
    ],
    ids=["removed", "shape", "scale", "the image moved", "the image's shape"],
)
def test_a_channel_that_does_not_fit_any_more_ends_the_composite(
    split, colours, change, word
) -> None:
    split.sight.choose(COMPOSITE)
    split.calls.clear()
    change(split.viewer)
    assert split.source().token == split.source().token
    assert not hasattr(split.source(), "channels"), "at once"
    split.turn()
    assert split.sight.mode == SHOWN
    said = next(each for each in split.calls if "as shown again" in each)
    assert re.search(word, said)
    assert split.calls[-1] == "edited"
    assert split.looks.of(split.image).mode == SHOWN


def test_linked_layers_that_move_together_stay_a_composite(split) -> None:
    split.sight.choose(COMPOSITE)
    split.viewer.layers.link_layers(split.viewer.layers, ("scale",))
    split.viewer.layers[1].scale = (3, 3)
    split.turn()
    assert split.sight.mode == COMPOSITE
    assert hasattr(split.source(), "channels")


def test_a_refused_choice_changes_nothing(split) -> None:
    token = split.source().token
    with pytest.raises(ValueError, match="at least one channel"):
        split.sight.choose(COMPOSITE, (None, None, None))
    assert (split.sight.mode, split.calls) == (SHOWN, [])
    assert split.source().token == token


def test_a_choice_is_remembered(split) -> None:
    red, green, _ = split.viewer.layers
    split.sight.choose(COMPOSITE, (green, red, None))
    split.sight.close()
    again = Heard(split.viewer, split.looks)
    again.turn()
    assert (again.sight.mode, again.sight.channels) == (COMPOSITE, (green, red, None))
    again.sight.choose(SHOWN)
    again.sight.choose(COMPOSITE)
    assert again.sight.channels == (green, red, None), "and those of the last composite"
    assert again.sight.holds(red)


def test_a_channel_that_went_while_nobody_looked(split) -> None:
    split.sight.choose(COMPOSITE)
    split.sight.close()
    split.viewer.layers.remove("green")
    again = Heard(split.viewer, split.looks)
    assert not hasattr(again.source(), "channels")
    again.turn()
    assert again.sight.mode == SHOWN
    assert "A channel of the composite was removed" in again.calls[0]


def test_closed_it_hears_nothing(split) -> None:
    split.sight.choose(COMPOSITE)
    split.sight.close()
    split.calls.clear()
    split.viewer.layers[1].gamma = 0.3
    split.viewer.layers.remove("blue")
    split.turn()
    assert split.calls == []
