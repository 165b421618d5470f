"""A change of a label array as a value: to be done, taken back, and written down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class Change:
    """Which elements of a label array got other values.

    Attributes
    ----------
    corner : tuple of int
        First index of the bounding box, one for each axis of the array.
    changed : array of bool
        The bounding box; True where the array changed.
    before, after : array of int, shape (changed.sum(),) or ()
        Old and new values in C order; one number stands for all.
    """

    corner: tuple[int, ...]
    changed: npt.NDArray[np.bool_]
    before: Integers
    after: Integers

    @property
    def size(self) -> int:
        """How many elements got another value."""
        return int(np.count_nonzero(self.changed))

    @property
    def nbytes(self) -> int:
        """Memory it takes, in bytes."""
        return self.changed.nbytes + self.before.nbytes + self.after.nbytes

    def indices(self) -> tuple[npt.NDArray[np.intp], ...]:
        """Return the changed elements as one index array for each axis."""
        return tuple(
            found + start
            for found, start in zip(np.nonzero(self.changed), self.corner, strict=True)
        )

    def reversed(self) -> Change:
        """Return the change that takes this one back."""
        return Change(self.corner, self.changed, self.after, self.before)

    def is_done_in(self, array: Any) -> bool:
        """Whether an array holds the new values in all these elements."""
        found = np.asarray(array[self._key()])[self.changed]
        return bool((found == self.after).all())

    def do_in(self, array: Any) -> None:
        """Write the new values into an array, which may live on disk."""
        key = self._key()
        box = np.asarray(array[key]).copy()
        box[self.changed] = self.after
        array[key] = box

    def _key(self) -> tuple[slice, ...]:
        sizes = zip(self.corner, self.changed.shape, strict=True)
        return tuple(slice(start, start + size) for start, size in sizes)


def change_of(
    indices: tuple[npt.NDArray[np.integer[Any]], ...],
    before: npt.ArrayLike,
    after: npt.ArrayLike,
) -> Change | None:
    """Make a change of what napari reports of a stroke.

    Parameters
    ----------
    indices : tuple of array of int
        The elements, one array for each axis; an element may come twice.
    before, after : array of int or int
        Values of these elements. The first old one of an element counts, and the last
        new one.

    Returns
    -------
    Change or None
        None if nothing changed.
    """
    if not indices or not len(indices[0]):
        return None
    corner = tuple(int(each.min()) for each in indices)
    local = tuple(each - c for each, c in zip(indices, corner, strict=True))
    shape = tuple(int(each.max()) + 1 for each in local)
    shape = tuple(int(each.max()) + 1 for each in local)
    flat = np.ravel_multi_index(local, shape)
    old, new = _full(before, len(flat)), _full(after, len(flat))
    first = np.unique(flat, return_index=True)
    last = np.unique(flat[::-1], return_index=True)[1]
    places, olds, news = first[0], old[first[1]], new[::-1][last]
    differs = olds != news
    if not differs.any():
        return None
    changed = np.zeros(shape, bool)
    changed.flat[places[differs]] = True
    return Change(corner, changed, _short(olds[differs]), _short(news[differs]))


def _full(values: npt.ArrayLike, count: int) -> Integers:
    return np.broadcast_to(np.asarray(values), (count,))


def _short(values: Integers) -> Integers:
    """One number, where all are the same."""
    return values[:1].reshape(()).copy() if (values == values[0]).all() else values
