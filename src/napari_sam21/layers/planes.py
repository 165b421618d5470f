"""Which plane of an image layer the viewer shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from napari_sam21.core.errors import LayerError

if TYPE_CHECKING:
    from napari.components import Dims
    from napari.layers import Image

ORTHOGONAL = 1e-9
"""Least share of an axis in another one that counts."""


@dataclass(frozen=True)
class Plane:
    """One displayed plane of an image layer, at level 0.

    Attributes
    ----------
    displayed : (int, int)
        Data axes shown as rows and as columns.
    hidden : tuple of (int, int)
        Every other data axis, and the index shown of it.
    shape : (int, int)
        (H, W): sizes of the displayed axes.
    """

    displayed: tuple[int, int]
    hidden: tuple[tuple[int, int], ...]
    shape: tuple[int, int]

    @property
    def ndim(self) -> int:
        """Number of data axes (colour channels are none)."""
        return 2 + len(self.hidden)

    def position(self, row: float, column: float) -> tuple[float, ...]:
        """Return the data coordinates of a point of the plane."""
        values = dict(self.hidden) | dict(
            zip(self.displayed, (row, column), strict=True)
        )
        return tuple(float(values[axis]) for axis in range(self.ndim))

    def point_rc(self, position: Sequence[float]) -> tuple[float, float] | None:
        """Return row and column of data coordinates; None if on another plane."""
        if any(round(position[axis]) != index for axis, index in self.hidden):
            return None
        row, column = self.displayed
        return float(position[row]), float(position[column])

    def __str__(self) -> str:
        where = ", ".join(f"axis {axis} = {index}" for axis, index in self.hidden)
        return where or "the image"


def level_shape(layer: Image) -> tuple[int, ...]:
    """Return the shape of a layer's data at level 0, colour channels left out."""
    shape = layer.level_shapes[0] if layer.multiscale else layer.data.shape
    return tuple(int(size) for size in shape[: layer.ndim])


def is_inside(position: Sequence[float], layer: Image) -> bool:
    """Whether data coordinates lie on a pixel of a layer, on any plane."""
    return all(
        -0.5 <= value <= size - 0.5
        for value, size in zip(position, level_shape(layer), strict=True)
    )


def displayed_plane(layer: Image, dims: Dims) -> Plane:
    """Find the plane of a layer that the viewer shows.

    Only public API, any ``dims.order``, transforms and number of dimensions:
    the layer's world-to-data map is sampled at the unit vectors and restricted to the
    axes that are not displayed.

    Raises
    ------
    LayerError
        If the viewer is in 3D, or shows nothing of the layer, or something that is no
        plane of its data.
    """
    if dims.ndisplay != 2:
        raise LayerError("3D view: switch napari to 2D (Ctrl+Y) to click objects")
    offset = dims.ndim - layer.ndim
    if any(axis < offset for axis in dims.order[-2:]):
        raise LayerError(
            f"the viewer shows an axis that {layer.name!r} does not have: bring its "
            "own axes into view (napari's button that rolls dimensions)"
        )
    order = [axis - offset for axis in dims.order if axis >= offset]
    hidden, displayed = order[:-2], order[-2:]
    shape = level_shape(layer)
    indices = _hidden_indices(layer, dims, hidden, displayed)
    if any(not 0 <= index < shape[axis] for axis, index in indices):
        raise LayerError(
            f"the viewer shows no slice of {layer.name!r}: move the sliders into it"
        )
    row, column = displayed
    return Plane((row, column), indices, (shape[row], shape[column]))


def _hidden_indices(
    layer: Image, dims: Dims, hidden: Sequence[int], displayed: Sequence[int]
) -> tuple[tuple[int, int], ...]:
    if not hidden:
        return ()
    ndim = layer.ndim
    origin = np.asarray(layer.world_to_data(np.zeros(ndim)))
    columns = [np.asarray(layer.world_to_data(unit)) - origin for unit in np.eye(ndim)]
    matrix = np.stack(columns, axis=1)
    if _mixes(matrix, hidden, displayed) or _mixes(matrix, displayed, hidden):
        raise LayerError(
            f"the transforms of {layer.name!r} make the view cut across its slices: "
            "click in another order of the axes, or resample the image upright"
        )
    point = np.asarray(dims.point)[-ndim:][list(hidden)]
    values = matrix[np.ix_(hidden, hidden)] @ point + origin[list(hidden)]
    return tuple(
        sorted((axis, round(float(v))) for axis, v in zip(hidden, values, strict=True))
    )


def _mixes(
    matrix: npt.NDArray[np.float64], rows: Sequence[int], columns: Sequence[int]
) -> bool:
    """Whether some of a matrix's outputs depend on some of its inputs.

    Compared with what the same outputs get elsewhere, since scales may differ much; a
    share of `ORTHOGONAL` is the rounding of a rotation.
    """
    part, whole = np.abs(matrix[np.ix_(rows, columns)]), np.abs(matrix)
    return bool((part > ORTHOGONAL * whole[rows].max(axis=1, keepdims=True)).any())
