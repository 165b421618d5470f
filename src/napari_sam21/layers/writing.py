"""Objects go into labels, and out again: in the object's box only.

A small write to a single array goes through napari, whose own undo then knows it. A
large one (napari takes 1 s for 4096 x 4096 pixels, and keeps 18 bytes of each) and one
to a pyramid are written in place, stripe by stripe: who runs such a write may rest
between two stripes, and our history alone can take it back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from napari_sam21.core.delta import Delta
from napari_sam21.layers.label_array import (
    Bool,
    Box,
    LabelArray,
    Values,
    levels_of,
    stripes,
)
from napari_sam21.layers.planes import Plane
from napari_sam21.session.change import Change

if TYPE_CHECKING:
    from napari.layers import Labels

NAPARI_PIXELS = 1 << 19
"""Objects of more pixels are not written through napari's own history."""

Labelled = npt.NDArray[np.integer]
Rule = Callable[[Box, Labelled], tuple[Bool, Values]]
"""Gets a part of a box, and the labels there; returns where to write what."""

Steps = Iterator[bool]
"""A write: each step does a part of it, and takes some milliseconds.

It yields True where the labels are written, and what is left is to show them.
"""

KEEP, OVERWRITE, INSIDE = "keep", "overwrite", "inside"

POLICIES: dict[str, Callable[[Labelled, int], Bool]] = {
    KEEP: lambda before, _: before == 0,
    OVERWRITE: lambda before, _: np.ones(before.shape, bool),
    INSIDE: lambda before, selected: (before == selected) & (before != 0),
}
"""Which pixels an object may take, given the labels there and the selected one."""


def allowed(policy: str, labels: Labels) -> Callable[[Labelled], Bool]:
    """Return a policy as a rule about labels that are there, frozen as it is now."""
    rule, selected = POLICIES[policy], int(labels.selected_label)
    return lambda before: rule(before, selected)


class Writing:
    """One object on its way into a Labels layer.

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
        The label; 0 erases.
    policy : str
        A key of `POLICIES`.
    """

    def __init__(
        self,
        labels: Labels,
        plane: Plane,
        mask: Bool,
        origin_rc: tuple[int, int],
        value: int,
        policy: str,
    ) -> None:
        self.labels = labels
        self.value = value
        self._allowed = allowed(policy, labels)
        self._box, self._wanted = box_of(plane, mask, origin_rc)
        self._changed = np.zeros(self._wanted.shape, bool)
        self._before: list[Labelled] = []

    def possible(self) -> bool:
        """Whether the policy leaves anything to write; as a rule found at once."""
        array = LabelArray.of(self.labels)
        return any(
            self._where(local, array.read(stripe)).any()
            for stripe, local in stripes(self._box)
        )

    def steps(self) -> Steps:
        """Write."""
        count = int(np.count_nonzero(self._wanted))
        yield from _edit(self.labels, self._box, count, self._rule)

    def steps_unseen(self) -> Steps:
        """Write in place and draw nothing: for one of many; see `drawing`."""
        yield from _in_place(LabelArray.of(self.labels), self._box, self._rule)

    def share(self) -> float:
        """Return how much of the object the policy leaves to write, 0 … 1."""
        array, wanted = LabelArray.of(self.labels), np.count_nonzero(self._wanted)
        left = sum(
            np.count_nonzero(self._where(local, array.read(stripe)))
            for stripe, local in stripes(self._box)
        )
        return float(left / wanted) if wanted else 0.0

    @property
    def delta(self) -> Delta | None:
        """What has changed so far; None if nothing has."""
        before = _joined(self._before)
        if before.size == 0:
            return None
        corner = tuple(part.start for part in self._box)
        return Delta(corner, self._changed, before, self.value)

    def _where(self, local: Box, before: Labelled) -> Bool:
        wanted: Bool = self._wanted[local] & self._allowed(before)
        return np.asarray(wanted & (before != self.value))

    def _rule(self, local: Box, before: Labelled) -> tuple[Bool, Values]:
        where = self._where(local, before)
        self._changed[local] = where
        self._before.append(_packed(before[where]))
        return where, self.value


def _packed(before: Labelled) -> Labelled:
    """Nothing but background, as under most objects, takes no memory."""
    if before.any():
        return before
    return np.broadcast_to(before.dtype.type(0), before.shape)


def _joined(parts: list[Labelled]) -> Labelled:
    if all(part.strides == (0,) for part in parts):
        count = sum(part.size for part in parts)
        dtype = parts[0].dtype if parts else np.dtype(np.uint8)
        return np.broadcast_to(dtype.type(0), (count,))
    return np.concatenate(parts)


def box_of(plane: Plane, mask: Bool, origin_rc: tuple[int, int]) -> tuple[Box, Bool]:
    """Return a mask's box in the array, and the mask with the array's axes."""
    box = [slice(0, 1)] * plane.ndim
    for axis, index in plane.hidden:
        box[axis] = slice(index, index + 1)
    for axis, start, size in zip(plane.displayed, origin_rc, mask.shape, strict=True):
        box[axis] = slice(start, start + size)
    across = mask if plane.displayed[0] < plane.displayed[1] else mask.T
    hidden = tuple(axis for axis, _ in plane.hidden)
    return tuple(box), np.expand_dims(across, hidden)


def still_fits(labels: Labels, delta: Delta | Change) -> bool:
    """Whether a layer still has the elements that a write changed."""
    shape = levels_of(labels)[0].shape
    ends = zip(delta.corner, delta.changed.shape, shape, strict=False)
    return len(shape) == len(delta.corner) and all(
        corner + size <= there for corner, size, there in ends
    )


def taking_back(labels: Labels, *deltas: Delta) -> Steps:
    """Undo a write, but leave alone what the user has painted over it since.

    Several are taken back in place, the last one first.
    """
    return _each(labels, deltas[::-1], _back)


def writing_again(labels: Labels, *deltas: Delta) -> Steps:
    """Redo a write where the old values are still there."""
    return _each(labels, deltas, _again)


def drawing(labels: Labels) -> Steps:
    """Draw what was written in place, in a turn of its own."""
    yield True
    labels.refresh(thumbnail=False, extent=False, highlight=False)


def _each(
    labels: Labels, deltas: Sequence[Delta], rule: Callable[[Delta], _Recorded]
) -> Steps:
    if len(deltas) == 1:
        (delta,) = deltas
        yield from _edit(labels, _box(delta), delta.before.size, rule(delta))
        return
    array = LabelArray.of(labels)
    for delta in deltas:
        yield from _in_place(array, _box(delta), rule(delta))
    yield from drawing(labels)


def _back(delta: Delta) -> _Recorded:
    return _Recorded(delta, lambda old, now: (now == delta.value, old))


def _again(delta: Delta) -> _Recorded:
    return _Recorded(delta, lambda old, now: (now == old, delta.value))


def changing(labels: Labels, change: Change) -> Steps:
    """Do a change where its old values are still there; reversed, it is taken back."""

    def rule(local: Box, now: Labelled) -> tuple[Bool, Values]:
        where = change.changed[local]
        return where & (now == before[local]), after[local]

    shape = change.changed.shape
    before, after = np.zeros((2, *shape), np.int64)
    before[change.changed], after[change.changed] = change.before, change.after
    box = tuple(slice(c, c + n) for c, n in zip(change.corner, shape, strict=True))
    return _edit(labels, box, int(np.count_nonzero(change.changed)), rule)


class _Recorded:
    """A rule on the pixels of a delta: gives each stripe its old values."""

    def __init__(
        self, delta: Delta, rule: Callable[[Labelled, Labelled], tuple[Bool, Values]]
    ) -> None:
        self._delta, self._rule, self._passed = delta, rule, 0

    def __call__(self, local: Box, now: Labelled) -> tuple[Bool, Values]:
        changed = self._delta.changed[local]
        count = int(np.count_nonzero(changed))
        old = np.zeros(changed.shape, self._delta.before.dtype)
        old[changed] = self._delta.before[self._passed : self._passed + count]
        self._passed += count
        where, values = self._rule(old, now)
        return where & changed, values


def do(steps: Steps) -> None:
    """Do all of a write at once."""
    deque(steps, maxlen=0)


def write_object(
    labels: Labels,
    plane: Plane,
    mask: Bool,
    origin_rc: tuple[int, int],
    value: int,
    policy: str,
) -> Delta | None:
    """Write a mask into a Labels layer at once; see `Writing`.

    Returns
    -------
    Delta or None
        What changed; None if the policy leaves nothing to write.
    """
    writing = Writing(labels, plane, mask, origin_rc, value, policy)
    do(writing.steps())
    return writing.delta


def take_back(labels: Labels, delta: Delta) -> None:
    """Undo a write at once; see `taking_back`."""
    do(taking_back(labels, delta))


def write_again(labels: Labels, delta: Delta) -> None:
    """Redo a write at once; see `writing_again`."""
    do(writing_again(labels, delta))


def _box(delta: Delta) -> Box:
    return tuple(
        slice(start, start + size)
        for start, size in zip(delta.corner, delta.changed.shape, strict=True)
    )


def _edit(labels: Labels, box: Box, count: int, rule: Rule) -> Steps:
    array = LabelArray.of(labels)
    if len(array.levels) == 1 and count <= NAPARI_PIXELS:
        _through_napari(labels, array, box, rule)
        return
    yield from _in_place(array, box, rule)
    yield from drawing(labels)


def _in_place(array: LabelArray, box: Box, rule: Rule) -> Steps:
    for stripe, local in stripes(box):
        array.put(stripe, *rule(local, array.read(stripe)))
        yield False


def _through_napari(labels: Labels, array: LabelArray, box: Box, rule: Rule) -> None:
    """Write as one step of napari's own history."""
    with labels.block_history():
        for stripe, local in stripes(box):
            where, values = rule(local, array.read(stripe))
            if not where.any():
                continue
            indices = _indices(where, stripe)
            if not isinstance(values, int):
                values = values[where].astype(array.dtype)
            labels.data_setitem(indices, values)


def _indices(where: Bool, box: Box) -> tuple[npt.NDArray[np.intp], ...]:
    """Return the elements of a box that are True, one index array for each axis.

    As `np.nonzero` has them, in less than half of its time for a filled outline.
    """
    *before, across = (part.start for part in box)
    columns = where.shape[-1]
    rows = where.reshape(-1, columns)
    counts, number = np.count_nonzero(rows, axis=1), np.arange(len(rows))
    column = np.flatnonzero(where) + np.repeat(across - number * columns, counts)
    row = np.unravel_index(number, where.shape[:-1])
    starts = zip(row, before, strict=True)
    return *(np.repeat(each + start, counts) for each, start in starts), column
