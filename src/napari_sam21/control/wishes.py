"""What one may wish to have embedded ahead of an image, in words. Knows no Qt."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, NamedTuple

from napari_sam21.core.fill import how_much
from napari_sam21.core.geometry import Region, whole_plane
from napari_sam21.core.regions import count_at, level_of, side_of
from napari_sam21.layers.ahead import Plan, Spans, make_plan, regions_of
from napari_sam21.layers.field import in_words
from napari_sam21.layers.planes import Plane, level_shape

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_sam21.control.editor import ImageEditor


class SliceWish(NamedTuple):
    """Which slices: in words, and by axis."""

    text: str
    spans: Spans


class RegionWish(NamedTuple):
    """What of each slice: in words, and one region, or all of a level."""

    text: str
    region: Region | None
    level: int | None = None

    def regions(self, plane: Plane) -> Sequence[Region]:
        """Return the regions of a plane.

        Raises
        ------
        PlanError
            If they are too many.
        """
        if self.region is not None:
            return (self.region,)
        return regions_of(plane.shape, self.level)


def slice_wishes(image: Image, plane: Plane) -> list[SliceWish]:
    """Return which slices of an image one may wish; the likeliest first."""
    shape = level_shape(image)
    sizes = {axis: shape[axis] for axis, _ in plane.hidden if shape[axis] > 1}
    found = [
        SliceWish(f"All {size} slices of {axis_name(image, axis)}", {axis: range(size)})
        for axis, size in sizes.items()
    ]
    if len(sizes) > 1:
        spans = {axis: range(size) for axis, size in sizes.items()}
        found.append(SliceWish(f"All {prod(sizes.values()):,} slices", spans))
    only = "This slice only" if plane.hidden else "This image"
    return [*found, SliceWish(only, {})]


def axis_name(image: Image, axis: int) -> str:
    """Return what the user calls an axis; napari's own labels are negative numbers."""
    label = str(image.axis_labels[axis])
    return f"axis {axis}" if label.lstrip("-").isdigit() else label


def region_wishes(plane: Plane, region: Region) -> list[RegionWish]:
    """Return what of each slice one may wish; the likeliest first."""
    whole = RegionWish("The whole plane", whole_plane(plane.shape))
    if region == whole.region:
        return [whole]
    here = RegionWish(f"The region on show ({in_words(region, plane)})", region)
    level = level_of(plane.shape, region)
    if level is None:
        return [here, whole]
    number = count_at(plane.shape, level)
    text = f"All {number:,} regions of {side_of(level)} px"
    return [here, whole, RegionWish(text, None, level)]


def plan_of(
    editor: ImageEditor, slices: SliceWish, regions: RegionWish, capacity: int
) -> Plan:
    """Plan what was wished; see `layers.ahead.make_plan`.

    Raises
    ------
    LayerError
        If nothing of the image is on show.
    PlanError
        If the plan makes no sense.
    """
    plane = editor.plane()
    return make_plan(plane, slices.spans, regions.regions(plane), capacity)


def plan_in_words(plan: Plan) -> str:
    """Say how many embeddings a plan makes, how large they are, and if they fit."""
    noun = "embedding" if plan.wanted == 1 else "embeddings"
    text = f"{plan.wanted:,} {noun}, {how_much(plan.wanted)}."
    if plan.is_cut:
        return (
            f"{text} There is room for {len(plan.targets):,}: those nearest to the "
            "slice on show are made. Give embeddings more room for all of them."
        )
    return f"{text} What is there already is passed over."
