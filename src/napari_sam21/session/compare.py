"""How like what was written is to what would be written now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_sam21.session.change import Change

Labelled = npt.NDArray[np.integer[Any]]
Bool = npt.NDArray[np.bool_]
Box = tuple[slice, ...]

ALLOWED: Mapping[str, Callable[[Labelled, Bool], Bool]] = {
    "keep": lambda before, _: before == 0,
    "overwrite": lambda before, _: np.ones(before.shape, bool),
}
"""Which pixels an object could take, by policy, from the labels that were there."""


def _unknown(before: Labelled, changed: Bool) -> Bool:
    """Of another policy it is only known that it let go of what it did not take."""
    return np.asarray((before == 0) | changed)


@dataclass(frozen=True)
class Outcome:
    """How the mask of an object compares with the one that is computed now.

    Attributes
    ----------
    id : int
        Its label; 0 if it erased.
    prompts : int
        Points and boxes.
    iou : float or None
        Between what was written then and what would be now; None if it could not be
        computed.
    same_input : bool or None
        Whether the encoder was fed exactly what it was then.
    note : str
        Why it could not be computed, or what makes it differ.
    """

    id: int
    prompts: int
    iou: float | None = None
    same_input: bool | None = None
    note: str = ""


@dataclass(frozen=True)
class Comparison:
    """All objects of a session.

    Attributes
    ----------
    image, model : str
        The file, and the names of the models that were asked.
    outcomes : tuple of Outcome
        Of every commit with prompts that was not undone, in order.
    others : int
        Changes of objects that have no prompts of their own: found in batches, carried
        through slices, merged, deleted, taken up again.
    warnings : tuple of str
    """

    image: str
    model: str
    outcomes: tuple[Outcome, ...]
    others: int
    warnings: tuple[str, ...] = ()

    @property
    def ious(self) -> list[float]:
        """Of those that could be computed."""
        return [each.iou for each in self.outcomes if each.iou is not None]

    def summary(self) -> dict[str, Any]:
        """Return mean, median and least IoU, and counts; plain values."""
        found = self.ious
        return {
            "recomputed": len(found),
            "not_recomputed": len(self.outcomes) - len(found),
            "without_prompts": self.others,
            "mean_iou": sum(found) / len(found) if found else None,
            "median_iou": median(found) if found else None,
            "min_iou": min(found) if found else None,
        }


def likeness(
    change: Change, labels: Labelled, mask: Bool, box: Box, value: int, policy: str
) -> float:
    """Return the IoU of what a commit wrote, and of what it would write of a mask.

    Parameters
    ----------
    change : Change
        What it wrote.
    labels : array of int
        As they were just before it.
    mask : array of bool
        With as many axes as the labels; of size 0 it is empty.
    box : tuple of slice
        Where the mask lies.
    value : int
        The label; 0 erased.
    policy : str
        What became of labels that were there; erasing takes them all.
    """
    window = _around(change, box if mask.size else None)
    then = _placed(change.changed, change.corner, window)
    now = np.zeros(then.shape, bool)
    if mask.size:
        before = labels[window]
        allowed = ALLOWED.get("overwrite" if value == 0 else policy, _unknown)
        now = _placed(mask, tuple(part.start for part in box), window)
        now &= allowed(before, then) & (before != value)
    union = np.count_nonzero(then | now)
    return float(np.count_nonzero(then & now) / union) if union else 1.0


def _around(change: Change, box: Box | None) -> Box:
    """The box that holds a change, and another box."""
    sizes = zip(change.corner, change.changed.shape, strict=True)
    own = tuple(slice(start, start + size) for start, size in sizes)
    return tuple(
        slice(min(a.start, b.start), max(a.stop, b.stop))
        for a, b in zip(own, own if box is None else box, strict=True)
    )


def _placed(mask: Bool, corner: tuple[int, ...], window: Box) -> Bool:
    """A mask among False, in a box that holds it."""
    found = np.zeros([part.stop - part.start for part in window], bool)
    starts = [c - part.start for c, part in zip(corner, window, strict=True)]
    key = tuple(slice(s, s + n) for s, n in zip(starts, mask.shape, strict=True))
    found[key] = mask
    return found
