"""What was in the labels before napari's undo went over them: the history knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_sam21.control.steps import (
    AnyStep,
    CommitStep,
    ManyStep,
    RelabelStep,
    StrokeStep,
    parts_of,
)
from napari_sam21.core.delta import Delta
from napari_sam21.session.change import Change, change_of

if TYPE_CHECKING:
    from napari.layers import Labels


def as_it_was(change: Change, done: Iterable[AnyStep], labels: Labels) -> Change | None:
    """Return a change that napari made, with the values that it made go.

    napari's undo puts the old values back over whatever is there. It tells those of the
    stroke that it takes back; what was written since is in our history.

    Parameters
    ----------
    change : Change
        As napari tells it.
    done : iterable of step
        What was done before, in order.
    labels : Labels
        Steps of other layers do not matter.

    Returns
    -------
    Change or None
        None if the labels were so before: nothing was taken back, they only look as if,
        after a write of ours.
    """
    there, known = _spread(change, change.before), ~change.changed
    for part in _newest_first(done, labels):
        ours, theirs = _shared(change, part)
        if ours is None or known.all():
            continue
        covered = part.changed[theirs] & ~known[ours]
        there[ours][covered] = _after(part)[theirs][covered]
        known[ours] |= covered
    before, after = there[change.changed], _spread(change, change.after)
    return change_of(change.indices(), before, after[change.changed])


def _newest_first(done: Iterable[AnyStep], labels: Labels) -> Iterator[Delta | Change]:
    for step in reversed(tuple(done)):
        if isinstance(step, CommitStep | StrokeStep) and step.labels == labels:
            yield step.what
        elif isinstance(step, ManyStep | RelabelStep) and step.labels == labels:
            yield from reversed(parts_of(step))


def _shared(
    change: Change, part: Delta | Change
) -> tuple[tuple[slice, ...] | None, tuple[slice, ...]]:
    """The box that both have, in the frame of each; None if there is none."""
    ours, theirs = [], []
    own, its = change.changed.shape, part.changed.shape
    for a, n, b, m in zip(change.corner, own, part.corner, its, strict=True):
        first, last = max(a, b), min(a + n, b + m)
        if first >= last:
            return None, ()
        ours.append(slice(first - a, last - a))
        theirs.append(slice(first - b, last - b))
    return tuple(ours), tuple(theirs)


def _after(part: Delta | Change) -> npt.NDArray[np.int64]:
    if isinstance(part, Delta):
        return np.full(part.changed.shape, part.value, np.int64)
    return _spread(part, part.after)


def _spread(change: Change, values: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Values of a change, each in its place."""
    found = np.zeros(change.changed.shape, np.int64)
    found[change.changed] = values
    return found
