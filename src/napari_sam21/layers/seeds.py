"""Points of the user's that stand for objects: read from a layer, or found."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from napari_sam21.layers.placement import affine_of, transforms_of
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
    data = np.asarray(points.data, float).reshape(-1, points.ndim)
    world = np.tile(np.asarray(dims.point, float), (len(data), 1))
    world[:, -points.ndim :] = _mapped(affine_of(points), data)
    back = np.linalg.inv(affine_of(image))
    found = [plane.point_rc(place) for place in _mapped(back, world[:, -image.ndim :])]
    return [p for p in found if p is not None and _inside(p, plane.shape)]


def _mapped(
    affine: npt.NDArray[np.floating], points: npt.NDArray[np.floating]
) -> npt.NDArray[np.floating]:
    return np.asarray(points @ affine[:-1, :-1].T + affine[:-1, -1])


def _inside(place: RowColumn, shape: tuple[int, int]) -> bool:
    return all(-0.5 <= at <= size - 0.5 for at, size in zip(place, shape, strict=True))


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
