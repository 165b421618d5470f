"""Where our layers lie in the world: exactly where the image lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_sam21.core.geometry import Region
from napari_sam21.layers.planes import Plane

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer

TRANSFORMS = ("scale", "translate", "rotate", "shear", "affine")
UNITS = ("units", "axis_labels")
"""All of them must be copied: napari drops units where layers disagree."""


def transforms_of(image: Image) -> dict[str, Any]:
    """Return the keyword arguments that place a new layer where an image lies."""
    return {name: getattr(image, name) for name in (*TRANSFORMS, *UNITS)}


def units_of(image: Image) -> dict[str, Any]:
    """Return the keyword arguments that give a new layer an image's units."""
    return {name: getattr(image, name) for name in UNITS}


def put_below(viewer: ViewerModel, layer: Layer, above: Layer) -> None:
    """Add a layer right below another one, and leave the selection as it was."""
    active = viewer.layers.selection.active
    viewer.add_layer(layer)
    viewer.layers.move(len(viewer.layers) - 1, viewer.layers.index(above))
    viewer.layers.selection.active = active


def same_place(image: Image, other: Layer) -> bool:
    """Whether equal data coordinates of two layers are the same point of the world."""
    corners = np.vstack([np.zeros(image.ndim), np.eye(image.ndim)])
    ours = np.array([image.data_to_world(corner) for corner in corners])
    theirs = np.array([other.data_to_world(corner) for corner in corners])
    if np.array_equal(ours, theirs):  # as a rule, and cheaper than what follows
        return True
    step = np.abs(ours[1:] - ours[0]).max()
    return bool(np.allclose(ours, theirs, rtol=1e-6, atol=1e-6 * step))


def grid_affine(
    image: Image, plane: Plane, region: Region, grid: tuple[int, int]
) -> npt.NDArray[np.float64]:
    """Place a coarser grid over a region, through the image's own transforms.

    Parameters
    ----------
    image : Image
    plane : Plane
        Its displayed axes carry the grid, its hidden indices say where.
    region : Region
        What the grid covers, plane frame.
    grid : (int, int)
        Rows and columns of the grid.

    Returns
    -------
    array of float, shape (ndim + 1, ndim + 1)
        From grid indices (hidden axes 0) to world coordinates.
    """
    step = np.ones(plane.ndim)
    offset = np.zeros(plane.ndim)
    sizes, origin = (region.height, region.width), (region.r0, region.c0)
    for axis, size, start, cells in zip(
        plane.displayed, sizes, origin, grid, strict=True
    ):
        step[axis] = size / cells
        offset[axis] = start - 0.5 + 0.5 * step[axis]
    for axis, index in plane.hidden:
        offset[axis] = index
    return affine_of(image, step, offset)


def affine_of(
    image: Layer, step: npt.ArrayLike = 1.0, offset: npt.ArrayLike = 0.0
) -> npt.NDArray[np.float64]:
    """Return the affine that puts index i at the data point ``i step + offset``.

    Parameters
    ----------
    image : Layer
        Its whole data-to-world map is taken over.
    step, offset : float or array of float, shape (ndim,)
        In pixels of the image's level 0.

    Returns
    -------
    array of float, shape (ndim + 1, ndim + 1)
    """
    origin = np.asarray(image.data_to_world(np.zeros(image.ndim)))
    units = [image.data_to_world(unit) for unit in np.eye(image.ndim)]
    linear = (np.array(units) - origin).T
    affine = np.eye(image.ndim + 1)
    affine[:-1, :-1] = linear * step
    affine[:-1, -1] = linear @ np.broadcast_to(offset, image.ndim) + origin
    return affine
