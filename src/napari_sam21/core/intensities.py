"""Which intensities are black and white, and what lies between: values in [0, 1]."""

from __future__ import annotations

from math import ceil, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_sam21.core.errors import ImageError

PERCENTILES = (0.1, 99.9)
"""Robust limits of grey images for which the caller passes none."""

_INTERPOLATED_AS = {
    np.dtype(found): np.dtype(wider)
    for found, wider in {
        "i1": "i2", "i2": "i4", "i4": "i8", "i8": "f8", "f2": "f4",
    }.items()
}  # fmt: skip
"""numpy interpolates percentiles in the array's own dtype, where the difference of two
far values wraps or overflows."""

SAMPLE_PIXELS = 1 << 22
"""Robust limits look at about this many pixels at most."""

Float32 = npt.NDArray[np.float32]


def intensity_limits(
    pixels: npt.NDArray[np.generic],
    contrast_limits: tuple[float, float] | None = None,
) -> tuple[float, float]:
    """Return the intensities that become 0 and 1 (see `core.preprocess.prepare`).

    Raises
    ------
    ImageError
        If the limits passed are not two ordered finite numbers, or none are passed
        and the pixels hold no finite value.
    """
    if pixels.dtype == bool:
        return 0.0, 1.0
    if pixels.ndim == 3 and pixels.dtype == np.uint8:
        return 0.0, 255.0
    if contrast_limits is not None:
        limits = [float(limit) for limit in contrast_limits]
        if len(limits) != 2 or not 0 <= limits[1] - limits[0] < np.inf:
            raise ImageError(
                f"contrast_limits {contrast_limits} must be two finite numbers, the "
                "lower one first"
            )
        return limits[0], limits[1]
    finite = _finite(pixels)
    if finite.size == 0:
        raise ImageError("the image has no finite pixel: all are NaN or infinite")
    low, high = np.percentile(finite, PERCENTILES)
    return float(low), float(high)


def robust_limits(pixels: npt.NDArray[np.generic]) -> tuple[float, float]:
    """Return the 0.1 and 99.9 percentiles, in any case limits that show something.

    Parameters
    ----------
    pixels : array of any real dtype, shape (h, w) or (h, w, 3 or 4)
        Of many pixels every n-th row and column is looked at. Alpha is ignored;
        colours share their limits, which keeps hues.

    Returns
    -------
    low, high : float
        (0, 1) for boolean pixels, and where no pixel is finite. Where both percentiles
        are one value (a few bright pixels on plain black), the extremes.
    """
    if pixels.dtype == np.bool_:
        return 0.0, 1.0
    step = max(1, ceil(sqrt(pixels.shape[0] * pixels.shape[1] / SAMPLE_PIXELS)))
    values = _finite(pixels[::step, ::step])
    if values.size == 0:
        return 0.0, 1.0
    low, high = np.percentile(values, PERCENTILES)
    if low == high:
        low, high = values.min(), values.max()
    return float(low), float(high)


def to_unit_range(
    crop: npt.NDArray[np.generic], low: float, high: float, gamma: float
) -> Float32:
    """Map intensities to [0, 1] as napari shows them: clipped, never wrapped.

    NaN is shown black, infinities as the nearer end; a constant image is black.
    """
    # float32 holds what has 16 bits; more could merge neighbours, or overflow.
    wide = np.float32 if crop.dtype.itemsize <= 2 else np.float64
    values: npt.NDArray[np.float32 | np.float64] = crop.astype(wide)
    if crop.dtype.kind == "f":
        np.nan_to_num(values, copy=False, nan=low, posinf=high, neginf=low)
    if not _within(crop.dtype, low, high):
        np.clip(values, low, high, out=values)
    if low:
        values -= low
    values /= (high - low) or 1.0
    if gamma != 1.0:
        np.power(values, gamma, out=values)
    result: Float32 = values.astype(np.float32, copy=False)
    return result


def _within(dtype: np.dtype[np.generic], low: float, high: float) -> bool:
    """Whether no value of a dtype can lie beyond the limits."""
    if dtype == np.bool_:
        return low <= 0 and high >= 1
    if dtype.kind not in "ui":
        return False
    info = np.iinfo(dtype.name)
    return bool(low <= info.min and high >= info.max)


def _finite(pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the values that percentiles may be taken of; alpha is none of them."""
    values = pixels[..., :3] if pixels.ndim == 3 else pixels
    native = values.dtype.newbyteorder("=")
    if native in _INTERPOLATED_AS:
        values = values.astype(_INTERPOLATED_AS[native])
    return values if values.dtype.kind in "ui" else values[np.isfinite(values)]
