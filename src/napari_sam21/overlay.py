"""A picture of masks and clicks over an image, for people to judge."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 1024
"""Small images are magnified until their longer side is at least this, in pixels."""
MARK = 4
"""Radius of the mark of a click, in pixels of the picture."""
TINT = 0.35
"""Share of an object's colour inside its outline."""
COLOURS = np.array(
    [
        (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66),
        (0, 114, 178), (213, 94, 0), (204, 121, 167),
    ],
    dtype=np.float32,
)  # fmt: skip
"""Colours of Okabe and Ito, told apart by everyone."""


def draw(
    image: npt.NDArray[np.uint8],
    labels: npt.NDArray[np.integer[Any]],
    clicks_rc: Sequence[tuple[float, float]],
    limits: tuple[float, float] | None = None,
) -> Image:
    """Draw labels, their outlines and the clicks over an image.

    Parameters
    ----------
    image : array of uint8, shape (H, W) or (H, W, 3)
    labels : array of int, shape (H, W)
        0 is background.
    clicks_rc : sequence of (float, float)
        Row and column in the image; an integer is the centre of a pixel.
    limits : (float, float), optional
        Intensities shown black and white. Default: as they are.

    Returns
    -------
    PIL.Image.Image
        RGB, magnified by a whole number.
    """
    from PIL import Image, ImageDraw

    shown = _as_rgb(image, limits)
    zoom = ceil(SIDE / max(shown.shape))
    size = (shown.shape[1] * zoom, shown.shape[0] * zoom)
    pixels = np.array(Image.fromarray(shown).resize(size), dtype=np.float32)
    _tint(pixels, labels.repeat(zoom, axis=0).repeat(zoom, axis=1))
    picture = Image.fromarray(pixels.round().astype(np.uint8))
    pen = ImageDraw.Draw(picture)
    for click in clicks_rc:
        row, column = ((rc + 0.5) * zoom for rc in click)
        box = (column - MARK, row - MARK, column + MARK, row + MARK)
        pen.ellipse(box, fill="white", outline="black", width=2)
    return picture


def _as_rgb(
    image: npt.NDArray[np.uint8], limits: tuple[float, float] | None
) -> npt.NDArray[np.uint8]:
    if image.ndim == 3:
        return image
    low, high = limits or (0, 255)
    scaled = (image.astype(np.float32) - low) * (255 / max(high - low, 1e-6))
    return np.stack([scaled.clip(0, 255).round().astype(np.uint8)] * 3, axis=-1)


def _tint(
    pixels: npt.NDArray[np.float32], labels: npt.NDArray[np.integer[Any]]
) -> None:
    """Colour the objects in place: lightly inside, fully along the outline."""
    from skimage.segmentation import find_boundaries

    colours = COLOURS[labels % len(COLOURS)]
    inside, outline = labels > 0, find_boundaries(labels, mode="inner")
    pixels[inside] = (1 - TINT) * pixels[inside] + TINT * colours[inside]
    pixels[outline] = colours[outline]
