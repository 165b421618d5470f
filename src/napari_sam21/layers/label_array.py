"""What labels are written to: an array, or the levels of one, box by box.

A write is given for level 0, and is done in place at every level. Only the box is
touched, and no copy of a plane is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_sam21.core.arrays import dtype_of
from napari_sam21.core.errors import LayerError
from napari_sam21.layers.pyramid import Shape, factors_between

if TYPE_CHECKING:
    from napari.layers import Labels

STRIPE_PIXELS = 1 << 19
"""A large box is cut into stripes of about so many pixels: a few milliseconds each."""

Bool = npt.NDArray[np.bool_]
Box = tuple[slice, ...]
"""A slice with a start and an end for each axis of level 0."""

Values = int | npt.NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class LabelArray:
    """The array of a Labels layer, with its coarser levels if it has any.

    Attributes
    ----------
    levels : tuple of array
        numpy, memmap, zarr, tensorstore, …; the finest first. They are written to.
    factors : tuple of tuple of int
        By how much each axis of a level is coarser than level 0.
    """

    levels: tuple[Any, ...]
    factors: tuple[Shape, ...]

    @classmethod
    def of(cls, labels: Labels) -> LabelArray:
        """Return what a layer holds now.

        Raises
        ------
        LayerError
            If a level does not take every f-th pixel of level 0.
        """
        levels = levels_of(labels)
        full = _shape(levels[0])
        found = []
        for number, level in enumerate(levels):
            factors = factors_between(full, _shape(level))
            if factors is None:
                raise LayerError(
                    f"Labels layer {labels.name!r} has a level {number} of shape "
                    f"{_shape(level)}, which does not take every second, third, … "
                    f"pixel of {full}: choose another or a new one"
                )
            found.append(factors)
        return cls(levels, tuple(found))

    @property
    def shape(self) -> Shape:
        """Shape of level 0."""
        return _shape(self.levels[0])

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the labels."""
        found: np.dtype[Any] = dtype_of(self.levels[0])
        return found

    def read(self, box: Box) -> npt.NDArray[np.integer]:
        """Return the labels in a box of level 0: of numpy arrays a view."""
        return np.asarray(self.levels[0][box])

    def put(self, box: Box, where: Bool, values: Values) -> None:
        """Write values in a box, at every level, in place.

        Parameters
        ----------
        box : tuple of slice
            Of level 0.
        where : array of bool, of the box's shape
            The pixels to write.
        values : int, or array of int of the box's shape
        """
        for level, factors in zip(self.levels, self.factors, strict=True):
            part = _coarser(box, factors, _shape(level))
            if part is not None:
                there, taken = part
                fine = values if isinstance(values, int) else values[taken]
                _put(level, there, where[taken], fine)


def levels_of(labels: Labels) -> tuple[Any, ...]:
    """Return the levels of a layer as a tuple; of most layers there is one."""
    return tuple(labels.data) if labels.multiscale else (labels.data,)


def replace_levels(labels: Labels, levels: Sequence[Any]) -> None:
    """Give a layer other arrays, as many as it has.

    Raises
    ------
    LayerError
        If napari is too old to give a pyramid other levels: it breaks the layer.
    """
    if labels.multiscale and tuple(map(int, version("napari").split(".")[:2])) < (0, 8):
        raise LayerError(
            f"Labels layer {labels.name!r} has several levels, which napari "
            f"{version('napari')} cannot replace; update to napari 0.8 or newer, or "
            "choose a new layer"
        )
    labels.data = list(levels) if labels.multiscale else levels[0]


def stripes(box: Box) -> Iterator[tuple[Box, Box]]:
    """Cut a box along its first axis that is longer than 1.

    Yields
    ------
    stripe : tuple of slice
        A part of the array; in C order all its pixels follow those before.
    local : tuple of slice
        The same part of the box.
    """
    sizes = [part.stop - part.start for part in box]
    axis = next((n for n, size in enumerate(sizes) if size > 1), 0)
    step = max(1, STRIPE_PIXELS // max(int(np.prod(sizes[axis + 1 :])), 1))
    start, whole = box[axis].start, tuple(slice(0, size) for size in sizes)
    for first in range(0, sizes[axis], step):
        last = min(first + step, sizes[axis])
        here = slice(start + first, start + last)
        yield (
            (*box[:axis], here, *box[axis + 1 :]),
            (*whole[:axis], slice(first, last), *whole[axis + 1 :]),
        )


def _shape(level: Any) -> Shape:
    return tuple(int(size) for size in level.shape)


def _coarser(box: Box, factors: Shape, sizes: Sequence[int]) -> tuple[Box, Box] | None:
    """The pixels of a level that show a box, and which of the box's they are."""
    there, taken = [], []
    for part, factor, size in zip(box, factors, sizes, strict=True):
        first = -(-part.start // factor)
        last = min(-(-part.stop // factor), size)
        if last <= first:
            return None
        there.append(slice(first, last))
        start = first * factor - part.start
        taken.append(slice(start, start + (last - first - 1) * factor + 1, factor))
    return tuple(there), tuple(taken)


def _put(level: Any, box: Box, where: Bool, values: Values) -> None:
    if not where.any():
        return
    if isinstance(level, np.ndarray):
        np.copyto(level[box], values, where=where, casting="unsafe")
        return
    block = np.array(level[box])
    np.copyto(block, values, where=where, casting="unsafe")
    level[box] = block
