"""Other planes of an image: where objects wait, and how to get there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_sam21.layers.planes import Plane
from napari_sam21.layers.prompts import Mark

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image


def camera_of(viewer: ViewerModel) -> Any:
    """Return the camera, which napari 0.9 has moved."""
    return getattr(viewer, "scene", viewer).camera


def waiting(marks: Sequence[Mark], plane: Plane) -> list[Plane]:
    """Return the other planes that hold prompts, in order of their indices."""
    return [found for found in planes_with(marks, plane) if found != plane]


def planes_with(marks: Sequence[Mark], plane: Plane) -> list[Plane]:
    """Return the planes that hold prompts, in order of their indices.

    Parameters
    ----------
    marks : sequence of Mark
    plane : Plane
        The one on show; the others are shown along the same axes.
    """
    axes = [axis for axis, _ in plane.hidden]
    found = {tuple((a, round(mark.position[a])) for a in axes) for mark in marks}
    return [replace(plane, hidden=hidden) for hidden in sorted(found)]


def go_to(viewer: ViewerModel, image: Image, plane: Plane) -> None:
    """Move the sliders so that the viewer shows a plane of an image."""
    height, width = plane.shape
    world = image.data_to_world(plane.position((height - 1) / 2, (width - 1) / 2))
    offset = viewer.dims.ndim - image.ndim
    for axis, _ in plane.hidden:
        viewer.dims.set_point(axis + offset, world[axis])
