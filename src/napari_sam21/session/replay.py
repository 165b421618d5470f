"""From a session back to its labels, bit for bit, without a model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from napari_sam21.core.errors import SessionError
from napari_sam21.session.change import Change
from napari_sam21.session.journal import Session
from napari_sam21.session.lines import (
    Line,
    pack_mask,
    pack_numbers,
    unpack_change,
)
from napari_sam21.session.objects import CHANGED, objects

__all__ = [
    "CHANGED",
    "NAMED",
    "THERE",
    "WIDENED",
    "blocks_there",
    "changes",
    "empty_labels",
    "name_of",
    "objects",
    "replay",
    "steps_of",
    "there",
]

THERE, WIDENED, NAMED = "there", "dtype", "name"
"""Kinds of records beside changes: what was there; a wider dtype from here on; the
layer has another name."""
BLOCK = 1 << 22
"""Elements of a block of what was there; about the memory it is read in."""


def replay(session: Session, into: Any = None) -> Any:
    """Rebuild the labels of a session.

    What was there when the session began was noted block by block while work went on:
    a block may hold some of the later changes. As every change tells the new values of
    its elements, doing all of them in order, after all blocks, ends in the same labels.

    Parameters
    ----------
    session : Session
    into : array-like, optional
        What to write to, of the session's shape, all zero. Default: a new numpy array.

    Returns
    -------
    array of int
        ``into``, or the new array; axes as those of the Labels layer.

    Raises
    ------
    SessionError
        If records contradict the header or each other.
    """
    labels = empty_labels(session) if into is None else into
    for each in steps_of(session):
        each.do_in(labels)
    return labels


def empty_labels(session: Session) -> np.ndarray[Any, np.dtype[Any]]:
    """Return an array for the labels of a session, all zero.

    Raises
    ------
    SessionError
        If the header does not tell shape and dtype.
    """
    return np.zeros(*_declared(session))


def steps_of(session: Session) -> Iterator[Change]:
    """All that must be done in an empty array, in order; see `replay`."""
    shape, _ = _declared(session)
    for find in (there, changes):
        for each in find(session):
            _check_inside(each, shape, session)
            yield each


def name_of(session: Session) -> str:
    """Return the name that the layer had last."""
    told = session.last(NAMED) or session.header.get("labels") or {}
    return str(told.get("name") or "")


def changes(session: Session) -> Iterator[Change]:
    """Changes of a session, in the order in which they happened."""
    return map(unpack_change, session.of_kind(CHANGED))


def blocks_there(data: Any) -> Iterator[Line]:
    """Pack what an array holds, block by block; blocks of zeros are left out.

    Parameters
    ----------
    data : array-like of int
    """
    for key in _blocks_of(tuple(data.shape)):
        values = np.asarray(data[key])
        filled = values != 0
        if filled.any():
            yield {
                "corner": [part.start for part in key],
                "changed": pack_mask(filled),
                "after": pack_numbers(values[filled]),
            }


def _blocks_of(shape: tuple[int, ...]) -> Iterator[tuple[slice, ...]]:
    """Cover an array by rows of planes, at most `BLOCK` elements each."""
    *outer, rows, columns = (1, 1, *shape) if len(shape) < 2 else shape
    step = max(1, BLOCK // max(columns, 1))
    for index in np.ndindex(*outer):
        for start in range(0, rows, step):
            spans = (slice(start, min(start + step, rows)), slice(0, columns))
            yield (*(slice(i, i + 1) for i in index), *spans)[-len(shape) :]


def there(session: Session) -> Iterator[Change]:
    """What was in the labels before the session, as changes of an empty array."""
    for line in session.of_kind(THERE):
        yield unpack_change({**line, "before": 0})


def _declared(session: Session) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and final dtype of the labels."""
    try:
        shape = tuple(int(each) for each in session.header["labels"]["shape"])
        name = (session.last(WIDENED) or session.header["labels"])["dtype"]
        kind = np.dtype(name)
    except (KeyError, TypeError, ValueError) as error:
        raise SessionError(
            f"{session.folder} does not tell the labels' shape"
        ) from error
    if kind.kind not in "iu" or min(shape, default=0) < 1:
        raise SessionError(f"{session.folder} tells of labels {shape} of {kind}")
    return shape, kind


def _check_inside(change: Change, shape: tuple[int, ...], session: Session) -> None:
    sizes = zip(change.corner, change.changed.shape, shape, strict=False)
    if len(change.corner) != len(shape) or any(c + n > s for c, n, s in sizes):
        raise SessionError(
            f"a change at {change.corner} of size {change.changed.shape} lies outside "
            f"the labels of {session.folder}, which have shape {shape}"
        )
