"""From a region of an image layer, as the user sees it, to pixels for the core."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_sam21.core.channels import merge, stretched
from napari_sam21.core.framing import filled, on_plane
from napari_sam21.core.geometry import MODEL_SIDE, Region, whole_plane
from napari_sam21.core.intensities import Float32
from napari_sam21.core.preprocess import ModelInput, as_plane, input_of, to_square
from napari_sam21.core.regions import Rect
from napari_sam21.layers.look import COMPOSITE, SHOWN, STRETCHED
from napari_sam21.layers.navigate import camera_of
from napari_sam21.layers.planes import Plane, level_shape

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image


@dataclass(frozen=True)
class PlaneSource:
    """A snapshot of what is to be embedded; reads pixels only when asked to.

    Attributes
    ----------
    token : hashable
        Equal tokens mean equal pixels, seen in the same way.
    data : array-like
        The layer's data, or the level nearest to the model's resolution.
    region : Region
        The rectangle of the plane that is shown to the model.
    full_shape : tuple of int
        Shape of level 0.
    rgb : bool
        Whether the last axis of the data holds colours.
    plane : Plane
    contrast_limits : (float, float) or None
    gamma : float
    stretch : bool
        Whether robust limits of the region's own pixels take their place.
    name : str
        Of the layer.
    """

    token: Hashable
    plane: Plane = field(compare=False)
    region: Region = field(compare=False)
    data: Any = field(compare=False, repr=False)
    full_shape: tuple[int, ...] = field(compare=False)
    rgb: bool = field(compare=False)
    contrast_limits: tuple[float, float] | None = field(compare=False)
    gamma: float = field(compare=False)
    stretch: bool = field(compare=False, default=False)
    name: str = field(compare=False, default="")

    @property
    def look(self) -> dict[str, Any]:
        """How the pixels become a picture, and of which level, in plain values."""
        limits = self.contrast_limits
        return {
            "mode": STRETCHED if self.stretch else SHOWN,
            "contrast_limits": None if limits is None else list(limits),
            "gamma": self.gamma,
            "level_shape": [int(size) for size in self.data.shape],
            "layer": self.name,
        }

    def read(self) -> ModelInput:
        """Read the region and prepare it for the encoder. For a worker's thread."""
        return input_of(self.square(), self.region, self.plane.shape)

    def square(self) -> Float32:
        """Read the region, as float32 of shape (1024, 1024, 1 or 3) in [0, 1]."""
        inside = on_plane(self.region, self.plane.shape)
        crop = as_plane(
            read_plane(self.data, self.plane, self.rgb, self.full_shape, inside)
        )
        if inside != self.region:  # of a small plane, which has one level
            crop = filled(crop, inside, self.region)
        if self.stretch:
            return stretched(crop)
        return to_square(crop, self.contrast_limits, self.gamma)


@dataclass(frozen=True)
class CompositeSource:
    """A snapshot of up to three grey layers, each one or more colours of one picture.

    Attributes
    ----------
    channels : tuple of three (PlaneSource or None)
        Red, green, blue; of one plane and region.
    plane : Plane
    region : Region
    """

    channels: tuple[PlaneSource | None, ...]
    plane: Plane
    region: Region

    @property
    def token(self) -> Hashable:
        """What tells this picture from every other one: the tokens of all it shows."""
        tokens = (None if each is None else each.token for each in self.channels)
        return ("composite", self.plane, self.region, *tokens)

    @property
    def look(self) -> dict[str, Any]:
        """How each colour is seen, in plain values."""
        looks = [None if each is None else each.look for each in self.channels]
        return {"mode": COMPOSITE, "channels": looks}

    def read(self) -> ModelInput:
        """Read the region of each layer, once. For a worker's thread."""
        layers = {each.token: each for each in self.channels if each is not None}
        squares = {token: each.square() for token, each in layers.items()}
        channels = (None if c is None else squares[c.token] for c in self.channels)
        return input_of(merge(list(channels)), self.region, self.plane.shape)


Source = PlaneSource | CompositeSource


def elsewhere(source: Source, plane: Plane, region: Region) -> Source:
    """Return another part of the same pixels, as they were seen when frozen.

    For a worker's thread: no layer is asked. The level of a pyramid stays the one of
    the first region, so the other should be about as large. Its token means nothing.
    """
    if isinstance(source, PlaneSource):
        return replace(source, plane=plane, region=region)
    moved = {
        each: replace(each, plane=plane, region=region)
        for each in source.channels
        if each is not None
    }
    channels = tuple(None if each is None else moved[each] for each in source.channels)
    return CompositeSource(channels, plane, region)


def snapshot(
    layer: Image,
    plane: Plane,
    version: int,
    region: Region | None = None,
    stretch: bool = False,
) -> PlaneSource:
    """Freeze how a region of an image layer is seen now.

    Parameters
    ----------
    layer : Image
    plane : Plane
    version : int
        Counts the changes of the layer's pixels, which nothing else shows.
    region : Region, optional
        Default: the whole plane.
    stretch : bool
        Show it between robust limits of the region, whatever the layer's own are.
    """
    limits, gamma = (None, 1.0) if stretch else _intensities(layer)
    shown = whole_plane(plane.shape) if region is None else region
    level = _level(layer, plane, shown) if layer.multiscale else None
    return PlaneSource(
        token=(layer.unique_id, plane, shown, limits, gamma, stretch, version),
        plane=plane,
        region=shown,
        data=layer.data if level is None else layer.data[level],
        full_shape=level_shape(layer),
        rgb=bool(layer.rgb),
        contrast_limits=limits,
        gamma=gamma,
        stretch=stretch,
        name=str(layer.name),
    )


def visible_rect(layer: Image, plane: Plane, viewer: ViewerModel | None = None) -> Rect:
    """Return what the canvas shows of a plane, as of its last drawing.

    Of a rotated image it is the upright rectangle around it. Edges are those of
    pixels: see `core.regions.Rect`.

    Parameters
    ----------
    layer : Image
    plane : Plane
    viewer : napari.Viewer, optional
        Of a pyramid napari keeps what it has read until the view leaves it, and widens
        that to whole chunks: from napari 0.9 on, the camera tells what is on show.
    """
    corners = np.asarray(layer.corner_pixels, float)
    factors = np.ones(corners.shape[1])
    if layer.multiscale:
        factors = np.asarray(layer.downsample_factors[layer.data_level], float)
    first, last = corners[0] * factors, (corners[1] + 1) * factors
    row, column = plane.displayed
    held = Rect(first[row], first[column], last[row], last[column])
    if viewer is None or not layer.multiscale:
        return held
    return _on_canvas(layer, plane, viewer) or held


def _on_canvas(layer: Image, plane: Plane, viewer: ViewerModel) -> Rect | None:
    """The part of a plane inside the canvas; None if that cannot be known."""
    canvas = getattr(viewer, "canvas", None)
    if canvas is None or canvas.grid.enabled:  # before napari 0.9; each layer elsewhere
        return None
    camera, shown = camera_of(viewer), list(viewer.dims.order[-2:])
    half = np.asarray(canvas.size) / (2 * camera.zoom)
    world = np.tile(np.asarray(viewer.dims.point, float), (4, 1))
    signs = np.array([(-1, -1), (-1, 1), (1, -1), (1, 1)])
    world[:, shown] = np.asarray(camera.center[-2:]) + signs * half
    data = np.array([layer.world_to_data(corner) for corner in world])
    edges = data[:, list(plane.displayed)] + 0.5
    (r0, c0), (r1, c1) = edges.min(axis=0), edges.max(axis=0)
    return Rect(float(r0), float(c0), float(r1), float(c1)).clipped(plane.shape)


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


def _level(layer: Image, plane: Plane, region: Region) -> int:
    """The coarsest level that still has the model's resolution of a region."""
    share_rc = np.array([region.height, region.width]) / plane.shape
    enough = [0]
    for level, shape in enumerate(layer.level_shapes):
        sizes = np.array([shape[axis] for axis in plane.displayed])
        if min(sizes * share_rc) >= MODEL_SIDE:
            enough.append(level)
    return max(enough)


def read_plane(
    data: Any,
    plane: Plane,
    rgb: bool,
    full_shape: Sequence[int] | None = None,
    region: Region | None = None,
) -> npt.NDArray[np.generic]:
    """Read a region of one plane out of any array-like, and only that.

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
    region : Region, optional
        Rectangle of the plane, level 0. Default: all of it.

    Returns
    -------
    array, shape (h, w) or (h, w, channels)
        Rows and columns as displayed.
    """
    full = data.shape if full_shape is None else full_shape
    shown = whole_plane(plane.shape) if region is None else region
    index: list[Any] = [slice(None)] * plane.ndim
    for axis, value in plane.hidden:
        size = data.shape[axis]
        index[axis] = min(int((value + 0.5) * size / full[axis]), size - 1)
    spans = ((shown.r0, shown.r1), (shown.c0, shown.c1))
    for axis, span in zip(plane.displayed, spans, strict=True):
        index[axis] = _cells(span, data.shape[axis] / full[axis], data.shape[axis])
    pixels = np.asarray(data[tuple(index)])
    transposed = plane.displayed[0] > plane.displayed[1]
    return pixels.swapaxes(0, 1) if transposed else pixels


def _cells(span: tuple[int, int], share: float, size: int) -> slice:
    """Pixels of a level that show a span of level 0, at least one."""
    first = min(round(span[0] * share), size - 1)
    return slice(first, max(min(round(span[1] * share), size), first + 1))
