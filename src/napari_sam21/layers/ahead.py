"""What may be embedded ahead of an image: neighbours of a view, or a whole plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, product

from napari_sam21.core.errors import PlanError
from napari_sam21.core.fill import how_much
from napari_sam21.core.geometry import Region, whole_plane
from napari_sam21.core.regions import beside, count_at, levels_of, regions_at, side_of
from napari_sam21.layers.planes import Plane

REACH = 2
"""Slices to each side that are neighbours."""
SLICES, REGIONS = 4, 4
"""Neighbours at most, of each kind."""

SILLY = 10_000
"""Embeddings of a plan at most: beyond 168 GB it is a slip of the hand."""

Target = tuple[Plane, Region]
"""One thing to embed."""
Spans = Mapping[int, range]
"""Which slices of which hidden axes; of the others the one on show."""


def neighbours(plane: Plane, shape: Sequence[int], region: Region) -> list[Target]:
    """Return where a user may go next: slices of the same region, then regions.

    Parameters
    ----------
    plane : Plane
        The one on show.
    shape : sequence of int
        Of level 0.
    region : Region
        What the model sees of it.
    """
    steps = [step for size in range(1, REACH + 1) for step in (size, -size)]
    slices = [
        (moved(plane, {axis: index + step}), region)
        for step in steps
        for axis, index in reversed(plane.hidden)
        if 0 <= index + step < shape[axis]
    ]
    regions = [(plane, each) for each in beside(plane.shape, region)]
    return slices[:SLICES] + regions[:REGIONS]


def moved(plane: Plane, indices: Mapping[int, int]) -> Plane:
    """Return the plane at other slices of some hidden axes."""
    hidden = tuple((axis, indices.get(axis, index)) for axis, index in plane.hidden)
    return replace(plane, hidden=hidden)


@dataclass(frozen=True)
class Plan:
    """What to embed ahead, in this order.

    Attributes
    ----------
    targets : tuple of (Plane, Region)
    wanted : int
        How many were wanted; more than there are targets if not all can be kept.
    """

    targets: tuple[Target, ...]
    wanted: int

    @property
    def is_cut(self) -> bool:
        """Whether there is no room for all that was wanted."""
        return len(self.targets) < self.wanted


def regions_of(plane_shape: tuple[int, int], level: int | None) -> Sequence[Region]:
    """Return all regions of a level; None is the whole plane.

    Raises
    ------
    PlanError
        If they are too many.
    """
    if level is None:
        return (whole_plane(plane_shape),)
    _check(count_at(plane_shape, level))
    return regions_at(plane_shape, level)


def level_named(plane_shape: tuple[int, int], side: int) -> int:
    """Return the level of the regions of a side.

    Raises
    ------
    PlanError
        If there are none of this side.
    """
    sides = {side_of(level): level for level in levels_of(plane_shape)}
    if side not in sides:
        known = ", ".join(map(str, sides)) or "none: the plane is small"
        height, width = plane_shape
        raise PlanError(
            f"there are no regions of {side} pixels in a plane of {height} x {width}; "
            f"there are: {known}; or take the whole plane"
        )
    return sides[side]


def make_plan(
    plane: Plane, spans: Spans, regions: Sequence[Region], capacity: int
) -> Plan:
    """Plan slices times regions, nearest to the plane on show first.

    Parameters
    ----------
    plane : Plane
    spans : mapping of axis to range
        Slices of hidden axes.
    regions : sequence of Region
        The same ones of each slice.
    capacity : int
        How many embeddings can be kept; what is beyond is left out, for it would drive
        out what was made just before.

    Raises
    ------
    PlanError
        If nothing can be kept, or the plan makes no sense.
    """
    wanted = count(spans, len(regions))
    _check(wanted)
    if capacity < 1:
        raise PlanError(
            "not one embedding can be kept: make room on the disk, or give them more"
        )
    targets = product(_nearest_first(plane, spans), regions)
    return Plan(tuple(islice(targets, capacity)), wanted)


def count(spans: Spans, regions: int) -> int:
    """Count the embeddings of a plan."""
    found = regions
    for span in spans.values():
        found *= len(span)
    return found


def _check(wanted: int) -> None:
    if wanted > SILLY:
        raise PlanError(
            f"these are {wanted:,} embeddings, {how_much(wanted)}: more than "
            f"{SILLY:,} are not made ahead; take fewer slices or larger regions"
        )
    if wanted < 1:
        raise PlanError("there is nothing to embed: choose at least one slice")


def _nearest_first(plane: Plane, spans: Spans) -> Iterable[Plane]:
    """Planes by how many steps they are away; first the later one of two."""
    here = dict(plane.hidden)

    def distance(indices: tuple[int, ...]) -> tuple[int, ...]:
        away = [i - here[axis] for axis, i in zip(spans, indices, strict=True)]
        return (sum(map(abs, away)), *(-each for each in away))

    found = sorted(product(*spans.values()), key=distance)
    return [moved(plane, dict(zip(spans, indices, strict=True))) for indices in found]
