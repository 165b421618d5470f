"""What needs no network: Otsu and watershed, and a flood fill, from the same clicks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import binary_fill_holes, distance_transform_edt, gaussian_filter
from scipy.spatial import cKDTree
from skimage.color import rgb2gray
from skimage.feature import peak_local_max
from skimage.filters import threshold_otsu
from skimage.measure import label
from skimage.segmentation import flood, watershed

import napari_sam21 as sam
from training.evaluation.patches import Labels, Mask, Window

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
        numbers = {int(embedding.instances[p]) for p in kept} - {0}
        region = np.isin(embedding.instances, list(numbers))
        against = [p for p in outside if region[p]]
        return Drawn(cut(region, embedding.depth, kept, against) if against else region)


def cut(region: Mask, depth: Grey, inside: list[Pixel], against: list[Pixel]) -> Mask:
    """Keep what a watershed from clicks of both signs gives the positive ones."""
    seeds = np.zeros(region.shape, np.int32)
    for pixel in against:
        seeds[pixel] = 2
    for pixel in inside:
        seeds[pixel] = 1
    found: Mask = watershed(-depth, seeds, mask=region) == 1
    return found


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
        found: Mask = flood(grey, pixel, tolerance=self.tolerance)
        return found


def joined(masks: list[Mask], shape: tuple[int, ...]) -> Mask:
    """Return the union of masks."""
    return np.logical_or.reduce(masks) if masks else np.zeros(shape, bool)


def nearer(disputed: Mask, inside: list[Pixel], outside: list[Pixel]) -> Mask:
    """Return where a disputed pixel is nearer to a positive click; True elsewhere."""
    won, pixels = ~disputed, np.argwhere(disputed)
    if len(pixels) and inside:
        to_inside, to_outside = (
            cKDTree(each).query(pixels)[0] for each in (inside, outside)
        )
        won[disputed] = to_inside <= to_outside
    return won


def as_grey(image: npt.NDArray[Any]) -> Grey:
    """Return a smoothed grey image, its robust range mapped to 0 … 1."""
    grey = rgb2gray(image[..., :3]) if image.ndim == 3 else image
    grey = gaussian_filter(np.asarray(grey, np.float64), SMOOTHING)
    low, high = np.percentile(grey, PERCENTILES)
    scaled: Grey = np.clip((grey - low) / max(high - low, 1e-9), 0, 1)
    return scaled


def depth_of(mask: Mask) -> Grey:
    """Return the distance to the outside of a mask, in pixels."""
    depth: Grey = distance_transform_edt(mask)
    return depth


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


BASELINES: dict[str, Watershed | Flood] = {"watershed": Watershed(), "flood": Flood()}
"""Baselines by the name that ``--model`` takes."""
