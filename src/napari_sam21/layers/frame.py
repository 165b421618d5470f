"""The frame of a box: a Shapes layer of ours that only shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from napari_sam21.core.prompts import BOX
from napari_sam21.layers.placement import transforms_of
from napari_sam21.layers.planes import Plane
from napari_sam21.layers.prompts import POLARITIES, Mark

if TYPE_CHECKING:
    from napari.layers import Image, Shapes

NAME = "SAM box"
EDGE = 1 / 400
"""Width of the frame's line, of the image's longer side."""


def make_frame(image: Image) -> Shapes:
    """Make an empty layer for frames on an image."""
    from napari.layers import Shapes

    return Shapes(
        ndim=image.ndim,
        name=NAME,
        face_color="transparent",
        edge_color=POLARITIES[BOX].color,
        **transforms_of(image),
    )


def show_frames(layer: Shapes, marks: Sequence[Mark], plane: Plane) -> None:
    """Draw the boxes of all planes that are shown as this one is.

    Parameters
    ----------
    layer : Shapes
        As `make_frame` makes it.
    marks : sequence of Mark
        All prompts; the last two corners on a plane make its box.
    plane : Plane
        The one on show.
    """
    corners: dict[tuple[int, ...], list[Mark]] = defaultdict(list)
    for mark in marks:
        if mark.label == BOX:
            key = tuple(round(mark.position[axis]) for axis, _ in plane.hidden)
            corners[key].append(mark)
    pairs = [found[-2:] for found in corners.values() if len(found) > 1]
    frames = [_rectangle(one, other, plane) for one, other in pairs]
    if not frames and not layer.data:
        return
    layer.selected_data = set()
    layer.data = []
    if frames:
        layer.add_rectangles(
            frames,
            edge_width=max(plane.shape) * EDGE,
            edge_color=POLARITIES[BOX].color,
            face_color="transparent",
        )
    layer.selected_data = set()


def _rectangle(one: Mark, other: Mark, plane: Plane) -> npt.NDArray[np.float64]:
    """Four corners, shape (4, ndim), around the pixels that two of them name."""
    rows, columns = plane.displayed
    found = np.tile(np.asarray(one.position, float), (4, 1))
    for axis, order in ((rows, (0, 0, 1, 1)), (columns, (0, 1, 1, 0))):
        ends = (one.position[axis], other.position[axis])
        found[:, axis] = [ends[n] for n in order]
    return found
