"""What finds many objects, in a thread of its own: no napari layer is asked here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from napari_sam21.core.automatic import (
    Filters,
    Found,
    Objects,
    find_seeds,
    refine_crops,
    segment_everything,
    segment_points,
    segment_tiles,
)
from napari_sam21.core.crops import Crop, crops_of
from napari_sam21.core.embedding import Embedding
from napari_sam21.core.framing import framed, region_about
from napari_sam21.core.geometry import Region
from napari_sam21.core.preprocess import resize
from napari_sam21.core.regions import level_of, regions_at
from napari_sam21.core.runtime import Cancellation
from napari_sam21.core.sam2 import Model
from napari_sam21.core.store import Store, encode_stored
from napari_sam21.layers.batch import Batch, Piece, PlaneLabels
from napari_sam21.layers.planes import Plane
from napari_sam21.layers.source import PlaneSource, Source, elsewhere

REST_SECONDS = 0.02
"""How often a job that rests looks whether it may go on."""

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Work:
    """What a job is given to work with.

    Attributes
    ----------
    model : Model
    store : Store
    cancel : Cancellation
    held : callable
        Whether the user waits for something: then the job rests.
    tell : callable
        Told what is done, and all there is.
    """

    model: Model
    store: Store
    cancel: Cancellation
    held: Callable[[], bool]
    tell: Callable[[int, int], None]

    def rest(self) -> None:
        """Let what the user waits for go first."""
        self.cancel.raise_if_wished()
        while self.held():
            time.sleep(REST_SECONDS)
            self.cancel.raise_if_wished()

    def progress(self, done: int, total: int) -> None:
        """Tell, then rest if need be."""
        self.tell(done, total)
        self.rest()

    def embed(self, source: Source) -> Embedding:
        """Read and embed; what is in the store already is taken from there."""
        self.rest()
        return encode_stored(self.model, source.read(), self.store, self.cancel)


@dataclass(frozen=True)
class Site:
    """Where a job works: a frozen look at one plane.

    Attributes
    ----------
    plane : Plane
    region : Region
        The one on show; the others are as large.
    source : Source
        Of the region, as it was seen when the job was given.
    taken : PlaneLabels or None
        Labels that are to stay as they are.
    """

    plane: Plane
    region: Region
    source: Source
    taken: PlaneLabels | None = None

    def part(self, region: Region) -> Source:
        """Return another region of the plane, never stretched beyond the finest."""
        return elsewhere(self.source, self.plane, framed(region))

    @property
    def level(self) -> int | None:
        """Of the regions; None is the whole plane."""
        return level_of(self.plane.shape, self.region)

    def around(self, point_rc: tuple[float, float]) -> Region:
        """Return the region in whose middle a point lies best."""
        if self.level is None:
            return self.region
        regions = regions_at(self.plane.shape, self.level)
        middles = np.array([[r.r0 + r.r1, r.c0 + r.c1] for r in regions]) / 2
        away = np.abs(middles - np.array(point_rc)).sum(axis=1)
        return regions[int(away.argmin())]


# --- on one plane ----------------------------------------------------------------


def everything_here(work: Work, site: Site, filters: Filters | None) -> Batch:
    """Find all objects of the region on show."""
    embedding = work.embed(site.part(site.region))
    found = segment_everything(
        work.model, embedding, filters, progress=work.progress, cancel=work.cancel
    )
    return _batch(site, found)


def everything_on_plane(work: Work, site: Site, filters: Filters | None) -> Batch:
    """Find all objects of the plane, in regions as large as the one on show."""
    found = segment_tiles(
        work.model,
        site.plane.shape,
        lambda region: work.embed(site.part(region)),
        site.level,
        filters,
        progress=work.progress,
        cancel=work.cancel,
    )
    return _batch(site, found)


def one_for_each_point(work: Work, site: Site, points_rc: Points) -> Batch:
    """Find one object for each point of the plane."""
    by_region: dict[Region, list[tuple[float, float]]] = {}
    for point in points_rc:
        by_region.setdefault(site.around(point), []).append(point)
    found: list[Found] = []
    for region, some in by_region.items():
        embedding = work.embed(site.part(region))
        answers = segment_points(work.model, embedding, some, cancel=work.cancel)
        found += [each for each in answers if each is not None]
        work.progress(len(found), len(points_rc))
    return _batch(site, _best_first(found, site))


def refined(work: Work, site: Site, labels: PlaneLabels, same_layer: bool) -> Batch:
    """Ask for every label of the plane again.

    Parameters
    ----------
    work : Work
    site : Site
    labels : PlaneLabels
    same_layer : bool
        Whether they are to give way to the refined ones, under their own numbers.
    """
    by_region: dict[Region, dict[int, Crop]] = {}
    for number, crop in crops_of(labels[:, :]).items():
        region = _region_for(site, crop)
        by_region.setdefault(region, {})[number] = crop
    total = sum(map(len, by_region.values()))
    found: dict[int, Found] = {}
    for region, crops in by_region.items():
        embedding = work.embed(site.part(region))
        answers = refine_crops(work.model, embedding, crops, cancel=work.cancel)
        found |= {n: each for n, each in answers.items() if each is not None}
        work.progress(len(found), total)
    if same_layer:
        return _own_numbers(site, found)
    return _batch(site, _best_first(found.values(), site))


def _own_numbers(site: Site, found: Mapping[int, Found]) -> Batch:
    """Labels that keep their numbers; no pixel in two of them."""
    apart = _best_first(found.values(), site).apart()
    # Each was asked at the deepest point of its label: no two have the same.
    names = {each.point_rc: n for n, each in found.items()}
    pieces = [Piece(names[e.point_rc], site.plane, e.crop, e.score) for e in apart]
    return Batch(tuple(pieces), {piece.number: piece.number for piece in pieces})


def _region_for(site: Site, crop: Crop) -> Region:
    r0, c0, r1, c1 = crop.window
    region = site.around(((r0 + r1) / 2, (c0 + c1) / 2))
    whole = region.r0 <= r0 and region.c0 <= c0 and r1 <= region.r1 and c1 <= region.c1
    return region if whole else region_about(site.plane.shape, [crop.window])


def _best_first(found: Iterable[Found], site: Site) -> Objects:
    window = (0, 0, *site.plane.shape)
    inside = [replace(each, crop=each.crop.clipped(window)) for each in found]
    kept = sorted((e for e in inside if e.crop), key=lambda each: -each.score)
    return Objects(tuple(kept), site.plane.shape)


def _batch(site: Site, found: Objects) -> Batch:
    apart = found.apart(site.taken)
    return Batch(
        tuple(
            Piece(n, site.plane, each.crop, each.score)
            for n, each in enumerate(apart, 1)
        )
    )


def seeds(
    work: Work, site: Site, diameter: float, method: str, dark: bool
) -> list[tuple[float, float]]:
    """Find the middles of blobs in the region on show.

    Parameters
    ----------
    work : Work
    site : Site
    diameter : float
        Of an object, in pixels of the plane.
    method, dark
        As for `core.automatic.find_seeds`.

    Returns
    -------
    list of (float, float)
        Row and column, plane frame.
    """
    source, region = site.source, site.region
    parts = [source] if isinstance(source, PlaneSource) else source.channels
    grey = np.mean(
        [each.square().mean(axis=2) for each in parts if each is not None], axis=0
    ).astype(np.float32)
    work.cancel.raise_if_wished()
    # The square is squashed: seeds are round, so it is made upright again.
    scale = min(1.0, grey.shape[0] / max(region.height, region.width))
    height, width = round(region.height * scale), round(region.width * scale)
    upright = resize(grey[..., None], height, width)[..., 0]
    places = find_seeds(upright, diameter * scale, method, dark)
    return [
        (region.r0 + (row + 0.5) / scale - 0.5, region.c0 + (col + 0.5) / scale - 0.5)
        for row, col in places
    ]
