"""From answers to candidates that pass the filters, as small pieces of logits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_sam21.core.automatic.options import Filters
from napari_sam21.core.crops import Crop
from napari_sam21.core.embedding import Answer
from napari_sam21.core.geometry import LOGITS_SIDE, Region
from napari_sam21.core.masks import LOGITS_LIMIT, crop_mask

Float32 = npt.NDArray[np.float32]
Cells = tuple[int, int, int, int]
"""``(r0, c0, r1, c1)``, half-open, in cells of the 256 x 256 logits."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """One mask that passed the filters, before it is drawn.

    Attributes
    ----------
    logits : array of float32, shape (h, w)
        The positive cells and a rim of one: all that its mask depends on.
    corner : (int, int)
        Row and column of the first cell.
    cells : Cells
        Bounding box of the positive cells.
    score, stability : float
    point_rc : (float, float)
        The grid point that was asked, plane frame.
    """

    logits: Float32
    corner: tuple[int, int]
    cells: Cells
    score: float
    stability: float
    point_rc: tuple[float, float]

    def crop(self, region: Region, plane_shape: tuple[int, int]) -> Crop:
        """Draw the mask: exactly what `Answer.crop` would give."""
        canvas = np.full((LOGITS_SIDE, LOGITS_SIDE), -LOGITS_LIMIT, np.float32)
        (row, column), (height, width) = self.corner, self.logits.shape
        canvas[row : row + height, column : column + width] = self.logits
        return Crop(*crop_mask(canvas, region)).clipped((0, 0, *plane_shape))


def candidates(
    answer: Answer, point_rc: tuple[float, float], filters: Filters
) -> Iterator[Candidate]:
    """Yield the candidates of an answer that pass, cheapest test first."""
    most = filters.max_share * LOGITS_SIDE**2
    for score, logits in zip(answer.scores, answer.logits, strict=True):
        if score <= filters.min_score:
            continue
        cells = positive_cells(logits)
        if cells is None:
            continue
        window = widened(cells)
        piece = logits[window[0] : window[2], window[1] : window[3]]
        # The wider cut may reach beyond the rim, so it is made in all cells.
        stable = stability(logits, filters.offset)
        if stable >= filters.min_stability and np.count_nonzero(piece > 0) <= most:
            corner = (window[0], window[1])
            yield Candidate(piece.copy(), corner, cells, float(score), stable, point_rc)


def stability(logits: Float32, offset: float = 1.0) -> float:
    """Return IoU of the masks cut at ``+offset`` and at ``-offset``; 0 if empty."""
    inner = int(np.count_nonzero(logits > offset))
    outer = int(np.count_nonzero(logits > -offset))
    return inner / outer if outer else 0.0


def positive_cells(logits: Float32) -> Cells | None:
    """Return the bounding box of the positive cells; None if there are none."""
    positive = logits > 0
    rows = np.flatnonzero(positive.any(axis=1))
    if rows.size == 0:
        return None
    columns = np.flatnonzero(positive[rows[0] : rows[-1] + 1].any(axis=0))
    return int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1


def widened(cells: Cells) -> Cells:
    """Return a box of cells with a rim of one, inside the logits."""
    r0, c0, r1, c1 = cells
    side = LOGITS_SIDE
    return max(r0 - 1, 0), max(c0 - 1, 0), min(r1 + 1, side), min(c1 + 1, side)


def distinct(
    boxes: npt.ArrayLike, scores: Sequence[float], max_iou: float
) -> list[int]:
    """Return which boxes stay: non-maximum suppression, best score first.

    Parameters
    ----------
    boxes : array, shape (N, 4)
        ``(r0, c0, r1, c1)``, in one frame, half-open.
    scores : sequence of float
    max_iou : float
        Boxes that overlap a better one by more go.
    """
    edges = np.asarray(boxes, float).reshape(-1, 4)
    left = np.argsort(-np.asarray(scores, float), kind="stable")
    kept = []
    while left.size:
        best, left = left[0], left[1:]
        kept.append(int(best))
        left = left[_box_ious(edges[best], edges[left]) <= max_iou]
    return kept


def _box_ious(
    one: npt.NDArray[np.float64], others: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    low = np.maximum(others[:, :2], one[:2])
    high = np.minimum(others[:, 2:], one[2:])
    both = np.clip(high - low, 0, None).prod(axis=1)
    areas = (others[:, 2:] - others[:, :2]).prod(axis=1)
    union = areas + (one[2:] - one[:2]).prod() - both
    ious: npt.NDArray[np.float64] = both / np.maximum(union, 1e-9)
    return ious


def best_of(found: Sequence[Candidate], filters: Filters) -> list[Candidate]:
    """Drop candidates that a better one replaces, best first."""
    scores = [each.score for each in found]
    boxes = [each.cells for each in found]
    return [found[index] for index in distinct(boxes, scores, filters.max_box_iou)]
