"""The script, as data: what the hand does, to which object, and what comes of it.

Targets are numbers of the true labels; labels are the ids that the plugin must give.
Nothing here depends on a model's masks: where a user clicks to correct is decided from
the truth, when the script is recorded (`user.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_sam21.samples import contrast_limits, read_image, read_labels

SHORT = 7
"""Clicked objects of each image in the short script, which the suite plays."""


class Gesture(StrEnum):
    """What the user wants, each by one or more gestures of the hand."""

    CLICK = "click"
    BOX = "box"
    EDIT = "edit"
    DELETE = "delete"
    MISTAKE = "mistake"
    UNDO = "undo"
    REDO = "redo"
    MERGE = "merge"
    CARRY = "carry"


@dataclass(frozen=True)
class Row:
    """One line of the script.

    Attributes
    ----------
    gesture : Gesture
    target : int
        The true label it is about; 0 for none.
    label : int
        The id that holds it afterwards, or that is gone; 0: nothing new.
    times : int
        How often, for undo and redo.
    back : int
        The labels are then as they were so many rows ago, bit for bit; 0: otherwise.
    with_label : int
        The other id, for merging.
    """

    gesture: Gesture
    target: int = 0
    label: int = 0
    times: int = 1
    back: int = 0
    with_label: int = 0


@dataclass(frozen=True)
class Scene:
    """One image, and what is done on it.

    Attributes
    ----------
    image, truth : callable
        Return the pixels, and the true labels of the same plane or stack.
    rows, short : tuple of Row
        The whole script, and the one that the suite plays.
    attributes : callable
        Returns those of the image layer.
    """

    image: Callable[[], npt.NDArray[Any]]
    truth: Callable[[], npt.NDArray[Any]]
    rows: tuple[Row, ...]
    short: tuple[Row, ...]
    attributes: Callable[[], dict[str, Any]] = dict


def made(
    gesture: Gesture, targets: Sequence[int], first: int, *more: Row
) -> Iterator[Row]:
    """One row for each target, labels from a first one on; then other rows."""
    for label, target in enumerate(targets, first):
        yield Row(gesture, target, label)
    yield from more


def second_thoughts(first: int, target: int, wrong: int) -> Iterator[Row]:
    """Edit, delete, take that back, do it again, make a mistake: ids from first on.

    Labels 3 and 5 are there already. The id of the mistake is not given again.
    """
    yield Row(Gesture.EDIT, target, 3)
    yield Row(Gesture.DELETE, 0, 5)
    yield Row(Gesture.UNDO, times=3, back=2)  # cleared, taken up, taken out
    yield Row(Gesture.REDO, times=3, back=2)
    yield Row(Gesture.MISTAKE, wrong, first, back=1)


def fluorescence(clicked: Sequence[int], boxed: Sequence[int]) -> tuple[Row, ...]:
    """Clicks, boxes, second thoughts, one object more; then a merge."""
    boxes = len(clicked) + 1
    wrong = boxes + len(boxed)
    return (
        *made(Gesture.CLICK, clicked, 1),
        *made(Gesture.BOX, boxed, boxes),
        *second_thoughts(wrong, clicked[2], wrong=LAST),
        *made(Gesture.CLICK, [LAST], wrong + 1),
        Row(Gesture.MERGE, 0, 1, with_label=2),
    )


CLICKED = (
    *(2, 6, 8, 12, 15, 18, 21, 24, 27, 30, 33, 36),
    *(39, 44, 47, 50, 53, 56, 62, 65, 68, 75, 59),
)
BOXED, LAST = (81, 84, 88, 91, 94, 97, 100), 104
TISSUE = (2, 6, 12, 18, 27, 45, 53)
DEPTH = (1, 2, 3, 4)


def blobs() -> npt.NDArray[np.uint16]:
    """Four ellipsoids in 7 slices of 256²; two of them touch."""
    z, r, c = np.ogrid[:7, :256, :256]
    labels = np.zeros((7, 256, 256), np.uint16)
    for number, (row, column, radius) in enumerate(
        ((60, 60, 20), (60, 190, 24), (180, 100, 22), (180, 143, 21)), 1
    ):
        far = ((r - row - z) ** 2 + (c - column) ** 2) / radius**2
        labels[(far + ((z - 3) / 3.4) ** 2 < 1) & (labels == 0)] = number
    return labels


def stack() -> npt.NDArray[np.uint8]:
    """An image of them: blurred, with noise."""
    from scipy.ndimage import gaussian_filter

    bright = np.array([20.0, 120, 150, 110, 160])[blobs()]
    noise = np.random.default_rng(7).normal(0, 8, bright.shape)
    clean = gaussian_filter(bright, (0, 1.2, 1.2))
    return np.asarray(np.clip(clean + noise, 0, 255), np.uint8)


SCENES = MappingProxyType(
    {
        "fluorescence": Scene(
            lambda: read_image("fluorescence"),
            lambda: read_labels("fluorescence"),
            fluorescence(CLICKED, BOXED),
            fluorescence(CLICKED[:SHORT], BOXED[:2]),
            lambda: {"contrast_limits": contrast_limits(read_image("fluorescence"))},
        ),
        "histology": Scene(
            lambda: read_image("histology"),
            lambda: read_labels("histology"),
            tuple(made(Gesture.CLICK, TISSUE, 1)),
            tuple(made(Gesture.CLICK, TISSUE[:2], 1)),
        ),
        "stack": Scene(
            stack,
            blobs,
            tuple(made(Gesture.CARRY, DEPTH, 1)),
            tuple(made(Gesture.CARRY, DEPTH[2:], 1)),
            lambda: {"scale": (2.0, 0.5, 0.5), "units": ("um",) * 3},
        ),
    }
)
"""In the order in which they are annotated."""


def rows_of(scene: str, whole: bool) -> tuple[Row, ...]:
    """Return the rows of a scene."""
    return SCENES[scene].rows if whole else SCENES[scene].short


def expected_ids(rows: Sequence[Row]) -> set[int]:
    """Return the labels that must be there in the end, and no other."""
    making = (Gesture.CLICK, Gesture.BOX, Gesture.CARRY)
    ids = {row.label for row in rows if row.gesture in making}
    ids -= {row.label for row in rows if row.gesture == Gesture.DELETE}
    return ids - {row.with_label for row in rows}
