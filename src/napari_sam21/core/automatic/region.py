"""Ask one region at many points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from napari_sam21.core.automatic.candidates import (
    Candidate,
    best_of,
    candidates,
    stability,
)
from napari_sam21.core.automatic.objects import Found, Objects, ordered
from napari_sam21.core.automatic.options import Filters, Progress, filters_for
from napari_sam21.core.crops import Crop
from napari_sam21.core.embedding import Embedding
from napari_sam21.core.geometry import Region
from napari_sam21.core.prompts import POSITIVE, Prompts
from napari_sam21.core.runtime import Cancellation
from napari_sam21.core.sam2 import BATCH, Model

HELD = 64 << 20
"""Bytes of candidates that wait; then those that others replace are dropped."""

RowColumn = tuple[float, float]


def grid_points(region: Region, per_side: int) -> list[RowColumn]:
    """Return the middles of ``per_side`` x ``per_side`` equal parts of a region.

    Returns
    -------
    list of (float, float)
        Row and column, plane frame, in reading order.
    """
    steps = (np.arange(per_side) + 0.5) / per_side
    rows = region.r0 + steps * region.height - 0.5
    columns = region.c0 + steps * region.width - 0.5
    return [(float(row), float(column)) for row in rows for column in columns]


def segment_everything(
    model: Model,
    embedding: Embedding,
    filters: Filters | None = None,
    *,
    progress: Progress | None = None,
    cancel: Cancellation | None = None,
) -> Objects:
    """Find all objects of one region by a grid of points.

    Each point has three candidates, as in the official generator: part, whole and
    in between all count, and the filters decide.

    Parameters
    ----------
    model : Model
    embedding : Embedding
        Of the region.
    filters : Filters, optional
    progress : callable, optional
        Called after each batch with the points done, and all points.
    cancel : Cancellation, optional
        Heard between batches.

    Returns
    -------
    Objects
        Best first; they may overlap, `Objects.labels` paints them apart.

    Raises
    ------
    Cancelled
        If ``cancel`` was called.
    """
    chosen = filters or filters_for(model)
    points = grid_points(embedding.region, chosen.points_per_side)
    # Points of a region that reaches beyond the plane ask for nothing there.
    inside = [point for point in points if _on_plane(point, embedding.shape)]
    found = found_at(model, embedding, inside, chosen, progress, cancel)
    return ordered(found, embedding.shape)


def found_at(
    model: Model,
    embedding: Embedding,
    points_rc: Sequence[RowColumn],
    filters: Filters,
    progress: Progress | None = None,
    cancel: Cancellation | None = None,
) -> list[Found]:
    """Return the objects that points of one region lead to, and that pass."""
    held: list[Candidate] = []
    for start in range(0, len(points_rc), BATCH):
        if cancel is not None:
            cancel.raise_if_wished()
        batch = points_rc[start : start + BATCH]
        answers = model.decode_many(embedding, [_click(point) for point in batch])
        for point, answer in zip(batch, answers, strict=True):
            held += candidates(answer, point, filters)
        if sum(each.logits.nbytes for each in held) > HELD:
            held = best_of(held, filters)
        if progress is not None:
            progress(start + len(batch), len(points_rc))
    return list(_drawn(best_of(held, filters), embedding, filters))


def _drawn(
    found: Sequence[Candidate], embedding: Embedding, filters: Filters
) -> Iterator[Found]:
    region, shape = embedding.region, embedding.shape
    for each in found:
        crop = each.crop(region, shape)
        if crop and crop.area >= filters.min_area:
            yield Found(crop, each.score, each.stability, each.point_rc, region)


def segment_points(
    model: Model,
    embedding: Embedding,
    points_rc: Sequence[RowColumn],
    *,
    progress: Progress | None = None,
    cancel: Cancellation | None = None,
) -> tuple[Found | None, ...]:
    """Find one object for each point: its best candidate, whatever its score.

    Parameters
    ----------
    model : Model
    embedding : Embedding
    points_rc : sequence of (float, float)
        Row and column, plane frame, inside the region.
    progress, cancel
        As for `segment_everything`.

    Returns
    -------
    tuple of (Found or None)
        One for each point, in order; None where the mask is empty.
    """
    asked = [_click((float(row), float(column))) for row, column in points_rc]
    return one_each(model, embedding, asked, None, progress, cancel)


def one_each(
    model: Model,
    embedding: Embedding,
    prompts: Sequence[Prompts],
    previous: Sequence[np.ndarray] | None = None,
    progress: Progress | None = None,
    cancel: Cancellation | None = None,
) -> tuple[Found | None, ...]:
    """Return the best candidate of each object that is asked for."""
    found: list[Found | None] = []
    for start in range(0, len(prompts), BATCH):
        if cancel is not None:
            cancel.raise_if_wished()
        batch = slice(start, start + BATCH)
        given = None if previous is None else previous[batch]
        answers = model.decode_many(embedding, prompts[batch], given)
        for each, answer in zip(prompts[batch], answers, strict=True):
            crop = Crop(*answer.crop())
            score = float(answer.scores[answer.index])
            stable = stability(answer.logits[answer.index])
            point = each.corners_rc[0]
            one = Found(crop, score, stable, point, embedding.region)
            found.append(one if crop else None)
        if progress is not None:
            progress(len(found), len(prompts))
    return tuple(found)


def _click(point_rc: RowColumn) -> Prompts:
    return Prompts([point_rc], [POSITIVE])


def _on_plane(point_rc: RowColumn, shape: tuple[int, int]) -> bool:
    return all(
        -0.5 <= at <= size - 0.5 for at, size in zip(point_rc, shape, strict=True)
    )
