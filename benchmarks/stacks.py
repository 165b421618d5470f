"""Labelled stacks: stardist's bundled one, and a generated one."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

STARDIST = "stardist/data/images"
SHAPE = (64, 256, 256)
OBJECTS = 24
SEED = 2026


@dataclass(frozen=True, eq=False)
class Stack:
    """An image (Z, H, W) and its true labels."""

    name: str
    image: npt.NDArray[Any]
    labels: npt.NDArray[np.uint16]


def stardist(wheel: Path) -> Stack:
    """Read stardist's 3D nuclei out of its wheel."""
    with zipfile.ZipFile(wheel) as archive:
        image, labels = (_read(archive, name) for name in ("img3d", "mask3d"))
    return Stack("stardist", image, labels.astype(np.uint16))


def _read(archive: zipfile.ZipFile, name: str) -> npt.NDArray[Any]:
    import tifffile

    content = archive.read(f"{STARDIST}/{name}.tif")
    return np.asarray(tifffile.imread(io.BytesIO(content)))


def generated(shape: tuple[int, int, int] = SHAPE, count: int = OBJECTS) -> Stack:
    """Make blobs that drift, swell and shrink along z, in touching pairs."""
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(SEED)
    labels = _blobs(shape, count, rng)
    bright = np.concatenate([[20.0], rng.uniform(70, 160, count)])
    clean = gaussian_filter(bright[labels], (0.7, 1.2, 1.2))
    image = clean + rng.normal(0, 8, shape)
    return Stack("generated", np.clip(image, 0, 255).astype(np.uint8), labels)


def _blobs(
    shape: tuple[int, int, int], count: int, rng: np.random.Generator
) -> npt.NDArray[np.uint16]:
    """Draw tilted ellipsoids; a pixel of two belongs to the one deeper there."""
    depth, height, width = shape
    z, r, c = np.ogrid[:depth, :height, :width]
    nearest = np.ones(shape, np.float32)
    labels = np.zeros(shape, np.uint16)
    for number in range(1, count + 1):
        if number % 2:
            middle = rng.uniform((10, 30, 30), (depth - 10, height - 30, width - 30))
            radius = rng.uniform(10, 18)
        else:  # beside the one before, and touching it
            middle = np.add(middle, (rng.uniform(-3, 3), 0, 1.7 * radius))
        half, drift = rng.uniform(8, 20), rng.uniform(-0.8, 0.8, 2)
        step = z - middle[0]
        swell = radius * (1 + rng.uniform(-0.4, 0.4) * step / half)
        across = (r - middle[1] - drift[0] * step) ** 2
        across = (across + (c - middle[2] - drift[1] * step) ** 2) / swell**2
        far = (across + (step / half) ** 2).astype(np.float32)
        mine = far < nearest
        nearest[mine], labels[mine] = far[mine], number
    return labels
