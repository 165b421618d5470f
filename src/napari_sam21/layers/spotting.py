"""Where a label is: under the mouse, on a plane, and how the viewer gets there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_sam21.core.census import Block, Census
from napari_sam21.core.errors import LayerError
from napari_sam21.core.masks import tighten
from napari_sam21.layers.label_array import LabelArray
from napari_sam21.layers.planes import Plane, displayed_plane, is_inside
from napari_sam21.layers.source import visible_rect
from napari_sam21.layers.writing import box_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels

WINDOW = 256
"""Pixels around the mouse that a label is looked for in, at first."""

RowColumn = tuple[int, int]
Crop = tuple[npt.NDArray[np.bool_], RowColumn]


def pixel_at(image: Image, plane: Plane, world: Sequence[float]) -> RowColumn | None:
    """Return the pixel of a plane that a place of the world is on, or None."""
    position = tuple(float(each) for each in image.world_to_data(world))
    point = plane.point_rc(position) if is_inside(position, image) else None
    return None if point is None else (round(point[0]), round(point[1]))


def label_at(
    labels: Labels, image: Image, plane: Plane, world: Sequence[float]
) -> tuple[int, RowColumn] | None:
    """Return the label at a place of the world, and its pixel; None if there is none.

    Parameters
    ----------
    labels : Labels
        With the image's pixels.
    image : Image
    plane : Plane
        The one on show.
    world : sequence of float
    """
    pixel = pixel_at(image, plane, world)
    value = 0 if pixel is None else int(read_labels(labels, plane, pixel)[0, 0])
    return None if pixel is None or value == 0 else (value, pixel)


def read_labels(
    labels: Labels, plane: Plane, origin: RowColumn, shape: RowColumn = (1, 1)
) -> npt.NDArray[np.integer]:
    """Read labels of a part of a plane, rows and columns as displayed."""
    box, _ = box_of(plane, np.ones(shape, bool), origin)
    found = np.squeeze(
        LabelArray.of(labels).read(box), tuple(a for a, _ in plane.hidden)
    )
    return found if plane.displayed[0] < plane.displayed[1] else found.T


def label_around(labels: Labels, plane: Plane, pixel: RowColumn, value: int) -> Crop:
    """Return all pixels of a label, in a window that grows until it ends inside."""
    half = WINDOW // 2
    while True:
        window = _window(pixel, half, plane.shape)
        (r0, r1), (c0, c1) = window
        mask = read_labels(labels, plane, (r0, c0), (r1 - r0, c1 - c0)) == value
        if half >= max(plane.shape) or not _is_cut(mask, window, plane.shape):
            return tighten(mask, (r0, c0))
        half *= 2


def _window(pixel: RowColumn, half: int, shape: RowColumn) -> tuple[RowColumn, ...]:
    """First row or column, and that after the last, of a window on a plane."""
    return tuple(
        (max(at - half, 0), min(at + half, size))
        for at, size in zip(pixel, shape, strict=True)
    )


def _is_cut(
    mask: npt.NDArray[np.bool_], window: Sequence[RowColumn], shape: RowColumn
) -> bool:
    """Whether a mask touches an edge of its window that is none of the plane's."""
    (r0, r1), (c0, c1) = window
    touched = (mask[0].any(), mask[-1].any(), mask[:, 0].any(), mask[:, -1].any())
    inner = (r0 > 0, r1 < shape[0], c0 > 0, c1 < shape[1])
    return any(each and free for each, free in zip(touched, inner, strict=True))


# --- bringing a label into view ---------------------------------------------------


def bring_into_view(
    viewer: ViewerModel, labels: Labels, census: Census, label: int
) -> None:
    """Move sliders and camera to a label, unless it is on show.

    Where it is on several planes, the nearest one counts.
    """
    try:
        plane = displayed_plane(labels, viewer.dims)
    except LayerError:  # 3D, or beside the layer: sliders may still help
        plane = None
    position = _middle_pixel(labels, census, label, plane)
    if position is None:
        return
    point = None if plane is None else plane.point_rc(position)
    seen = (
        point is not None and plane is not None and _sees(viewer, labels, plane, point)
    )
    if not seen:
        _look_at(viewer, labels, position)


def _middle_pixel(
    labels: Labels, census: Census, label: int, plane: Plane | None
) -> tuple[float, ...] | None:
    """Data coordinates of a pixel of a label, of the plane on show if it is there."""
    array = LabelArray.of(labels)
    block = _best_block(census, label, plane)
    if block is None:
        return None
    box = block.box(array.shape)
    found = np.argwhere(array.read(box) == label) + [part.start for part in box]
    for axis, index in () if plane is None else plane.hidden:
        here = found[:, axis] == index
        found = found[here] if here.any() else found
    if not len(found):
        return None
    middle = np.abs(found - found.mean(axis=0)).sum(axis=1).argmin()
    return tuple(float(at) for at in found[middle])


def _best_block(census: Census, label: int, plane: Plane | None) -> Block | None:
    """The fullest block of a label on the plane that is nearest."""
    places = census.places(label)
    here = {} if plane is None else dict(plane.hidden)

    def rank(block: Block) -> tuple[int, int]:
        away = sum(abs(at - here.get(axis, at)) for axis, at in enumerate(block.index))
        return away, -places[block]

    return min(places, key=rank, default=None)


def _sees(
    viewer: ViewerModel, labels: Any, plane: Plane, point: tuple[float, float]
) -> bool:
    seen = visible_rect(labels, plane, viewer)
    return seen.r0 <= point[0] <= seen.r1 and seen.c0 <= point[1] <= seen.c1


def _look_at(viewer: ViewerModel, labels: Labels, position: tuple[float, ...]) -> None:
    """Move sliders and camera to a place of a layer's data."""
    dims, world = viewer.dims, labels.data_to_world(position)
    offset = dims.ndim - len(world)
    for axis in dims.not_displayed:
        if axis >= offset:
            dims.set_point(axis, world[axis - offset])
    camera = viewer.scene.camera if hasattr(viewer, "scene") else viewer.camera
    shown = [world[axis - offset] for axis in dims.order[-2:] if axis >= offset]
    if dims.ndisplay == 2 and len(shown) == 2:
        camera.center = (*camera.center[:-2], *shown)
