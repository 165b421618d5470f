"""Points of the user's that stand for objects: read from a layer, or found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from napari_sam21.layers.placement import transforms_of
from napari_sam21.layers.planes import Plane

if TYPE_CHECKING:
    from napari.components import Dims, ViewerModel
    from napari.layers import Image, Points

NAME = "Seeds"
COLOR = "#ff9f1c"
SIZE = 0.012
"""Of a seed, of the plane's longer side."""

RowColumn = tuple[float, float]


def points_on(
    points: Points, image: Image, plane: Plane, dims: Dims
) -> list[RowColumn]:
    """Return the points of a layer that lie on a plane of an image.

    Parameters
    ----------
    points : Points
        With any transforms; with fewer axes than the viewer it lies on every slice.
    image : Image
    plane : Plane
    dims : Dims
        Of the viewer.

    Returns
    -------
    list of (float, float)
        Row and column, plane frame.
    """
    found = []
    for position in np.asarray(points.data, float):
        world = np.array(dims.point, float)
        world[-points.ndim :] = points.data_to_world(position)
        place = plane.point_rc(image.world_to_data(world[-image.ndim :]))
        if place is not None and all(
            -0.5 <= at <= size - 0.5
            for at, size in zip(place, plane.shape, strict=True)
        ):
            found.append(place)
    return found


def add_seeds(
    viewer: ViewerModel, image: Image, plane: Plane, places: Sequence[RowColumn]
) -> str:
    """Put seeds into a Points layer of the user's; return what to say of it."""
    from napari.layers import Points

    if not places:
        return "No seed was found: try another diameter, or “darker than around”."
    layer = Points(
        np.array([plane.position(*place) for place in places], float),
        name=NAME,
        size=SIZE * max(plane.shape),
        face_color=COLOR,
        **transforms_of(image),
    )
    active = viewer.layers.selection.active
    viewer.add_layer(layer)
    viewer.layers.selection.active = active
    return (
        f"{len(places)} seeds are in {layer.name!r}: add, move or delete some, then "
        "Find ▸ One object for each point of it."
    )
