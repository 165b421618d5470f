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
from napari_sam21.core.intensities import Float32, intensity_limits, to_unit_range

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

STRIP_PIXELS = 1 << 22
"""Rows are resized in strips of about this many pixels, to bound the memory."""


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
    square = to_square(crop, contrast_limits, gamma)
    return input_of(square, region, plane_shape)


def to_square(
    crop: npt.NDArray[np.generic],
    contrast_limits: tuple[float, float] | None = None,
    gamma: float = 1.0,
) -> Float32:
    """Map intensities to [0, 1], and resize.

    Parameters
    ----------
    crop : array, shape (h, w) or (h, w, 3 or 4)
        A region's pixels, at any resolution.
    contrast_limits, gamma
        As for `prepare`.

    Returns
    -------
    array of float32, shape (1024, 1024, 1 or 3)
        Model frame: rows, columns, grey or RGB.

    Raises
    ------
    ImageError
        If the limits or gamma cannot be used.
    """
    if not (np.isfinite(gamma) and gamma > 0):
        raise ImageError(f"gamma {gamma} must be a finite number above 0; 1 is neutral")
    low, high = intensity_limits(crop, contrast_limits)
    return _resize_strips(crop, low, high, gamma)


def input_of(
    square: Float32, region: Region, plane_shape: tuple[int, int]
) -> ModelInput:
    """Make the encoder's input of what `to_square` or `core.channels.merge` made.

    Parameters
    ----------
    square : array of float32, shape (1024, 1024, 1 or 3)
        In [0, 1].
    region : Region
        The rectangle of the plane that it shows.
    plane_shape : tuple of int
        (H, W) of the plane, level 0.
    """
    tensor = _normalise(square)
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
