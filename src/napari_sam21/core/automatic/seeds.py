"""Points and masks that others found: one object for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from napari_sam21.core.automatic.objects import Found
from napari_sam21.core.automatic.options import Progress
from napari_sam21.core.automatic.region import one_each
from napari_sam21.core.crops import Crop, common_window, crops_of
from napari_sam21.core.embedding import Embedding
from napari_sam21.core.errors import PromptError
from napari_sam21.core.intensities import intensity_limits, to_unit_range
from napari_sam21.core.masks import coverage_to_logits
from napari_sam21.core.placing import depth, inner_points
from napari_sam21.core.preprocess import as_plane
from napari_sam21.core.prompts import POSITIVE, Prompts
from napari_sam21.core.runtime import Cancellation
from napari_sam21.core.sam2 import Model

Plane = npt.NDArray[np.float32]
RowColumn = tuple[float, float]


def refine_labels(
    model: Model,
    embedding: Embedding,
    labels: npt.ArrayLike,
    *,
    progress: Progress | None = None,
    cancel: Cancellation | None = None,
) -> dict[int, Found | None]:
    """Ask for every object of a label image again: its mask, box and deepest point.

    Parameters
    ----------
    model : Model
    embedding : Embedding
    labels : array of int, shape (H, W)
        Of the same plane, for instance of Cellpose. 0 is background.
    progress, cancel
        As for `segment_everything`.

    Returns
    -------
    dict of int to (Found or None)
        By label, for those in the region; None where the answer is empty.

    Raises
    ------
    ImageError
        If the labels are not one plane of whole numbers.
    """
    crops = crops_of(labels)
    return refine_crops(model, embedding, crops, progress=progress, cancel=cancel)


def refine_crops(
    model: Model,
    embedding: Embedding,
    crops: Mapping[int, Crop],
    *,
    progress: Progress | None = None,
    cancel: Cancellation | None = None,
) -> dict[int, Found | None]:
    """Ask for objects again, given as crops: see `refine_labels`."""
    window = embedding.region
    inside = {
        number: crop.clipped(window)
        for number, crop in crops.items()
        if common_window(crop.window, window) is not None
    }
    inside = {number: crop for number, crop in inside.items() if crop}
    asked = []
    for crop in inside.values():
        r0, c0, r1, c1 = crop.window
        box = (r0, c0, r1 - 1, c1 - 1)
        asked.append(Prompts(inner_points(crop), [POSITIVE], box))
    masks = [coverage_to_logits(crop.within(window)) for crop in inside.values()]
    found = one_each(model, embedding, asked, masks, progress, cancel)
    return dict(zip(inside, found, strict=True))


def find_seeds(
    image: npt.ArrayLike, diameter: float, method: str = "distance", dark: bool = False
) -> list[RowColumn]:
    """Find the middles of blobs by scikit-image, as points for `segment_points`.

    Parameters
    ----------
    image : array, shape (H, W) or (H, W, 3 or 4)
        Colour is made grey.
    diameter : float
        Of a typical object, in pixels.
    method : str
        A key of `METHODS`: "distance" (peaks of the distance inside Otsu's foreground)
        or "blobs" (Laplacian of Gaussian).
    dark : bool
        Whether objects are darker than what is about them.

    Returns
    -------
    list of (float, float)
        Row and column, plane frame.

    Raises
    ------
    PromptError
        If the method is not known, or the diameter is not above 0.
    ImageError
        If the pixels cannot be used.
    """
    if method not in METHODS:
        raise PromptError(f"method {method!r} is not known; use one of {list(METHODS)}")
    if not diameter > 0:
        raise PromptError(f"diameter is {diameter}; give that of an object, in pixels")
    pixels = as_plane(image)
    limits = intensity_limits(pixels)
    if pixels.ndim == 3:
        pixels = pixels[..., :3]
    grey = to_unit_range(pixels, *limits, 1.0)
    flat = grey if grey.ndim == 2 else grey.mean(axis=2)
    places = METHODS[method](1 - flat if dark else flat, diameter)
    return [(float(row), float(column)) for row, column in places]


def _distance_peaks(grey: Plane, diameter: float) -> npt.NDArray[np.integer]:
    from skimage.feature import peak_local_max
    from skimage.filters import gaussian, threshold_otsu

    smooth = gaussian(grey, diameter / 12)
    if smooth.min() == smooth.max():
        return np.zeros((0, 2), int)
    inner = gaussian(depth(smooth > threshold_otsu(smooth)), diameter / 12)
    apart = max(1, round(diameter / 3))
    found: npt.NDArray[np.integer] = peak_local_max(
        inner, min_distance=apart, threshold_abs=diameter / 8, exclude_border=False
    )
    return found


def _blobs(grey: Plane, diameter: float) -> npt.NDArray[np.floating]:
    from skimage.feature import blob_log

    sigma = diameter / (2 * np.sqrt(2))
    found: npt.NDArray[np.floating] = blob_log(
        grey, min_sigma=0.7 * sigma, max_sigma=1.4 * sigma, num_sigma=4, threshold=0.1
    )
    return found[:, :2]


METHODS: Mapping[str, Callable[[Plane, float], npt.NDArray[np.number]]] = (
    MappingProxyType({"distance": _distance_peaks, "blobs": _blobs})
)
"""Ways to find seeds."""
