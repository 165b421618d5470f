"""From logits to masks and back: one bilinear step, and only where it matters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from napari_sam21.core.errors import EmbeddingMismatchError, PromptError
from napari_sam21.core.geometry import LOGITS_SIDE, Region

if TYPE_CHECKING:
    from napari_sam21.core.embedding import Embedding

LOGITS_LIMIT = 32.0
"""Feedback logits are clamped to ± this, as the official predictor does."""

COVERAGE_MARGIN = 1e-3
"""Coverage of a cell is kept this far from 0 and 1 before it becomes a logit."""

CHUNK_PIXELS = 1 << 16
"""A mask is evaluated in blocks of rows of about this many pixels: they fit a cache."""

Float32 = npt.NDArray[np.float32]
Bool = npt.NDArray[np.bool_]


def _taps(
    start: int, stop: int, size_out: int, size_in: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Float32]:
    """Two source cells and the second one's weight for outputs ``start … stop``."""
    centres = (np.arange(start, stop) + 0.5) * (size_in / size_out) - 0.5
    centres = np.maximum(centres, 0.0)
    first = np.minimum(centres.astype(np.intp), size_in - 1)
    second = np.minimum(first + 1, size_in - 1)
    return first, second, (centres - first).astype(np.float32)


def upsample(
    logits: Float32, shape: tuple[int, int], window: tuple[int, int, int, int]
) -> Float32:
    """Evaluate a window of the bilinear resize of ``logits`` to ``shape``.

    Equal to ``torch.nn.functional.interpolate(..., mode="bilinear",
    align_corners=False, antialias=False)`` followed by a crop.

    Parameters
    ----------
    logits : array of float32, shape (h, w)
        Model frame, at any resolution.
    shape : (int, int)
        (H, W) of the full result.
    window : (int, int, int, int)
        ``(r0, c0, r1, c1)``, half-open, in pixels of the full result.

    Returns
    -------
    array of float32, shape (r1 - r0, c1 - c0)
    """
    r0, c0, r1, c1 = window
    left, right, across = _taps(c0, c1, shape[1], logits.shape[1])
    top, bottom, down = _taps(r0, r1, shape[0], logits.shape[0])
    low, high = (top[0], bottom[-1] + 1) if top.size else (0, 0)
    rows = logits[low:high]
    narrow = rows[:, left] * (1 - across) + rows[:, right] * across
    weight = down[:, None]
    result = narrow[top - low] * (1 - weight) + narrow[bottom - low] * weight
    return np.asarray(result, np.float32)


def positive_window(
    logits: Float32, shape: tuple[int, int]
) -> tuple[int, int, int, int] | None:
    """Bound where the resized logits can be positive; None if nowhere.

    An output is a convex combination of cells at most one cell away, so the bounding
    box of the positive cells, one cell wider, holds every positive output.
    """
    rows = np.flatnonzero((logits > 0).any(axis=1))
    if rows.size == 0:
        return None
    columns = np.flatnonzero((logits > 0).any(axis=0))
    edges = []
    for found, size_out, size_in in zip(
        (rows, columns), shape, logits.shape, strict=True
    ):
        scale = size_out / size_in
        start = int(np.floor((found[0] - 1) * scale))
        stop = int(np.ceil((found[-1] + 2) * scale))
        edges.append((max(start, 0), min(stop, size_out)))
    (r0, r1), (c0, c1) = edges
    return r0, c0, r1, c1


def crop_mask(logits: Float32, region: Region) -> tuple[Bool, tuple[int, int]]:
    """Threshold the resized logits at 0 inside their bounding box only.

    Parameters
    ----------
    logits : array of float32, shape (256, 256)
        Model frame.
    region : Region
        Where the logits lie in the plane.

    Returns
    -------
    mask : array of bool, shape (h, w)
        Tight around the object; (0, 0) if there is none.
    origin_rc : (int, int)
        Row and column of its first pixel, plane frame.
    """
    shape = (region.height, region.width)
    window = positive_window(logits, shape)
    if window is None:
        return np.zeros((0, 0), bool), (region.r0, region.c0)
    r0, c0, r1, c1 = window
    mask = np.empty((r1 - r0, c1 - c0), bool)
    rows = max(1, CHUNK_PIXELS // mask.shape[1])
    for start in range(r0, r1, rows):
        stop = min(start + rows, r1)
        block = upsample(logits, shape, (start, c0, stop, c1))
        np.greater(block, 0, out=mask[start - r0 : stop - r0])
    return tighten(mask, (r0 + region.r0, c0 + region.c0))


def tighten(mask: Bool, origin_rc: tuple[int, int]) -> tuple[Bool, tuple[int, int]]:
    """Cut a mask down to the bounding box of its True pixels."""
    rows = np.flatnonzero(mask.any(axis=1))
    if rows.size == 0:
        return mask[:0, :0], origin_rc
    columns = np.flatnonzero(mask.any(axis=0))
    tight = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return tight, (origin_rc[0] + int(rows[0]), origin_rc[1] + int(columns[0]))


def clip_to_plane(
    mask: Bool, origin_rc: tuple[int, int], plane_shape: tuple[int, int]
) -> tuple[Bool, tuple[int, int]]:
    """Cut off what lies beyond the plane, as a region of a small plane may reach."""
    (row, column), (height, width) = origin_rc, mask.shape
    top, left = max(-row, 0), max(-column, 0)
    bottom = min(height, plane_shape[0] - row)
    right = min(width, plane_shape[1] - column)
    if (top, left, bottom, right) == (0, 0, height, width):
        return mask, origin_rc
    kept = mask[top : max(bottom, top), left : max(right, left)]
    return tighten(kept, (row + top, column + left))


def mask_to_logits(mask: npt.ArrayLike, embedding: Embedding) -> Float32:
    """Turn a mask of the plane into logits that the decoder takes as a prompt.

    Each of the 256 x 256 cells gets the logit of the share of it that the mask
    covers, kept within 0.001 … 0.999 (so ± 6.9). Pass the result as ``previous``.

    Parameters
    ----------
    mask : array, shape (H, W)
        Plane frame; non-zero is the object. A label image ``labels == 7`` will do.
    embedding : Embedding
        Gives the plane's shape and the region.

    Returns
    -------
    array of float32, shape (256, 256)
        Model frame.

    Raises
    ------
    EmbeddingMismatchError
        If the mask has another shape than the embedded plane.
    PromptError
        If no pixel of the mask lies in the embedding's region.
    """
    found = np.asarray(mask)
    if found.shape != embedding.shape:
        raise EmbeddingMismatchError(
            f"the mask has shape {found.shape}, the embedded plane {embedding.shape}; "
            "pass a mask of the whole plane"
        )
    region = embedding.region
    r0, c0 = max(region.r0, 0), max(region.c0, 0)
    inside = np.zeros((region.height, region.width), bool)
    seen = found[r0 : max(region.r1, 0), c0 : max(region.c1, 0)] != 0
    top, left = r0 - region.r0, c0 - region.c0
    inside[top : top + seen.shape[0], left : left + seen.shape[1]] = seen
    if not inside.any():
        raise PromptError(
            f"the mask is empty inside the embedded region {tuple(region)}; nothing "
            "can be prompted with it"
        )
    return coverage_to_logits(inside)


def coverage_to_logits(inside: Bool) -> Float32:
    """Turn a mask of a region, of any resolution, into logits of 256 x 256 cells.

    Parameters
    ----------
    inside : array of bool, shape (h, w)
        Region frame.

    Returns
    -------
    array of float32, shape (256, 256)
        Model frame; the logit of each cell's covered share, within ± 6.9.
    """
    from napari_sam21.core.preprocess import resize

    image = inside.astype(np.float32)[..., None]
    coverage = resize(image, LOGITS_SIDE, LOGITS_SIDE)[..., 0]
    share = np.clip(coverage, COVERAGE_MARGIN, 1 - COVERAGE_MARGIN)
    logits: Float32 = np.log(share / (1 - share)).astype(np.float32)
    return logits
