"""The one layer that shows many objects before they are labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from napari_sam21.core.crops import crops_of
from napari_sam21.layers.batch import Batch, Piece, PlaneLabels
from napari_sam21.layers.label_array import Box, LabelArray
from napari_sam21.layers.placement import affine_of, units_of
from napari_sam21.layers.planes import Plane
from napari_sam21.layers.scene import OURS, sign
from napari_sam21.layers.writing import box_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Layer

NAME = "SAM objects"
OPACITY = 0.6

MOST_PIXELS = 1 << 27
"""A preview with more is drawn coarser; then it cannot be brushed."""


class Pile:
    """Objects as a Labels layer of ours, numbered from 1, just around them.

    What the user erases or paints there with napari's tools counts.

    Parameters
    ----------
    viewer : napari.Viewer
    image : Image
        Whose planes they lie on.
    batch : Batch
        Not empty.
    above : Layer
        One that must stay on top of this one.
    """

    def __init__(
        self, viewer: ViewerModel, image: Image, batch: Batch, above: Layer
    ) -> None:
        self._viewer, self._batch = viewer, batch
        self._grid, data = _drawn(batch.pieces)
        self.layer = _layer(image, data, self._grid)
        sign(self.layer, image)
        active = viewer.layers.selection.active
        viewer.add_layer(self.layer)
        last = len(viewer.layers) - 1
        viewer.layers.move(last, viewer.layers.index(above))
        viewer.layers.selection.active = active

    def holds(self, layer: Layer) -> bool:
        """Whether this is the layer."""
        return bool(self.layer == layer)

    def remove(self) -> None:
        """Take the layer out of the viewer."""
        if self.layer in self._viewer.layers:
            self._viewer.layers.remove(self.layer)

    def leave(self) -> None:
        """Leave it in the viewer, as a layer of the user's."""
        self.layer.metadata.pop(OURS, None)

    def batch(self) -> Batch:
        """Return the objects as they are on show, with what was brushed."""
        if not self._grid.is_fine:
            return self._batch
        planes = dict.fromkeys(piece.plane for piece in self._batch.pieces)
        pieces = [piece for plane in planes for piece in self._on(plane)]
        return replace(self._batch, pieces=tuple(pieces))

    def _on(self, plane: Plane) -> list[Piece]:
        """The pieces of a plane, in its own frame."""
        data, corner = np.asarray(self.layer.data), self._grid.corner
        row, column = (corner[axis] for axis in plane.displayed)
        shape = data.shape[plane.displayed[0]], data.shape[plane.displayed[1]]
        hidden = tuple((axis, at - corner[axis]) for axis, at in plane.hidden)
        array = LabelArray((data,), ((1,) * data.ndim,))
        labels = PlaneLabels(array, Plane(plane.displayed, hidden, shape))
        known = {p.number: p.score for p in self._batch.pieces if p.plane == plane}
        return [
            Piece(number, plane, crop.moved(row, column), known.get(number))
            for number, crop in crops_of(labels).items()
        ]


@dataclass(frozen=True)
class Grid:
    """Where the cells of a preview lie among the pixels of the image.

    Attributes
    ----------
    corner : tuple of int
        Index of the pixel under the first cell.
    steps : tuple of int
        Pixels from one cell to the next, on each axis.
    shape : tuple of int
    """

    corner: tuple[int, ...]
    steps: tuple[int, ...]
    shape: tuple[int, ...]

    @classmethod
    def around(cls, boxes: Sequence[Box], displayed: tuple[int, int]) -> Grid:
        """Return the finest grid that holds some boxes and is not too large."""
        axes = range(len(boxes[0]))
        corner = tuple(min(box[axis].start for box in boxes) for axis in axes)
        ends = [max(box[axis].stop for box in boxes) for axis in axes]
        sizes = [end - start for start, end in zip(corner, ends, strict=True)]
        coarser = math.ceil(math.sqrt(math.prod(sizes) / MOST_PIXELS))
        steps = tuple(coarser if axis in displayed else 1 for axis in axes)
        shape = tuple(-(-size // step) for size, step in zip(sizes, steps, strict=True))
        return cls(corner, steps, shape)

    @property
    def is_fine(self) -> bool:
        """Whether each cell is a pixel."""
        return max(self.steps) == 1

    def cells(self, box: Box) -> tuple[Box, Box]:
        """Return the cells of a box, and which of its pixels lie under them."""
        there, taken = [], []
        for part, start, step in zip(box, self.corner, self.steps, strict=True):
            first = -(-(part.start - start) // step)
            last = -(-(part.stop - start) // step)
            there.append(slice(first, last))
            taken.append(slice(first * step + start - part.start, None, step))
        return tuple(there), tuple(taken)


def _drawn(pieces: Sequence[Piece]) -> tuple[Grid, npt.NDArray[np.integer]]:
    """Paint pieces, each in its number."""
    placed = [
        box_of(piece.plane, piece.crop.mask, piece.crop.origin_rc) for piece in pieces
    ]
    grid = Grid.around([box for box, _ in placed], pieces[0].plane.displayed)
    most = max(piece.number for piece in pieces)
    data = np.zeros(grid.shape, np.uint16 if most < 1 << 16 else np.uint32)
    for piece, (box, mask) in zip(pieces, placed, strict=True):
        there, taken = grid.cells(box)
        data[there][mask[taken]] = piece.number
    return grid, data


def _layer(image: Image, data: npt.NDArray[np.integer], grid: Grid) -> Labels:
    from napari.layers import Labels

    return Labels(
        data,
        name=NAME,
        opacity=OPACITY,
        affine=affine_of(image, grid.steps, grid.corner),
        **units_of(image),
    )
