"""Which layers can be channels of one picture, and which colours suit them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from napari_sam21.core.errors import LayerError
from napari_sam21.layers.look import COLOURS
from napari_sam21.layers.placement import same_place
from napari_sam21.layers.planes import level_shape

if TYPE_CHECKING:
    from napari.layers import Image, Layer

STRONG, WEAK = 0.75, 0.3
"""Of a colour's largest part: what counts as part of its hue, and what spoils it."""

Channels = tuple["Image | None", ...]
"""Red, green, blue; one layer may be several of them (magenta is red and blue)."""


def check_channels(channels: Channels, image: Image) -> None:
    """Refuse layers that cannot be shown as one picture, on the grid of an image.

    Raises
    ------
    LayerError
        Naming the layer, what is wrong with it and what to do.
    """
    members = members_of(channels)
    if not members:
        raise LayerError(
            "a composite needs at least one channel: choose an image layer for "
            "Red, Green or Blue"
        )
    for layer in members:
        problem = problem_of(layer, image)
        if problem:
            raise LayerError(f"Image layer {layer.name!r} {problem}")


def members_of(channels: Channels) -> list[Image]:
    """Return the layers of a composite, each of them once."""
    found: list[Image] = []
    for layer in channels:
        if layer is not None and layer not in found:
            found.append(layer)
    return found


def problem_of(layer: Image, image: Image) -> str:
    """Say why a layer cannot be a channel beside an image; empty if it can."""
    if layer.rgb:
        return (
            "is RGB, and a channel is grey: choose another, or split it (right-click "
            "it in the layer list, Split RGB)"
        )
    shape, expected = level_shape(layer), level_shape(image)
    if shape != expected:
        return (
            f"has shape {shape}, {image.name!r} has {expected}: choose a channel of "
            "the same shape, or resample it"
        )
    if not same_place(image, layer):
        return (
            f"has another scale, translation or rotation than {image.name!r}: give it "
            "the same, or choose another"
        )
    return ""


def fitting(layers: Iterable[Layer], image: Image) -> list[Image]:
    """Return the image layers that can be channels beside an image, in their order."""
    from napari.layers import Image

    images = (each for each in layers if isinstance(each, Image))
    return [each for each in images if not problem_of(each, image)]


def propose(layers: Iterable[Layer], image: Image) -> Channels:
    """Give layers the colours in which the user sees them.

    Visible layers count, if there are two. A blue layer becomes blue, a magenta one red
    and blue as far as these are free; layers without a hue take what is left, in the
    order of the list.

    Raises
    ------
    LayerError
        If no other layer fits the image.
    """
    found = fitting(layers, image)
    if all(each == image for each in found):
        raise LayerError(
            f"no other grey image layer has the shape and the place of {image.name!r}: "
            "open each channel as a layer of its own (right-click a stack in the layer "
            "list, Split Stack)"
        )
    shown = [each for each in found if each.visible]
    return _assign(shown if len(shown) > 1 else found, image)


def _assign(layers: Sequence[Image], image: Image) -> Channels:
    chosen: dict[int, Image] = {}
    rest = []
    # Pure hues first: a blue layer takes blue before a magenta one does.
    for layer in sorted(layers, key=lambda each: len(_hue(each))):
        free = [colour for colour in _hue(layer) if colour not in chosen]
        chosen.update(dict.fromkeys(free, layer))
        if not free:
            rest.append(layer)
    free = [colour for colour in range(len(COLOURS)) if colour not in chosen]
    rest = _some(sorted(rest, key=layers.index), len(free), image)
    chosen.update(zip(free, rest, strict=False))
    return tuple(chosen.get(colour) for colour in range(len(COLOURS)))


def _some(layers: Sequence[Image], count: int, image: Image) -> list[Image]:
    """Some layers, in their order: the first ones, and by all means the image."""
    spare = max(count - (image in layers), 0)
    kept = [each for each in layers if each != image][:spare]
    return [each for each in layers if each == image or each in kept]


def _hue(layer: Image) -> tuple[int, ...]:
    """Colours in which bright pixels of a layer are drawn: none if it has no hue."""
    ends = layer.colormap.map(np.array([0.0, 1.0]))[:, :3]
    if np.ptp(ends[0]) > WEAK or ends[1].min() > WEAK * ends[1].max():
        return ()  # from a colour to another (viridis), or grey
    return tuple(np.flatnonzero(ends[1] > STRONG * ends[1].max()).tolist())
