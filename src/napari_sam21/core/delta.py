"""One write to a label array, as a value that can be taken back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Delta:
    """Which elements of a label array became ``value``, and what they were.

    Attributes
    ----------
    corner : tuple of int
        First index of the bounding box, one for each axis of the array.
    changed : array of bool
        The bounding box; True where the write changed the array.
    before : array of int, shape (changed.sum(),)
        Old values, in C order; a broadcast scalar where all are the same.
    value : int
        The new value.
    """

    corner: tuple[int, ...]
    changed: npt.NDArray[np.bool_]
    before: npt.NDArray[np.integer]
    value: int

    @property
    def nbytes(self) -> int:
        """Memory it takes, in bytes."""
        one = self.before.strides == (0,)
        values = self.before.itemsize if one else self.before.nbytes
        return self.changed.nbytes + values

    def indices(self) -> tuple[npt.NDArray[np.intp], ...]:
        """Return the changed elements as one index array for each axis."""
        return tuple(
            found + start
            for found, start in zip(np.nonzero(self.changed), self.corner, strict=True)
        )
