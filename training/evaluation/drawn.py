"""What the baselines share: a grey image, pixels of prompts, a mask as the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter
from skimage.color import rgb2gray

import napari_sam21 as sam
from training.evaluation.patches import Mask, Window

Grey = npt.NDArray[np.float64]
Pixel = tuple[int, int]

SMOOTHING = 1.0
"""Sigma in pixels of the blur before anything else, against noise."""
PERCENTILES = (0.1, 99.9)
"""Intensities that become 0 and 1, as in the package."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """The one answer of a baseline: a mask (H, W); it predicts no IoU.

    ``floods`` are those of the clicks so far, so that none is filled twice.
    """

    mask: Mask
    floods: Mapping[Pixel, Mask] = field(default_factory=dict)

    @property
    def scores(self) -> npt.NDArray[np.float32]:
        """No predicted IoU."""
        return np.full(1, np.nan, np.float32)

    @property
    def best(self) -> int:
        """The only candidate."""
        return 0

    def crop(self, index: int | None = None) -> tuple[Mask, Pixel]:
        """Return the mask in its bounding box, and the box's corner."""
        rows = np.flatnonzero(self.mask.any(axis=1))
        if not rows.size:
            return self.mask[:0, :0], (0, 0)
        columns = np.flatnonzero(self.mask.any(axis=0))
        tight = self.mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        return tight, (int(rows[0]), int(columns[0]))


def as_grey(image: npt.NDArray[Any]) -> Grey:
    """Return a smoothed grey image, its robust range mapped to 0 … 1."""
    grey = rgb2gray(image[..., :3]) if image.ndim == 3 else image
    grey = gaussian_filter(np.asarray(grey, np.float64), SMOOTHING)
    low, high = np.percentile(grey, PERCENTILES)
    scaled: Grey = np.clip((grey - low) / max(high - low, 1e-9), 0, 1)
    return scaled


def pixels_of(
    prompts: sam.Prompts, shape: tuple[int, ...]
) -> tuple[list[Pixel], list[Pixel]]:
    """Return the pixels of the positive and of the negative points."""
    positive, negative = (
        [
            (min(round(row), shape[0] - 1), min(round(column), shape[1] - 1))
            for row, column in prompts.points_of(sign)
        ]
        for sign in (1, 0)
    )
    return positive, negative


def window_of(prompts: sam.Prompts, shape: tuple[int, ...]) -> Window | None:
    """Return the box as a half-open window of whole pixels, or None."""
    if prompts.box_rc is None:
        return None
    r0, c0, r1, c1 = (round(edge) for edge in prompts.box_rc)
    return max(r0, 0), max(c0, 0), min(r1, shape[0]), min(c1, shape[1])


def inside_of(window: Window, shape: tuple[int, ...]) -> Mask:
    """Return a mask of a window."""
    mask = np.zeros(shape, bool)
    mask[window[0] : window[2], window[1] : window[3]] = True
    return mask
