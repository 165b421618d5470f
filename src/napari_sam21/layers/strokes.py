"""What the user does to a Labels layer by napari's own tools: strokes, and Ctrl+Z.

napari tells of a stroke, but of an undo only that the layer looks otherwise now. So
what was done is remembered here, and after every refresh the last of it is looked at:
if its old values are back, it was undone. Where an undo and a redo would both look like
that, it was the larger of the two: the smaller one could not have changed the rest.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_sam21.session.change import Change, change_of

if TYPE_CHECKING:
    from napari.layers import Labels

REMEMBERED = 100
"""Steps back that napari itself goes at most."""

Heard = Callable[[Change], None]
Indices = tuple[npt.NDArray[np.integer[Any]], ...]


class Stroke:
    """What napari told of a stroke; worked out when it is needed, which is rare.

    Parameters
    ----------
    atoms : sequence
        As `Labels.events.paint` tells them.
    ndim : int
        Of the array.
    """

    def __init__(self, atoms: Sequence[Any], ndim: int) -> None:
        self._atoms, self._ndim = tuple(atoms), ndim

    @cached_property
    def change(self) -> Change | None:
        """The change, or None if nothing was changed."""
        return change_of_atoms(self._atoms, self._ndim)


class Strokes:
    """Hears of changes of a single-scale Labels layer that others make.

    Parameters
    ----------
    labels : Labels
    painted, undone, redone : callable
        Get the change: of a stroke (brush, fill, polygon, eraser, a script's
        ``data_setitem``), or the one that napari's own undo took back or did again,
        which may be ours.
    """

    def __init__(
        self, labels: Labels, painted: Heard, undone: Heard, redone: Heard
    ) -> None:
        self._labels = labels
        self._painted, self._told_undone, self._told_redone = painted, undone, redone
        self._done: deque[Stroke] = deque(maxlen=REMEMBERED)
        self._undone: list[Stroke] = []
        self._deaf = False
        labels.events.paint.connect(self._heard)
        labels.events.set_data.connect(self._refreshed)

    def close(self) -> None:
        """Stop listening."""
        self._labels.events.paint.disconnect(self._heard)
        self._labels.events.set_data.disconnect(self._refreshed)

    @contextmanager
    def ours(self) -> Iterator[None]:
        """Do not report what is written in this context: it is known."""
        before, self._deaf = self._deaf, True
        try:
            yield
        finally:
            self._deaf = before

    def _heard(self, event: Any) -> None:
        """A stroke, or a write of ours: both go into napari's history."""
        stroke = Stroke(event.value, self._labels.ndim)
        if not self._deaf and stroke.change is None:
            return
        self._done.append(stroke)
        self._undone.clear()
        if not self._deaf and stroke.change is not None:
            self._painted(stroke.change)

    def _refreshed(self, event: Any = None) -> None:
        if self._deaf:
            return
        while self._done and self._done[-1].change is None:
            self._done.pop()  # a write of ours that changed nothing
        data = self._labels.data
        undone = self._done[-1].change if self._done else None
        redone = self._undone[-1].change if self._undone else None
        if undone is not None and not _is(undone.reversed(), data):
            undone = None
        if redone is not None and not _is(redone, data):
            redone = None
        if undone is not None and (redone is None or undone.size >= redone.size):
            self._undone.append(self._done.pop())
            self._told_undone(undone)
        elif redone is not None:
            self._done.append(self._undone.pop())
            self._told_redone(redone)


def _is(change: Change, data: Any) -> bool:
    """Whether an array shows a change; not if it has another shape by now."""
    ends = [c + n for c, n in zip(change.corner, change.changed.shape, strict=True)]
    if len(ends) != data.ndim or any(np.greater(ends, data.shape)):
        return False
    return change.is_done_in(data)


def change_of_atoms(atoms: Sequence[Any], ndim: int) -> Change | None:
    """Join the parts of a stroke, in their order, into one change.

    Parameters
    ----------
    atoms : sequence
        As `Labels.events.paint` tells them; the array may not hold them yet.
    ndim : int
        Of the array.
    """
    parts = [_elements(*atom) for atom in atoms]
    parts = [part for part in parts if len(part[0]) == ndim and part[0][0].size]
    if not parts:
        return None
    indices = tuple(
        np.concatenate([where[axis] for where, _, _ in parts]) for axis in range(ndim)
    )
    before, after = (
        np.concatenate([np.broadcast_to(part[n], part[0][0].size) for part in parts])
        for n in (1, 2)
    )
    return change_of(indices, before, after)


def _elements(where: Sequence[Any], *values: Any) -> tuple[Indices, Any, Any]:
    """Elements, old and new values of one part of a stroke.

    napari tells the elements by index arrays; from 0.8 on also by slices and a mask of
    the box that they span, or None for all of it.
    """
    *masks, before, after = values
    if not masks:
        flat = tuple(np.ravel(each) for each in where)  # tensorstore has two axes
        return flat, np.ravel(before), np.ravel(after)
    size = [part.stop - part.start for part in where]
    found = np.nonzero(np.ones(size, bool) if masks[0] is None else masks[0])
    indices = tuple(i + part.start for i, part in zip(found, where, strict=True))
    return indices, np.ravel(before), np.ravel(after)
