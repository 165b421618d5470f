"""The naive baseline: a flood fill, as paint programs have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from skimage.segmentation import flood

import napari_sam21 as sam
from training.evaluation.drawn import (
    Drawn,
    Grey,
    Pixel,
    as_grey,
    inside_of,
    pixels_of,
    window_of,
)
from training.evaluation.patches import Mask, Window, slices

FIRST_REACH = 32
"""Pixels around a click that are flooded first; most floods stay inside."""


@dataclass(frozen=True)
class Flood:
    """A paint program's magic wand: connected pixels of nearly the clicked grey.

    Parameters
    ----------
    tolerance : float
        Largest difference from the clicked pixel, of the image's range 0 … 1. The
        default was the best of .05, .1, .15, .2, .3 on *train* images (one click on a
        fourth of the objects of each tenth image).
    """

    tolerance: float = 0.2

    def encode(self, image: npt.NDArray[Any]) -> Grey:
        """Return the smoothed grey image, 0 … 1."""
        return as_grey(image)

    def decode(
        self, embedding: Grey, prompts: sam.Prompts, previous: object = None
    ) -> Drawn:
        """Join floods by sign; what both signs flood goes to the nearer click."""
        shape = embedding.shape
        inside, outside = pixels_of(prompts, shape)
        window = window_of(prompts, shape)
        if not inside and window is not None:
            middle = (window[0] + window[2]) // 2, (window[1] + window[3]) // 2
            inside = [middle]
        known = previous.floods if isinstance(previous, Drawn) else {}
        floods = {p: self.fill(embedding, p, known) for p in (*inside, *outside)}
        mask, other = (
            joined([floods[p] for p in each], shape) for each in (inside, outside)
        )
        mask[~nearer(mask & other, inside, outside)] = False
        bounded = mask if window is None else mask & inside_of(window, shape)
        return Drawn(bounded, floods)

    def fill(self, grey: Grey, pixel: Pixel, known: Mapping[Pixel, Mask]) -> Mask:
        """Flood from a pixel, unless that was done before."""
        if pixel in known:
            return known[pixel]
        mask, reach = np.zeros(grey.shape, bool), FIRST_REACH
        while True:
            around = window_around(pixel, reach, grey.shape)
            cut = slices(around, (0, 0))
            seed = pixel[0] - around[0], pixel[1] - around[1]
            mask[cut] = flood(grey[cut], seed, tolerance=self.tolerance)
            if not leaves(mask, around):
                return mask
            reach *= 4


def window_around(pixel: Pixel, reach: int, shape: tuple[int, ...]) -> Window:
    """Return a window around a pixel, cut off at the image's borders."""
    row, column = pixel
    return (
        max(row - reach, 0), max(column - reach, 0),
        min(row + reach + 1, shape[0]), min(column + reach + 1, shape[1]),
    )  # fmt: skip


def leaves(mask: Mask, window: Window) -> bool:
    """Whether a mask touches a border of a window that is not one of the image."""
    r0, c0, r1, c1 = window
    height, width = mask.shape
    return bool(
        (r0 > 0 and mask[r0, c0:c1].any())
        or (c0 > 0 and mask[r0:r1, c0].any())
        or (r1 < height and mask[r1 - 1, c0:c1].any())
        or (c1 < width and mask[r0:r1, c1 - 1].any())
    )


def joined(masks: list[Mask], shape: tuple[int, ...]) -> Mask:
    """Return the union of masks."""
    return np.logical_or.reduce(masks) if masks else np.zeros(shape, bool)


def nearer(disputed: Mask, inside: list[Pixel], outside: list[Pixel]) -> Mask:
    """Return where a disputed pixel is nearer to a positive click; True elsewhere."""
    won, (rows, columns) = ~disputed, np.nonzero(disputed)
    if len(rows) and inside:
        to_inside, to_outside = (
            np.min([(rows - r) ** 2 + (columns - c) ** 2 for r, c in each], axis=0)
            for each in (inside, outside)
        )
        won[disputed] = to_inside <= to_outside
    return won
