"""From an image layer and what the viewer shows of it to pixels for the core."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_sam21.core.errors import LayerError
from napari_sam21.core.geometry import MODEL_SIDE, whole_plane
from napari_sam21.core.preprocess import ModelInput, as_plane, prepare_crop

if TYPE_CHECKING:
    from napari.components import Dims
    from napari.layers import Image


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
        If the viewer is in 3D, or shows nothing of the layer.
    """
    if dims.ndisplay != 2:
        raise LayerError("3D view: switch napari to 2D (Ctrl+Y) to click objects")
    offset = dims.ndim - layer.ndim
    order = [axis - offset for axis in dims.order if axis >= offset]
    hidden, displayed = order[:-2], order[-2:]
    shape = level_shape(layer)
    indices = _hidden_indices(layer, dims, hidden)
    if any(not 0 <= index < shape[axis] for axis, index in indices):
        raise LayerError(
            f"the viewer shows no slice of {layer.name!r}: move the sliders into it"
        )
    row, column = displayed
    return Plane((row, column), indices, (shape[row], shape[column]))


def _hidden_indices(
    layer: Image, dims: Dims, hidden: Sequence[int]
) -> tuple[tuple[int, int], ...]:
    ndim = layer.ndim
    origin = np.asarray(layer.world_to_data(np.zeros(ndim)))
    columns = [np.asarray(layer.world_to_data(unit)) - origin for unit in np.eye(ndim)]
    matrix = np.stack(columns, axis=1)[np.ix_(hidden, hidden)]
    point = np.asarray(dims.point)[-ndim:][list(hidden)]
    values = matrix @ point + origin[list(hidden)]
    return tuple(
        sorted((axis, round(float(v))) for axis, v in zip(hidden, values, strict=True))
    )


@dataclass(frozen=True)
class PlaneSource:
    """A snapshot of what is to be embedded; reads pixels only when asked to.

    Attributes
    ----------
    token : hashable
        Equal tokens mean equal pixels, seen in the same way.
    data : array-like
        The layer's data, or the level nearest to the model's resolution.
    full_shape : tuple of int
        Shape of level 0.
    rgb : bool
        Whether the last axis of the data holds colours.
    plane : Plane
    contrast_limits : (float, float) or None
    gamma : float
    """

    token: Hashable
    plane: Plane = field(compare=False)
    data: Any = field(compare=False, repr=False)
    full_shape: tuple[int, ...] = field(compare=False)
    rgb: bool = field(compare=False)
    contrast_limits: tuple[float, float] | None = field(compare=False)
    gamma: float = field(compare=False)

    def read(self) -> ModelInput:
        """Read the plane and prepare it for the encoder. For a worker's thread."""
        found = read_plane(self.data, self.plane, self.rgb, self.full_shape)
        pixels = as_plane(found)
        return prepare_crop(
            pixels,
            whole_plane(self.plane.shape),
            self.plane.shape,
            self.contrast_limits,
            self.gamma,
        )


def snapshot(layer: Image, plane: Plane, version: int) -> PlaneSource:
    """Freeze how a plane of an image layer is seen now.

    Parameters
    ----------
    layer : Image
    plane : Plane
    version : int
        Counts the changes of the layer's pixels, which nothing else shows.
    """
    limits, gamma = _intensities(layer)
    level = _level(layer, plane) if layer.multiscale else None
    return PlaneSource(
        token=(layer.unique_id, plane, limits, gamma, version),
        plane=plane,
        data=layer.data if level is None else layer.data[level],
        full_shape=level_shape(layer),
        rgb=bool(layer.rgb),
        contrast_limits=limits,
        gamma=gamma,
    )


def _intensities(layer: Image) -> tuple[tuple[float, float] | None, float]:
    """Limits and gamma that make the model see what napari shows."""
    if not layer.rgb:
        low, high = layer.contrast_limits
        return (float(low), float(high)), float(layer.gamma)
    # napari shows colours without limits: whole integer range, floats from 0 to 1.
    kind = np.dtype(layer.dtype)
    if kind == np.uint8 or kind == np.bool_:
        return None, 1.0
    high = float(np.iinfo(kind).max) if kind.kind in "ui" else 1.0
    return (0.0, high), 1.0


def _level(layer: Image, plane: Plane) -> int:
    """The coarsest level that still has the model's resolution."""
    shapes = [[shape[axis] for axis in plane.displayed] for shape in layer.level_shapes]
    enough = [level for level, sizes in enumerate(shapes) if min(sizes) >= MODEL_SIDE]
    return max(enough, default=0)


def read_plane(
    data: Any, plane: Plane, rgb: bool, full_shape: Sequence[int] | None = None
) -> npt.NDArray[np.generic]:
    """Read one plane out of any array-like, and only that plane.

    Parameters
    ----------
    data : array-like
        numpy, dask, zarr, …; of level 0 or a coarser level.
    plane : Plane
        Its hidden indices are of level 0.
    rgb : bool
        Whether a last axis of colours follows.
    full_shape : sequence of int, optional
        Shape of level 0, if the data is of a coarser level.

    Returns
    -------
    array, shape (h, w) or (h, w, channels)
        Rows and columns as displayed.
    """
    index: list[Any] = [slice(None)] * plane.ndim
    for axis, value in plane.hidden:
        size = data.shape[axis]
        full = size if full_shape is None else full_shape[axis]
        index[axis] = min(int((value + 0.5) * size / full), size - 1)
    pixels = np.asarray(data[tuple(index)])
    transposed = plane.displayed[0] > plane.displayed[1]
    return pixels.swapaxes(0, 1) if transposed else pixels
