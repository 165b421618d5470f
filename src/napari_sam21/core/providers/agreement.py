"""How far two ways to run a model agree: pure arithmetic."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import numpy.typing as npt

from napari_sam21.core.providers.way import EXACT

MIN_CORRELATION = 0.999
"""Of features, and of logits, for any model."""
MIN_IOU = 0.99
"""Mean over the prompts, of the masks of a trained model."""
MIN_ONE_IOU = 0.9
"""Of each of them: one mask that is another object is not a rounding error."""
MAX_SCORE_CHANGE = 0.02
"""Of a predicted IoU: more, and another candidate is chosen."""
MAX_EXACT_ERROR = 1e-3
"""Relative error (RMS) of what calls itself exact; another order of sums makes 1e-6."""

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Agreement:
    """How far a way agrees with exact float32 on the CPU.

    Attributes
    ----------
    correlation : float
        The smallest, of all outputs.
    error : float
        The largest relative error of an output: RMS of the difference over RMS.
    score_change : float
        Of a predicted IoU, at most.
    iou, worst_iou : float or None
        Of masks, mean and smallest; None for a model that is not trained, whose masks
        are noise.
    """

    correlation: float
    error: float
    score_change: float = 0.0
    iou: float | None = None
    worst_iou: float | None = None

    def problem(self, precision: str) -> str:
        """Say what is wrong; empty if it agrees as well as a precision promises."""
        if self.correlation < MIN_CORRELATION:
            return f"correlation {self.correlation:.5f}, expected {MIN_CORRELATION}"
        if self.score_change > MAX_SCORE_CHANGE:
            return f"scores differ by {self.score_change:.3f}"
        if self.iou is not None and self.iou < MIN_IOU:
            return f"mask IoU {self.iou:.4f}, expected {MIN_IOU}"
        if self.worst_iou is not None and self.worst_iou < MIN_ONE_IOU:
            return f"a mask with IoU {self.worst_iou:.3f}, expected {MIN_ONE_IOU}"
        if precision == EXACT and self.error > MAX_EXACT_ERROR:
            return f"relative error {self.error:.1e} of what should be exact"
        return ""


def correlation(found: Floats, reference: Floats) -> float:
    """Return Pearson's correlation of two arrays; 0 if either is not finite."""
    a, b = (each.astype(np.float64).ravel() for each in (found, reference))
    a, b = a - a.mean(), b - b.mean()
    size = np.sqrt((a @ a) * (b @ b))
    if size == 0:
        return 1.0 if np.array_equal(found, reference) else 0.0
    value = float((a @ b) / size)
    return value if math.isfinite(value) else 0.0


def relative_error(found: Floats, reference: Floats) -> float:
    """Return RMS of the difference over RMS of the reference; inf if not finite."""
    a, b = (each.astype(np.float64).ravel() for each in (found, reference))
    size = np.sqrt(b @ b)
    difference = np.sqrt((a - b) @ (a - b))
    value = float(difference / size if size else difference)
    return value if math.isfinite(value) else math.inf


def iou(found: Bools, reference: Bools) -> float:
    """Return intersection over union; 1 for two that are empty."""
    union = int((found | reference).sum())
    return int((found & reference).sum()) / union if union else 1.0


def compare(
    pairs: Iterable[tuple[Floats, Floats]],
    scores: Sequence[tuple[Floats, Floats]] = (),
    masks: Sequence[tuple[Bools, Bools]] = (),
) -> Agreement:
    """Compare outputs with the reference's.

    Parameters
    ----------
    pairs : iterable of (array, array)
        Features or logits of float32, found and reference.
    scores : sequence of (array, array)
        Predicted IoUs.
    masks : sequence of (array, array)
        Masks of a trained model; empty if it is not.
    """
    listed = list(pairs)
    overlaps = [iou(*each) for each in masks]
    changes = [float(np.nan_to_num(abs(a - b), nan=np.inf).max()) for a, b in scores]
    return Agreement(
        min((correlation(*each) for each in listed), default=1.0),
        max((relative_error(*each) for each in listed), default=0.0),
        max(changes, default=0.0),
        fmean(overlaps) if overlaps else None,
        min(overlaps, default=None),
    )
