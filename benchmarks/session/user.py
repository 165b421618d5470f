"""Where a simulated user clicks: decided from the truth, or as it was recorded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from training.clicks import deepest, iou, next_click

GOOD = 0.85
"""IoU with the truth that this user is content with."""
MOST = 4
"""Clicks on one object at most."""

Mask = npt.NDArray[np.bool_]
RowColumn = tuple[int, int]
Click = tuple[RowColumn, int]
"""A pixel of the plane, and 1 on the object or 0 beside it."""


class User(Protocol):
    """Who looks at a preview, and clicks once more or is content."""

    def correct(
        self, place: int, shown: Mask, truth: Mask, clicks: int
    ) -> Click | None:
        """Return the next click of a row of the script, or None."""


@dataclass
class Live:
    """Clicks as RITM does: in the middle of the larger error, until it is good.

    Attributes
    ----------
    noted : list of (int, Click)
        Each correction, by its row.
    """

    noted: list[tuple[int, Click]] = field(default_factory=list)

    def correct(
        self, place: int, shown: Mask, truth: Mask, clicks: int
    ) -> Click | None:
        """Click where the mask is most wrong."""
        if clicks >= MOST or iou(shown, truth) >= GOOD:
            return None
        click = next_click(shown, truth)
        self.noted.append((place, click))
        return click


class Recorded:
    """Clicks as somebody did before, whatever is shown.

    Parameters
    ----------
    noted : list of (int, Click)
    """

    def __init__(self, noted: list[tuple[int, Click]]) -> None:
        self._left = list(noted)

    def correct(
        self, place: int, shown: Mask, truth: Mask, clicks: int
    ) -> Click | None:
        """Click as it was noted."""
        if self._left and self._left[0][0] == place:
            return self._left.pop(0)[1]
        return None


def first_click(truth: Mask) -> RowColumn:
    """Return the innermost pixel of an object."""
    return deepest(truth)[1]


def box_of(truth: Mask) -> tuple[RowColumn, RowColumn]:
    """Return the first and the last corner of an object, inclusive."""
    rows, columns = (np.flatnonzero(truth.any(axis=axis)) for axis in (1, 0))
    return (int(rows[0]), int(columns[0])), (int(rows[-1]), int(columns[-1]))
