"""The classical baseline: Otsu's threshold, and a watershed of its distances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import (
    binary_fill_holes,
    distance_transform_edt,
    find_objects,
    gaussian_filter,
)
from skimage.feature import peak_local_max
from skimage.filters import threshold_otsu
from skimage.measure import label
from skimage.segmentation import watershed

import napari_sam21 as sam
from training.evaluation.drawn import (
    SMOOTHING,
    Drawn,
    Grey,
    Pixel,
    as_grey,
    pixels_of,
    window_of,
)
from training.evaluation.patches import Labels, Mask


@dataclass(frozen=True, eq=False)
class Parts:
    """An image split by Otsu's threshold: bright and dark instances, and their depth.

    Attributes
    ----------
    grey : array of float, shape (H, W)
        Smoothed, 0 … 1.
    bright : array of bool, shape (H, W)
        Above the threshold.
    depth : array of float, shape (H, W)
        Distance to the other class, in pixels.
    instances : array of int, shape (H, W)
        Numbers of the watershed's parts, of both classes.
    """

    grey: Grey
    bright: Mask
    depth: Grey
    instances: Labels


@dataclass(frozen=True)
class Watershed:
    """Otsu's threshold, parts by a watershed of the distance transform.

    The class that the first positive click lies on is the object's. Parts with a
    positive click belong to it; negative clicks in them cut a piece off, by a watershed
    that starts at the clicks. A box is thresholded on its own.

    Parameters
    ----------
    peak_distance : int
        Least distance of two parts' centres, in pixels. The default was the best of
        3, 5, 8, 12 on *train* images (one click on a fourth of the objects of each
        tenth image), by a hair.
    """

    peak_distance: int = 5

    def encode(self, image: npt.NDArray[Any]) -> Parts:
        """Split an image into bright and dark parts."""
        grey = as_grey(image)
        bright = grey > threshold_otsu(grey)
        depth = np.where(bright, depth_of(bright), depth_of(~bright))
        first = self.split(bright, depth)
        second = self.split(~bright, depth)
        instances = np.where(bright, first, second + first.max())
        return Parts(grey, bright, depth, instances)

    def split(self, mask: Mask, depth: Grey) -> Labels:
        """Number the parts of a class by a watershed of its distance transform."""
        own = gaussian_filter(np.where(mask, depth, 0.0), SMOOTHING)
        peaks = peak_local_max(
            own, min_distance=self.peak_distance, labels=label(mask),
            exclude_border=False,
        )  # fmt: skip
        seeds = np.zeros(mask.shape, np.int32)
        seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
        parts: Labels = watershed(-own, seeds, mask=mask)
        return parts

    def decode(
        self, embedding: Parts, prompts: sam.Prompts, previous: object = None
    ) -> Drawn:
        """Answer from all prompts at once; the last reply is not needed."""
        inside, outside = pixels_of(prompts, embedding.grey.shape)
        if not inside:
            return Drawn(boxed(embedding.grey, prompts))
        bright = embedding.bright[inside[0]]
        kept = [p for p in inside if embedding.bright[p] == bright]
        taken = np.zeros(int(embedding.instances.max()) + 1, bool)
        taken[[embedding.instances[p] for p in kept]] = True
        taken[0] = False
        region: Mask = taken[embedding.instances]
        against = [p for p in outside if region[p]]
        if against:
            cut(region, embedding.depth, kept, against)
        return Drawn(region)


def cut(region: Mask, depth: Grey, inside: list[Pixel], against: list[Pixel]) -> None:
    """Keep what a watershed from clicks of both signs gives the positive ones."""
    (box,) = find_objects(region.astype(np.uint8))
    seeds = np.zeros(region.shape, np.int32)
    for pixel in against:
        seeds[pixel] = 2
    for pixel in inside:
        seeds[pixel] = 1
    region[box] = watershed(-depth[box], seeds[box], mask=region[box]) == 1


def boxed(grey: Grey, prompts: sam.Prompts) -> Mask:
    """Threshold a box on its own; its border is mostly background."""
    mask = np.zeros(grey.shape, bool)
    window = window_of(prompts, grey.shape)
    if window is None:
        return mask
    rows, columns = slice(window[0], window[2]), slice(window[1], window[3])
    inner = grey[rows, columns]
    above = inner > threshold_otsu(inner) if np.ptp(inner) > 0 else inner >= inner
    rim = np.concatenate([above[0], above[-1], above[:, 0], above[:, -1]])
    numbers = label(~above if rim.mean() > 0.5 else above)
    sizes = np.bincount(numbers.ravel())[1:]
    if sizes.size:
        mask[rows, columns] = binary_fill_holes(numbers == sizes.argmax() + 1)
    return mask


def depth_of(mask: Mask) -> Grey:
    """Return the distance to the outside of a mask, in pixels."""
    depth: Grey = distance_transform_edt(mask)
    return depth
