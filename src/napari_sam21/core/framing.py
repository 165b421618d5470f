"""Regions around objects, and regions that a small plane does not fill.

A plane of 60 pixels stretched to the model's 1024 is a blur: `starter` reaches an IoU
of .19 after one click there. Shown as the middle of a square of 256, the rest filled
with its median, the same click reaches .7.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from napari_sam21.core.crops import Window, around, common_window
from napari_sam21.core.embedding import Embedding
from napari_sam21.core.geometry import Region, whole_plane
from napari_sam21.core.intensities import intensity_limits
from napari_sam21.core.preprocess import (
    ModelInput,
    as_plane,
    prepare_crop,
)
from napari_sam21.core.regions import FINEST, Rect, choose_region, side_of
from napari_sam21.core.runtime import Cancellation
from napari_sam21.core.sam2 import Model

CONTEXT = 1.0
"""Of an object's size, seen on each side of it."""


def framed(region: Region) -> Region:
    """Return a region grown to at least the side of the finest level, about its middle.

    Only regions of planes smaller than that grow, and they reach beyond the plane.
    """
    rows = _at_least(region.r0, region.r1)
    columns = _at_least(region.c0, region.c1)
    return Region(rows[0], columns[0], rows[1], columns[1])


def _at_least(start: int, stop: int) -> tuple[int, int]:
    least = side_of(FINEST)
    if stop - start >= least:
        return start, stop
    first = (start + stop - least) // 2
    return first, first + least


def region_about(
    plane_shape: tuple[int, int], windows: Sequence[Window], context: float = CONTEXT
) -> Region:
    """Return the smallest region that shows objects with what is about them.

    Parameters
    ----------
    plane_shape : (int, int)
        (H, W).
    windows : sequence of Window
        Bounding boxes of the objects, plane frame; none is the whole plane.
    context : float
        Of the objects' extent, on each side.

    Returns
    -------
    Region
        Of the fixed pyramid; of a small plane, `framed`.
    """
    if not windows:
        return framed(whole_plane(plane_shape))
    r0, c0, r1, c1 = around(windows)
    largest = max(max(r - t, c - u) for t, u, r, c in windows)
    more = context * largest
    view = Rect(r0 - more, c0 - more, r1 + more, c1 + more)
    return framed(choose_region(plane_shape, view))


def prepare_framed(
    image: npt.ArrayLike,
    region: Region,
    *,
    contrast_limits: tuple[float, float] | None = None,
    gamma: float = 1.0,
) -> ModelInput:
    """Prepare a region that may reach beyond the plane; what lies there is the median.

    Parameters
    ----------
    image : array of any real dtype, shape (H, W) or (H, W, 3 or 4)
    region : Region
        See `framed`; it must hold some of the plane.
    contrast_limits, gamma
        As for `core.preprocess.prepare`.

    Raises
    ------
    ImageError
        If the pixels, limits or gamma cannot be used.
    """
    pixels = as_plane(image)
    shape = (pixels.shape[0], pixels.shape[1])
    limits = intensity_limits(pixels, contrast_limits)
    inside = on_plane(region, shape)
    crop = pixels[inside.r0 : inside.r1, inside.c0 : inside.c1]
    return prepare_crop(filled(crop, inside, region), region, shape, limits, gamma)


def on_plane(region: Region, shape: tuple[int, int]) -> Region:
    """Return the part of a region that lies on a plane; if none does, the plane."""
    inside = common_window(region, whole_plane(shape))
    return whole_plane(shape) if inside is None else Region(*inside)


def filled(
    crop: npt.NDArray[np.generic], inside: Region, region: Region
) -> npt.NDArray[np.generic]:
    """Surround a crop by its median, of each channel.

    Parameters
    ----------
    crop : array, shape (h, w) or (h, w, channels)
        The pixels of ``inside``, at full resolution.
    inside : Region
        See `on_plane`.
    region : Region
        What the result shows.
    """
    top, bottom = inside.r0 - region.r0, region.r1 - inside.r1
    left, right = inside.c0 - region.c0, region.c1 - inside.c1
    if not any((top, bottom, left, right)):
        return crop
    height, width = crop.shape[:2]
    size = (height + top + bottom, width + left + right, *crop.shape[2:])
    wide = np.empty(size, crop.dtype)
    wide[...] = np.median(np.nan_to_num(crop), axis=(0, 1)).astype(crop.dtype)
    wide[top : top + height, left : left + width] = crop
    return wide


def encode_framed(
    model: Model,
    image: npt.ArrayLike,
    region: Region | None = None,
    contrast_limits: tuple[float, float] | None = None,
    gamma: float = 1.0,
    *,
    cancel: Cancellation | None = None,
) -> Embedding:
    """Embed a plane, or a region of it, never stretched beyond the finest level.

    Parameters
    ----------
    model : Model
    image : array of any real dtype, shape (H, W) or (H, W, 3 or 4)
    region : Region, optional
        May reach beyond the plane. Default: the whole plane, `framed`.
    contrast_limits, gamma, cancel
        As for `Model.encode`.
    """
    pixels = as_plane(image)
    chosen = region or framed(whole_plane((pixels.shape[0], pixels.shape[1])))
    model_input = prepare_framed(
        pixels, Region(*chosen), contrast_limits=contrast_limits, gamma=gamma
    )
    return model.encode_input(model_input, cancel)
