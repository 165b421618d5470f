"""The user's Labels layer: checked first, written in the object's box only."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_sam21.core.delta import Delta
from napari_sam21.core.errors import LayerError
from napari_sam21.core.runtime import Cancellation
from napari_sam21.layers.placement import same_place, transforms_of
from napari_sam21.layers.planes import Plane, level_shape

if TYPE_CHECKING:
    from napari.layers import Image, Labels

BLOCK_ELEMENTS = 1 << 25
"""Labels are counted in blocks of about this many elements."""

DTYPE = np.uint16
"""Of new layers: napari uploads it as it is, and hashes wider ones on every refresh."""

Bool = npt.NDArray[np.bool_]

POLICIES: dict[str, Callable[[npt.NDArray[np.integer]], Bool]] = {
    "keep": lambda before: before == 0,
    "overwrite": lambda before: np.ones(before.shape, bool),
}
"""Which pixels an object may take, given the labels that are there."""


def make_labels(image: Image) -> Labels:
    """Make an empty Labels layer that lies where an image lies.

    Raises
    ------
    LayerError
        If there is no memory for it.
    """
    from napari.layers import Labels

    shape = level_shape(image)
    try:
        data = np.zeros(shape, DTYPE)
    except MemoryError as error:
        raise LayerError(
            f"there is no memory for labels of shape {shape}: choose a Labels layer "
            "that lies in a file, such as zarr"
        ) from error
    return Labels(data, name=f"{image.name} labels", **transforms_of(image))


def check_output(labels: Labels, image: Image) -> None:
    """Refuse a Labels layer that objects of an image cannot be written to.

    Raises
    ------
    LayerError
        Naming the layer, what is wrong with it and what to do.
    """
    for problem in _problems(labels, image):
        raise LayerError(f"Labels layer {labels.name!r} {problem}")


def _problems(labels: Labels, image: Image) -> list[str]:
    if labels.multiscale:
        return ["is multiscale, which napari cannot edit: choose another or a new one"]
    data, shape = labels.data, level_shape(image)
    found = []
    if tuple(data.shape) != shape:
        found.append(
            f"has shape {tuple(data.shape)}, the image has {shape}: choose another "
            "or a new one"
        )
    elif not same_place(image, labels):
        found.append(
            "has another scale, translation or rotation than the image: give it the "
            "same, or choose a new one"
        )
    if type(data).__module__.partition(".")[0] == "dask":
        found.append(
            "is dask-backed, so nothing could be written to its source: copy it to "
            "numpy (layer.data = layer.data.compute()) or choose a new one"
        )
    elif _read_only(data):
        found.append(
            "is read-only: choose a new one, or reopen it for writing (numpy: "
            "layer.data = layer.data.copy())"
        )
    return found


def _read_only(data: Any) -> bool:
    if isinstance(data, np.ndarray):
        return not data.flags.writeable
    return bool(getattr(data, "read_only", False))


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
        block = np.asarray(data[start : start + step])
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
    data = labels.data
    if value <= np.iinfo(data.dtype).max:
        return ""
    if not isinstance(data, np.ndarray) or isinstance(data, np.memmap):
        raise LayerError(
            f"Labels layer {labels.name!r} is full: {data.dtype} holds no label "
            f"{value}, and its file cannot be widened here. Save it as uint16 or "
            "uint32 and open that, or choose a new one"
        )
    old = data.dtype
    # Signed labels may be negative: the wider type must hold those too.
    wider = np.promote_types(old, np.promote_types(np.min_scalar_type(value), DTYPE))
    labels.data = data.astype(wider)
    return f"{labels.name!r} was full as {old}; it is {wider} now"


def write_object(
    labels: Labels,
    plane: Plane,
    mask: Bool,
    origin_rc: tuple[int, int],
    value: int,
    policy: str,
) -> Delta | None:
    """Write a mask into a Labels layer as one undoable step.

    Parameters
    ----------
    labels : Labels
        As `check_output` and `make_room` left it.
    plane : Plane
        Where the mask lies.
    mask : array of bool, shape (h, w)
        Plane frame, around the object.
    origin_rc : (int, int)
        Row and column of its first pixel.
    value : int
        The label.
    policy : str
        A key of `POLICIES`.

    Returns
    -------
    Delta or None
        What changed; None if the policy leaves nothing to write.
    """
    key, wanted = _box(plane, mask, origin_rc)
    before = np.asarray(labels.data[key])
    changed = wanted & POLICIES[policy](before) & (before != value)
    if not changed.any():
        return None
    corner = tuple(part.start for part in key)
    delta = Delta(corner, changed, before[changed], value)
    labels.data_setitem(delta.indices(), value)
    return delta


def _box(
    plane: Plane, mask: Bool, origin_rc: tuple[int, int]
) -> tuple[tuple[slice, ...], Bool]:
    """Bounding box in the array, and the mask with the array's axes."""
    key = [slice(0, 1)] * plane.ndim
    for axis, index in plane.hidden:
        key[axis] = slice(index, index + 1)
    for axis, start, size in zip(plane.displayed, origin_rc, mask.shape, strict=True):
        key[axis] = slice(start, start + size)
    across = mask if plane.displayed[0] < plane.displayed[1] else mask.T
    hidden = tuple(axis for axis, _ in plane.hidden)
    return tuple(key), np.expand_dims(across, hidden)


def still_fits(labels: Labels, delta: Delta) -> bool:
    """Whether a layer still has the elements that a write changed."""
    shape = labels.data.shape
    ends = zip(delta.corner, delta.changed.shape, shape, strict=False)
    return len(shape) == len(delta.corner) and all(
        corner + size <= there for corner, size, there in ends
    )


def take_back(labels: Labels, delta: Delta) -> None:
    """Undo a write, but leave alone what the user has painted over it since."""
    indices = delta.indices()
    ours = np.asarray(labels.data[indices]) == delta.value
    _set(labels, indices, delta.before, ours)


def write_again(labels: Labels, delta: Delta) -> None:
    """Redo a write where the old values are still there."""
    indices = delta.indices()
    as_before = np.asarray(labels.data[indices]) == delta.before
    values = np.full(delta.before.shape, delta.value, labels.data.dtype)
    _set(labels, indices, values, as_before)


def _set(
    labels: Labels,
    indices: tuple[npt.NDArray[np.intp], ...],
    values: npt.NDArray[np.integer],
    where: Bool,
) -> None:
    if where.any():
        chosen = tuple(index[where] for index in indices)
        labels.data_setitem(chosen, values[where].astype(labels.data.dtype))
