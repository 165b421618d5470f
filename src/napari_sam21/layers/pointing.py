"""Places of a plane told without a mouse: the middle of the view, and steps from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_sam21.layers.navigate import camera_of
from napari_sam21.layers.planes import Plane

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

RowColumn = tuple[float, float]


def middle_of_view(viewer: ViewerModel, image: Image, plane: Plane) -> RowColumn:
    """Return row and column of a plane in the middle of the canvas.

    At most on the edge of the image, which need not be on show.
    """
    world = np.array(viewer.dims.point, float)
    world[list(viewer.dims.order[-2:])] = camera_of(viewer).center[-2:]
    found = image.world_to_data(world[-image.ndim :])
    row, column = (float(found[axis]) for axis in plane.displayed)
    return inside(plane, (row, column))


def stepped(
    viewer: ViewerModel,
    image: Image,
    plane: Plane,
    point_rc: RowColumn,
    step_down_right: RowColumn,
) -> RowColumn:
    """Return where a point of a plane gets by a step over the screen.

    Parameters
    ----------
    viewer : napari.Viewer
    image : Image
    plane : Plane
    point_rc : (float, float)
        Plane frame.
    step_down_right : (float, float)
        Pixels of the screen.
    """
    world = np.asarray(image.data_to_world(plane.position(*point_rc)), float)
    offset = viewer.dims.ndim - image.ndim
    for axis, step in zip(viewer.dims.order[-2:], step_down_right, strict=True):
        world[axis - offset] += step / camera_of(viewer).zoom
    found = image.world_to_data(world)
    row, column = (float(found[axis]) for axis in plane.displayed)
    return inside(plane, (row, column))


def inside(plane: Plane, point_rc: RowColumn) -> RowColumn:
    """Return the place of a plane that is nearest to a point."""
    height, width = plane.shape
    row, column = point_rc
    return min(max(row, 0.0), height - 1.0), min(max(column, 0.0), width - 1.0)
