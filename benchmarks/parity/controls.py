"""Negative controls: mistakes that the comparison must notice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

import napari_sam21 as sam
from benchmarks.parity.cases import CASES
from benchmarks.parity.images import UInt8, as_rgb
from benchmarks.parity.measure import GREY_LIMITS, Change, encode
from napari_sam21.core.geometry import MODEL_SIDE
from napari_sam21.core.preprocess import IMAGENET_MEAN, IMAGENET_STD, prepare

Encode = Callable[[sam.Model, UInt8], sam.Embedding]


CONTROL_CASES = tuple(
    case
    for case in CASES
    if case.name in ("one point", "box", "mask fed back, three rounds")
)
"""What is asked with each mistake."""


@dataclass(frozen=True)
class Control:
    """One mistake.

    Attributes
    ----------
    name : str
    what : str
        What is done, in words.
    applies : callable
        Whether the mistake changes anything for an image of (H, W).
    encode : callable
        How the image is embedded.
    change : callable, optional
        How the prompts are changed.
    """

    name: str
    what: str
    applies: Callable[[tuple[int, int]], bool]
    encode: Encode
    change: Change | None = None


def letterboxed(model: sam.Model, image: UInt8) -> sam.Embedding:
    """Pad to a square below and to the right, as darktable does."""
    height, width = image.shape[:2]
    side = max(height, width)
    padding = [(0, side - height), (0, side - width), (0, 0)][: image.ndim]
    return encode(model, np.pad(image, padding))


def not_antialiased(model: sam.Model, image: UInt8) -> sam.Embedding:
    """Resize bilinearly without antialias, as cv2.INTER_LINEAR does."""
    rgb = torch.from_numpy(as_rgb(image)).permute(2, 0, 1)[None].float() / 255
    small = functional.interpolate(
        rgb, (MODEL_SIDE, MODEL_SIDE), mode="bilinear", align_corners=False
    )
    mean, std = (
        np.array(values, np.float32).reshape(1, 3, 1, 1)
        for values in (IMAGENET_MEAN, IMAGENET_STD)
    )
    tensor = (small.numpy() - mean) / std
    model_input = prepare(image, contrast_limits=GREY_LIMITS)
    return model.encode_input(replace(model_input, tensor=tensor, digest="control"))


def half_a_pixel_off(model: sam.Model, image: UInt8) -> sam.Embedding:
    """Read the image half a pixel further down and to the right."""
    return encode(model, _halfway(_halfway(image.astype(np.float32), 0), 1))


def _halfway(image: npt.NDArray[np.float32], axis: int) -> npt.NDArray[np.float32]:
    """Interpolate between each pixel and the next one along an axis."""
    last = np.take(image, [-1], axis)
    following = np.concatenate([np.delete(image, 0, axis), last], axis)
    return (image + following) / 2


def points_half_a_pixel_off(prompts: sam.Prompts) -> sam.Prompts:
    """Add half a pixel to every coordinate, as if the graph did not do so itself."""
    points = [(row + 0.5, column + 0.5) for row, column in prompts.points_rc]
    box = None if prompts.box_rc is None else [edge + 0.5 for edge in prompts.box_rc]
    return sam.Prompts(points, prompts.point_labels, box)


CONTROLS = (
    Control(
        "letterboxed",
        "padded to a square instead of squashed",
        lambda shape: shape[0] != shape[1],
        letterboxed,
    ),
    Control(
        "no antialias",
        "plain bilinear resize; images with a side above 1024",
        lambda shape: max(shape) > MODEL_SIDE,
        not_antialiased,
    ),
    Control(
        "image half a pixel off",
        "read half a pixel further down and right",
        lambda shape: True,
        half_a_pixel_off,
    ),
    Control(
        "prompts half a pixel off",
        "half a pixel added to rows and columns",
        lambda shape: True,
        encode,
        points_half_a_pixel_off,
    ),
)
