"""Coarser levels of labels, made while they are written.

A coarser level takes every second row and column of the one before, the first included:
ids are never mixed. Its pixel (i, j) has the centre of pixel (2i, 2j) of the finer one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_sam21.core.geometry import Region
from napari_sam21.files.blocks import LazyArray, Plane, planes
from napari_sam21.files.results import Results

COARSEST = 2048
"""Planes with a longer side get coarser levels, until one fits."""

Progress = Callable[[str, int, int], None]
"""Told of a step, bytes done, and all bytes; what it raises stops the save."""


@dataclass(frozen=True)
class Level:
    """A level to write: an array, of which each step-th row and column is taken."""

    array: LazyArray
    step: int = 1

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of what is written."""
        *leading, _, _ = self.array.shape
        return (*leading, *Plane(self.array, step=self.step).shape)

    def bands(self, multiple: int) -> Iterator[tuple[Plane, Region]]:
        """Iterate over all planes, band by band, in the order of a file."""
        for plane in planes(self.array, self.step):
            for band in plane.bands(multiple):
                yield plane, band


def levels_of(results: Results, *, planes_only: bool) -> tuple[Level, ...]:
    """Decide which levels are written: those that are there, or as many as fit.

    Parameters
    ----------
    results : Results
    planes_only : bool
        Whether the format allows coarser rows and columns only, not coarser z.
    """
    given = results.levels
    same = {len(level.shape) for level in given} == {len(given[0].shape)}
    depths = {level.shape[:-2] for level in given}
    if len(given) > 1 and same and (len(depths) == 1 or not planes_only):
        return tuple(Level(level) for level in given)
    return _halved(results.labels)


def _halved(labels: LazyArray) -> tuple[Level, ...]:
    found = [Level(labels)]
    while max(found[-1].shape[-2:]) > COARSEST:
        found.append(Level(labels, 2 * found[-1].step))
    return tuple(found)


def watched(
    levels: tuple[Level, ...], progress: Progress | None
) -> Callable[[npt.NDArray[Any]], npt.NDArray[Any]]:
    """Return a function that hands a block on, and counts its bytes."""
    total = sum(int(np.prod(each.shape)) for each in levels)
    total *= levels[0].array.dtype.itemsize
    done = 0

    def count(block: npt.NDArray[Any]) -> npt.NDArray[Any]:
        nonlocal done
        done += block.nbytes
        if progress is not None:
            progress("saving", done, total)
        return block

    return count
