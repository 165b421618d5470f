"""Which layers can be one picture, and which colours they are given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_sam21.core.errors import LayerError
from napari_sam21.layers.composite import check_channels, fitting, propose

SHAPE = (20, 30)


def opened(*colormaps: str) -> tuple[ViewerModel, list[Image]]:
    viewer = ViewerModel()
    return viewer, [
        viewer.add_image(np.zeros(SHAPE), colormap=each, contrast_limits=(0, 1))
        for each in colormaps
    ]


def numbers(channels: Sequence[Image | None], layers: list[Image]) -> list[int | None]:
    return [None if each is None else layers.index(each) for each in channels]


@pytest.mark.parametrize(
    ("colormaps", "expected"),
    [
        (["blue", "green"], [None, 1, 0]),
        (["blue", "green", "red"], [2, 1, 0]),
        (["gray", "gray"], [0, 1, None]),
        (["gray", "gray", "gray", "gray"], [0, 1, 2]),
        (["green", "magenta"], [1, 0, 1]),
        (["cyan", "magenta"], [1, 0, 0]),
        (["magenta", "blue"], [0, None, 1]),
        (["gray", "blue"], [0, None, 1]),
        (["blue", "blue"], [1, None, 0]),
        (["yellow", "red", "green"], [1, 2, 0]),
        (["viridis", "bop blue"], [0, None, 1]),
        (["I Blue", "bop orange"], [1, None, 0]),
    ],
)
def test_colours_are_those_on_show(colormaps, expected) -> None:
    viewer, layers = opened(*colormaps)
    assert numbers(propose(viewer.layers, layers[0]), layers) == expected


def test_the_image_itself_is_one_of_many() -> None:
    viewer, layers = opened(*["gray"] * 5)
    assert numbers(propose(viewer.layers, layers[4]), layers) == [0, 1, 4]


def test_hidden_layers_are_left_out_unless_too_few_are_seen() -> None:
    viewer, layers = opened("gray", "gray", "gray")
    layers[1].visible = False
    assert numbers(propose(viewer.layers, layers[0]), layers) == [0, 2, None]
    layers[2].visible = False
    assert numbers(propose(viewer.layers, layers[0]), layers) == [0, 1, 2]


def test_only_grey_layers_on_the_same_grid_fit() -> None:
    viewer, (image, other) = opened("gray", "gray")
    viewer.add_image(np.zeros((*SHAPE, 3), np.uint8), rgb=True)
    viewer.add_image(np.zeros((21, 30)))
    viewer.add_image(np.zeros((2, *SHAPE)))
    viewer.add_image(np.zeros(SHAPE), scale=(2, 2))
    viewer.add_image(np.zeros(SHAPE), rotate=3)
    viewer.add_labels(np.zeros(SHAPE, int))
    assert fitting(viewer.layers, image) == [image, other]


def test_a_lonely_image_is_told_what_to_do() -> None:
    viewer, (image,) = opened("gray")
    with pytest.raises(LayerError, match="no other grey image layer .* Split Stack"):
        propose(viewer.layers, image)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data": np.zeros((5, 5))}, r"'odd' has shape \(5, 5\), 'Image' has \(20, 30"),
        ({"translate": (0, 3)}, "'odd' has another scale, translation or rotation"),
        (
            {"data": np.zeros((*SHAPE, 3), np.uint8), "rgb": True},
            "'odd' is RGB, .* Split RGB",
        ),
    ],
    ids=["shape", "place", "RGB"],
)
def test_a_layer_that_does_not_fit_is_named(options, message) -> None:
    viewer, (image,) = opened("gray")
    odd = viewer.add_image(**{"data": np.zeros(SHAPE), "name": "odd"} | options)
    with pytest.raises(LayerError, match=message):
        check_channels((image, odd, None), image)


def test_a_composite_of_nothing_is_refused() -> None:
    _, (image,) = opened("gray")
    with pytest.raises(LayerError, match="at least one channel"):
        check_channels((None, None, None), image)
