"""From the pixels of a region to the encoder's exact input.

The steps of the official predictor, in its order: intensities to [0, 1] RGB →
1024 x 1024 (aspect ignored) by a bilinear resize *with antialias*, in float →
ImageNet normalisation.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_sam21.core.errors import ImageError
from napari_sam21.core.geometry import MODEL_SIDE, Region, check_region

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

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

STRIP_PIXELS = 1 << 22
"""Rows are resized in strips of about this many pixels, to bound the memory."""

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ModelInput:
    """What is fed to the encoder, and where it comes from.

    Attributes
    ----------
    tensor : array of float32, shape (1, 3, 1024, 1024)
        Channels R, G, B; rows; columns; ImageNet-normalised.
    region : Region
        The rectangle of the plane it shows.
    plane_shape : tuple of int
        (H, W) of the plane, level 0.
    digest : str
        Of the tensor's bytes: the part of an embedding's key that tells pixels apart.
    """

    tensor: Float32
    region: Region
    plane_shape: tuple[int, int]
    digest: str


def prepare(
    image: npt.ArrayLike,
    *,
    contrast_limits: tuple[float, float] | None = None,
    gamma: float = 1.0,
    region: tuple[int, int, int, int] | None = None,
) -> ModelInput:
    """Prepare a plane, or a region of it, for the encoder.

    Parameters
    ----------
    image : array of any real dtype, shape (H, W) or (H, W, 3 or 4)
        Grey or RGB(A); alpha is ignored.
    contrast_limits : (float, float), optional
        Intensities shown black and white. Default: 0.1 and 99.9 percentiles of the
        image; boolean images and RGB uint8 are taken as they are.
    gamma : float
        Exponent applied after the limits, as napari shows it.
    region : tuple of int, optional
        ``(r0, c0, r1, c1)``, half-open, plane frame. Default: the whole plane.

    Raises
    ------
    ImageError
        If shape, dtype, limits, gamma or region cannot be used.
    """
    pixels = as_plane(image)
    plane_shape = (pixels.shape[0], pixels.shape[1])
    found = check_region(region, plane_shape)
    limits = intensity_limits(pixels, contrast_limits)
    crop = pixels[found.r0 : found.r1, found.c0 : found.c1]
    return prepare_crop(crop, found, plane_shape, limits, gamma)


def prepare_crop(
    crop: npt.NDArray[np.generic],
    region: Region,
    plane_shape: tuple[int, int],
    contrast_limits: tuple[float, float] | None = None,
    gamma: float = 1.0,
) -> ModelInput:
    """Prepare pixels already cut out, perhaps from a coarser level.

    Parameters
    ----------
    crop : array, shape (h, w) or (h, w, 3 or 4)
        The region's pixels, at any resolution.
    region : Region
        The rectangle of the plane that ``crop`` shows.
    plane_shape : tuple of int
        (H, W) of the plane, level 0.
    contrast_limits, gamma
        As for `prepare`.
    """
    if not (np.isfinite(gamma) and gamma > 0):
        raise ImageError(f"gamma {gamma} must be a finite number above 0; 1 is neutral")
    low, high = intensity_limits(crop, contrast_limits)
    resized = _resize_strips(crop, low, high, gamma)
    tensor = _normalise(resized)
    digest = hashlib.sha256(tensor.data).hexdigest()
    return ModelInput(tensor, region, plane_shape, digest)


def as_plane(image: npt.ArrayLike) -> npt.NDArray[np.generic]:
    """Check that an array is one grey or RGB(A) plane of real numbers."""
    pixels = np.asarray(image)
    if pixels.dtype.kind not in "buif":
        raise ImageError(
            f"pixels of dtype {pixels.dtype} cannot be segmented; convert them to "
            "real numbers first (for complex ones np.abs or np.angle)"
        )
    if pixels.ndim not in (2, 3) or (
        pixels.ndim == 3 and pixels.shape[2] not in (3, 4)
    ):
        raise ImageError(
            f"an image of shape {pixels.shape} is not one plane; expected (H, W) or "
            "(H, W, 3 or 4): pick a slice or a channel first"
        )
    if 0 in pixels.shape:
        raise ImageError(f"the image of shape {pixels.shape} holds no pixels")
    return pixels


def intensity_limits(
    pixels: npt.NDArray[np.generic],
    contrast_limits: tuple[float, float] | None = None,
) -> tuple[float, float]:
    """Return the intensities that become 0 and 1 (see `prepare`).

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
    values = pixels[..., :3] if pixels.ndim == 3 else pixels
    native = values.dtype.newbyteorder("=")
    if native in _INTERPOLATED_AS:
        values = values.astype(_INTERPOLATED_AS[native])
    finite = values if values.dtype.kind in "ui" else values[np.isfinite(values)]
    if finite.size == 0:
        raise ImageError("the image has no finite pixel: all are NaN or infinite")
    low, high = np.percentile(finite, PERCENTILES)
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


def _resize_strips(
    crop: npt.NDArray[np.generic], low: float, high: float, gamma: float
) -> Float32:
    """Width pass strip by strip, then height pass; shape (1024, 1024, channels)."""
    channels = crop[..., :3] if crop.ndim == 3 else crop[..., None]
    rows = max(1, STRIP_PIXELS // crop.shape[1])
    narrow = np.empty((crop.shape[0], MODEL_SIDE, channels.shape[2]), np.float32)
    for start in range(0, crop.shape[0], rows):
        strip = to_unit_range(channels[start : start + rows], low, high, gamma)
        narrow[start : start + rows] = resize(strip, strip.shape[0], MODEL_SIDE)
    return resize(narrow, MODEL_SIDE, MODEL_SIDE)


def resize(image: Float32, height: int, width: int) -> Float32:
    """Resize by the antialiased triangle kernel, in float.

    Per axis: scale = in / out, support = max(scale, 1), centre = scale (i + 0.5),
    triangle weights normalised; width pass, then height pass. Pillow's BILINEAR on
    mode "F" is exactly this; on 8-bit modes it would round.

    Parameters
    ----------
    image : array of float32, shape (h, w, channels)

    Returns
    -------
    array of float32, shape (height, width, channels)
    """
    from PIL import Image

    if image.shape[:2] == (height, width):
        return image
    planes = [
        Image.fromarray(np.ascontiguousarray(image[..., channel])).resize(
            (width, height), Image.Resampling.BILINEAR
        )
        for channel in range(image.shape[2])
    ]
    return np.stack([np.asarray(plane) for plane in planes], axis=-1)


def _normalise(image: Float32) -> Float32:
    """ImageNet normalisation of (1024, 1024, 1 or 3) into (1, 3, 1024, 1024)."""
    tensor = np.empty((1, 3, MODEL_SIDE, MODEL_SIDE), np.float32)
    for channel, (mean, std) in enumerate(
        zip(IMAGENET_MEAN, IMAGENET_STD, strict=True)
    ):
        source = image[..., channel if image.shape[2] == 3 else 0]
        np.subtract(source, np.float32(mean), out=tensor[0, channel])
        tensor[0, channel] /= np.float32(std)
    return tensor
