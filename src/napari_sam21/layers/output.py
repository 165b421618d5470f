"""The user's Labels layer: whether objects may be written to it, and find room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sam21.core.arrays import dtype_of
from napari_sam21.core.errors import LayerError
from napari_sam21.core.runtime import Cancellation
from napari_sam21.layers.label_array import LabelArray, levels_of, replace_levels
from napari_sam21.layers.placement import same_place
from napari_sam21.layers.planes import level_shape

if TYPE_CHECKING:
    from napari.layers import Image, Labels

BLOCK_ELEMENTS = 1 << 25
"""Labels are counted in blocks of about this many elements."""

DTYPE = np.uint16
"""Of new layers: napari uploads it as it is, and hashes wider ones on every refresh."""


def check_output(labels: Labels, image: Image) -> None:
    """Refuse a Labels layer that objects of an image cannot be written to.

    Raises
    ------
    LayerError
        Naming the layer, what is wrong with it and what to do.
    """
    for problem in _problems(labels, image):
        raise LayerError(f"Labels layer {labels.name!r} {problem}")
    LabelArray.of(labels)


def check_grid(labels: Labels, image: Image) -> None:
    """Refuse a Labels layer whose pixels are not those of an image; see `check_output`.

    Raises
    ------
    LayerError
    """
    for problem in _other_grid(labels, image):
        raise LayerError(f"Labels layer {labels.name!r} {problem}")


def _other_grid(labels: Labels, image: Image) -> list[str]:
    levels, shape = levels_of(labels), level_shape(image)
    found = []
    if tuple(levels[0].shape) != shape:
        found.append(
            f"has shape {tuple(levels[0].shape)}, the image has {shape}: choose "
            "another or a new one"
        )
    elif not same_place(image, labels):
        found.append(
            "has another scale, translation or rotation than the image: give it the "
            "same, or choose a new one"
        )
    return found


def _problems(labels: Labels, image: Image) -> list[str]:
    levels, found = levels_of(labels), _other_grid(labels, image)
    if is_dask(labels):
        found.append(
            "is dask-backed, so nothing could be written to its source: pick it again "
            "to have it copied, or choose a new one"
        )
    elif any(_read_only(level) for level in levels):
        found.append(
            "is read-only: choose a new one, or reopen it for writing (numpy: "
            "layer.data = layer.data.copy())"
        )
    return found


def is_dask(labels: Labels) -> bool:
    """Whether a layer holds a graph of computations, and no array to write to."""
    return any(
        type(level).__module__.partition(".")[0] == "dask"
        for level in levels_of(labels)
    )


def _read_only(data: Any) -> bool:
    if isinstance(data, np.ndarray):
        return not data.flags.writeable
    return bool(getattr(data, "read_only", not hasattr(data, "__setitem__")))


def largest_id(data: Any, cancel: Cancellation | None = None) -> int:
    """Return the largest label of a whole array, read block by block.

    Parameters
    ----------
    data : array-like
        numpy, dask, zarr, …
    cancel : Cancellation, optional
        Stops between two blocks.

    Raises
    ------
    Cancelled
        If ``cancel`` was called.
    """
    largest = 0
    row = max(1, int(np.prod(data.shape[1:])))
    step = max(1, BLOCK_ELEMENTS // row)
    for start in range(0, data.shape[0], step):
        if cancel is not None:
            cancel.raise_if_wished()
        # Up to the end and no further: tensorstore refuses what numpy forgives.
        block = np.asarray(data[start : min(start + step, data.shape[0])])
        largest = max(largest, int(block.max(initial=0)))
    return largest


def make_room(labels: Labels, value: int) -> str:
    """Widen a numpy-backed layer whose dtype cannot hold a new label.

    Returns
    -------
    str
        A word to the user; empty if nothing had to be done.

    Raises
    ------
    LayerError
        If the array lives elsewhere and cannot be widened in place.
    """
    levels = levels_of(labels)
    old = dtype_of(levels[0])
    if value <= np.iinfo(old).max:
        return ""
    if not all(type(level) is np.ndarray for level in levels):
        raise LayerError(
            f"Labels layer {labels.name!r} is full: {old} holds no label "
            f"{value}, and its file cannot be widened here. Save it as uint16 or "
            "uint32 and open that, or choose a new one"
        )
    # Signed labels may be negative: the wider type must hold those too.
    wider = np.promote_types(old, np.promote_types(np.min_scalar_type(value), DTYPE))
    wide = [level.astype(wider) for level in levels]
    replace_levels(labels, wide)
    return f"{labels.name!r} was full as {old}; it is {wider} now"
