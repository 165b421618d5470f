"""Labels that cannot be written to, copied to where they can."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_sam21.core.arrays import dtype_of
from napari_sam21.layers.making import CHUNK, arrays_in
from napari_sam21.layers.output import BLOCK_ELEMENTS

Progress = Callable[[str, int, int], None]


def nbytes_of(levels: Sequence[Any]) -> int:
    """Return how much memory a copy takes, in bytes."""
    return sum(
        int(np.prod(each.shape, dtype=np.int64)) * dtype_of(each).itemsize
        for each in levels
    )


def copy_levels(
    levels: Sequence[Any], folder: Path | None, progress: Progress
) -> list[Any]:
    """Copy arrays block by block.

    Parameters
    ----------
    levels : sequence of array-like
        dask, zarr, …; the finest first.
    folder : pathlib.Path or None
        A zarr group to make for the copies; None keeps them in memory.
    progress : callable
        Told of bytes; what it raises stops the copy, and takes the folder away.

    Returns
    -------
    list of array
        numpy or zarr, of the same shapes, types and values.

    Raises
    ------
    LayerError
        If the folder cannot be made.
    """
    make = np.zeros if folder is None else arrays_in(folder)
    total, done = nbytes_of(levels), 0
    found = []
    try:
        for level in levels:
            copy = make(tuple(level.shape), dtype_of(level))
            for block in _blocks(level.shape):
                pixels = np.asarray(level[block])
                copy[block] = pixels
                done += pixels.nbytes
                progress("copying", done, total)
            found.append(copy)
    except BaseException:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        raise
    return found


def _blocks(shape: Sequence[int]) -> Iterator[slice]:
    """Cut along the first axis; between chunks, where it has any."""
    row = max(1, int(np.prod(shape[1:])))
    step = max(1, BLOCK_ELEMENTS // row)
    if len(shape) == 2:
        step = max(step // CHUNK, 1) * CHUNK
    for start in range(0, shape[0], step):
        yield slice(start, start + step)
