"""A whole plane, tile by tile: each point is asked once, cut objects become whole.

Regions of one level overlap by half a side. A grid point is asked in the region in
whose middle it lies, so an object has at least a quarter of a side around the point.
What reaches the edge of a region all the same is *cut*: it gives way to an object of
another region that agrees with it where both see, else the pieces are joined.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from napari_sam21.core.automatic.candidates import distinct
from napari_sam21.core.automatic.objects import Found, Objects, ordered
from napari_sam21.core.automatic.options import Filters, Progress, filters_for
from napari_sam21.core.automatic.region import RowColumn, found_at, grid_points
from napari_sam21.core.crops import around, boxes_of, common_window, touching
from napari_sam21.core.embedding import Embedding
from napari_sam21.core.geometry import Region, whole_plane
from napari_sam21.core.regions import levels_of, regions_at, side_of
from napari_sam21.core.runtime import Cancellation
from napari_sam21.core.sam2 import Model

AGREE = 0.5
"""IoU, where two regions overlap, from which two masks are one object."""

Encode = Callable[[Region], Embedding]
"""Gives the embedding of a region; where it comes from is the caller's affair."""


def segment_tiles(
    model: Model,
    plane_shape: tuple[int, int],
    encode: Encode,
    level: int | None = None,
    filters: Filters | None = None,
    *,
    progress: Progress | None = None,
    cancel: Cancellation | None = None,
) -> Objects:
    """Find all objects of a plane, region by region.

    Parameters
    ----------
    model : Model
    plane_shape : (int, int)
        (H, W).
    encode : callable
        Gets a `Region`, returns its embedding: ``lambda region: model.encode(image,
        region=region)``. Called once for each region, in reading order.
    level : int, optional
        Of the pyramid: regions of 1024 · 2^level pixels a side, from −2. Default: the
        whole plane as one region.
    filters, progress, cancel
        As for `segment_everything`; ``points_per_side`` is of one region.

    Raises
    ------
    Cancelled
        If ``cancel`` was called.
    """
    chosen = filters or filters_for(model)
    tiles = tiles_of(plane_shape, level, chosen.points_per_side)
    total = sum(len(points) for _, points in tiles)
    found: list[Found] = []
    done = 0
    for region, points in tiles:
        report = _from(done, total, progress)
        if cancel is not None:
            cancel.raise_if_wished()
        found += found_at(model, encode(region), points, chosen, report, cancel)
        done += len(points)
    return ordered(whole_objects(found, plane_shape, chosen), plane_shape)


def tiles_of(
    plane_shape: tuple[int, int], level: int | None, per_side: int
) -> list[tuple[Region, list[RowColumn]]]:
    """Return the regions of a level, and the grid points that each is asked for.

    The grid is one over the whole plane, as dense as ``per_side`` points a region.
    """
    whole = whole_plane(plane_shape)
    if level is None or level not in levels_of(plane_shape):
        return [(whole, grid_points(whole, per_side))]
    regions = regions_at(plane_shape, level)
    middles = np.array([[r.r0 + r.r1, r.c0 + r.c1] for r in regions]) / 2
    tiles: list[list[RowColumn]] = [[] for _ in regions]
    counts = [max(1, round(n * per_side / side_of(level))) for n in plane_shape]
    for point in _grid(plane_shape, counts):
        # The sum, so that the nearest row of regions and the nearest column are taken.
        away = np.abs(middles - np.array(point)).sum(axis=1)
        tiles[int(away.argmin())].append(point)
    return [(r, points) for r, points in zip(regions, tiles, strict=True) if points]


def _grid(shape: tuple[int, int], counts: Sequence[int]) -> list[RowColumn]:
    rows, columns = (
        (np.arange(count) + 0.5) * size / count - 0.5
        for size, count in zip(shape, counts, strict=True)
    )
    return [(float(row), float(column)) for row in rows for column in columns]


def whole_objects(
    found: Sequence[Found], plane_shape: tuple[int, int], filters: Filters
) -> list[Found]:
    """Make whole what tiles cut, then drop what is there twice."""
    cut = [each for each in found if is_cut(each, plane_shape)]
    whole = [each for each in found if not is_cut(each, plane_shape)]
    boxes = boxes_of([each.crop for each in whole])
    orphans = [
        piece
        for piece in cut
        if not any(
            agree(piece, whole[index]) for index in touching(piece.crop.window, boxes)
        )
    ]
    every = [*whole, *(_joined(group) for group in _groups(orphans))]
    stays = distinct(
        boxes_of([each.crop for each in every]),
        [each.score for each in every],
        filters.max_box_iou,
    )
    return [every[index] for index in stays]


def is_cut(found: Found, plane_shape: tuple[int, int]) -> bool:
    """Whether an object reaches an edge of its region inside the plane."""
    whole = whole_plane(plane_shape)
    r0, c0, r1, c1 = found.crop.window
    region = found.region
    return (
        (r0 <= region.r0 > whole.r0)
        or (c0 <= region.c0 > whole.c0)
        or (r1 >= region.r1 < whole.r1)
        or (c1 >= region.c1 < whole.c1)
    )


def agree(one: Found, other: Found) -> bool:
    """Whether two regions' masks are the same object where both regions see."""
    if one.region == other.region:
        return False
    seen = common_window(one.region, other.region)
    if seen is None:
        return False
    return one.crop.clipped(seen).iou(other.crop.clipped(seen)) >= AGREE


def _groups(pieces: Sequence[Found]) -> list[list[Found]]:
    """Return the pieces that hang together, through others if need be."""
    group = list(range(len(pieces)))
    boxes = boxes_of([piece.crop for piece in pieces])
    for one, piece in enumerate(pieces):
        for other in touching(piece.crop.window, boxes[:one]):
            if agree(piece, pieces[other]):
                old, new = group[one], group[other]
                group = [new if each == old else each for each in group]
    members: dict[int, list[Found]] = {}
    for number, piece in zip(group, pieces, strict=True):
        members.setdefault(number, []).append(piece)
    return list(members.values())


def _joined(pieces: Sequence[Found]) -> Found:
    """Return one object of pieces; its scores are theirs, weighted by area."""
    if len(pieces) == 1:
        return pieces[0]
    best = max(pieces, key=lambda piece: piece.score)
    crop = pieces[0].crop
    for piece in pieces[1:]:
        crop = crop.joined(piece.crop)
    weights = np.array([piece.crop.area for piece in pieces], float)
    return Found(
        crop,
        float(np.average([piece.score for piece in pieces], weights=weights)),
        float(np.average([piece.stability for piece in pieces], weights=weights)),
        best.point_rc,
        Region(*around([piece.region for piece in pieces])),
    )


def _from(done: int, total: int, progress: Progress | None) -> Progress | None:
    """Return what counts the points of one region on from those before."""
    if progress is None:
        return None
    return lambda here, _: progress(done + here, total)
