"""Real 8-bit images of many sizes and shapes, all of them installed with packages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_sam21.samples import read_image

UInt8 = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """One image: what people call it, where it is from, and how to read it."""

    name: str
    source: str
    read: Callable[[], UInt8]


def _sample(name: str) -> Picture:
    return Picture(name, "bundled sample, BBBC038v1", lambda: read_image(name))


def _skimage(name: str) -> Picture:
    def read() -> UInt8:
        from skimage import data

        return np.asarray(getattr(data, name)(), dtype=np.uint8)

    return Picture(name, "scikit-image", read)


def _retina_strip() -> UInt8:
    return _skimage("retina").read()[:, 600:800].copy()


def _motorcycle() -> UInt8:
    from skimage import data

    return np.asarray(data.stereo_motorcycle()[0], dtype=np.uint8)


PICTURES = (
    _sample("fluorescence"),
    _sample("histology"),
    _sample("brightfield"),
    _skimage("retina"),
    Picture("retina, a strip", "scikit-image, columns 600–799", _retina_strip),
    _skimage("hubble_deep_field"),
    Picture("motorcycle", "scikit-image, left image", _motorcycle),
    _skimage("cell"),
    _skimage("immunohistochemistry"),
    _skimage("coffee"),
    _skimage("rocket"),
    _skimage("chelsea"),
    _skimage("coins"),
    _skimage("moon"),
    _skimage("page"),
    _skimage("text"),
)


def kind(image: UInt8) -> str:
    """Tell grey from RGB."""
    return "grey" if image.ndim == 2 else "RGB"


def as_rgb(image: UInt8) -> UInt8:
    """Return what the official predictor takes: (H, W, 3), grey in every channel."""
    if image.ndim == 2:
        return np.repeat(image[..., np.newaxis], 3, axis=2)
    return np.ascontiguousarray(image[..., :3])
