"""Judgements on numbers and label images; each is right on cases done by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.evaluation.patches import Labels, Patch

THRESHOLDS = np.arange(50, 100, 5) / 100
"""IoU thresholds of mSA: .50, .55 … .95."""
SAME = 0.01
"""Candidates whose IoU differ by no more are equally good."""
BINS = 10


@dataclass(frozen=True)
class Bin:
    """Answers whose predicted IoU falls into one tenth.

    Attributes
    ----------
    low, high : float
        Of the predicted IoU; the highest bin holds 1 too.
    count : int
    predicted, reached : float or None
        Means; None if the bin is empty.
    """

    low: float
    high: float
    count: int
    predicted: float | None
    reached: float | None


def clicks_to(ious: Sequence[float], goal: float, most: int) -> tuple[int, bool]:
    """Return NoC@goal of one object and whether it was never reached.

    Parameters
    ----------
    ious : sequence of float
        After 1, 2, … clicks, at most ``most`` of them.
    goal : float
    most : int
        What an object counts that never gets there, as in RITM.
    """
    for number, value in enumerate(ious[:most], 1):
        if value >= goal:
            return number, False
    return most, True


def agrees(reached: Sequence[float], chosen: int) -> bool:
    """Whether the chosen candidate is the best, or as good (within `SAME`)."""
    return max(reached) - reached[chosen] <= SAME + 1e-9


def merge(patches: Sequence[Patch], shape: tuple[int, int]) -> Labels:
    """Paint masks into one label image (H, W), largest first, as micro-sam does."""
    plane = np.zeros(shape, np.int64)
    largest_first = sorted(patches, key=lambda patch: patch.area, reverse=True)
    for number, patch in enumerate(largest_first, 1):
        r0, c0, r1, c1 = patch.window
        plane[r0:r1, c0:c1][patch.mask] = number
    return plane


def mean_segmentation_accuracy(found: Labels, truth: Labels) -> float:
    """Return mSA: TP / (TP + FP + FN), averaged over `THRESHOLDS`.

    Parameters
    ----------
    found, truth : array of int, shape (H, W)
        0 is background.

    Notes
    -----
    As ``elf.evaluation.mean_segmentation_accuracy``, which micro-sam uses.
    """
    overlaps = _pairwise_iou(found, truth)
    if not overlaps.size:
        return 1.0 if overlaps.shape == (0, 0) else 0.0
    return float(np.mean([_accuracy(overlaps >= t - 1e-9) for t in THRESHOLDS]))


def _accuracy(match: npt.NDArray[np.bool_]) -> float:
    """TP / (TP + FP + FN); above an IoU of .5 nobody has two partners."""
    hits = min(int(match.any(axis=1).sum()), int(match.any(axis=0).sum()))
    return hits / (sum(match.shape) - hits)


def _pairwise_iou(found: Labels, truth: Labels) -> npt.NDArray[np.float64]:
    """IoU of each found (rows) with each true object (columns)."""
    _, rows = np.unique(found, return_inverse=True)
    _, columns = np.unique(truth, return_inverse=True)
    height, width = int(rows.max()) + 1, int(columns.max()) + 1
    pairs = np.bincount(rows.ravel() * width + columns.ravel(), None, height * width)
    common = pairs.reshape(height, width)
    union = common.sum(1)[:, None] + common.sum(0)[None] - common
    ious: npt.NDArray[np.float64] = common / union
    return ious[int(not found.all()) :, int(not truth.all()) :]


def calibration(
    predicted: Sequence[float], reached: Sequence[float], bins: int = BINS
) -> list[Bin]:
    """Compare predicted with reached IoU in equal bins of 0 … 1.

    What is predicted outside 0 … 1 counts in the first or the last bin.
    """
    said, got = np.asarray(predicted, float), np.asarray(reached, float)
    place = np.clip((said * bins).astype(int), 0, bins - 1)
    table = []
    for number in range(bins):
        mine = place == number
        count = int(mine.sum())
        means = (
            (round(float(said[mine].mean()), 4), round(float(got[mine].mean()), 4))
            if count
            else (None, None)
        )
        table.append(Bin(number / bins, (number + 1) / bins, count, *means))
    return table
