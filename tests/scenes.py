"""Any image in any viewer, and where the mouse is: what hypothesis draws from.

A new kind of image joins by a field of `Scene` and a line of `scenes`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from hypothesis import strategies as st
from napari.components import ViewerModel
from napari.layers import Image

DTYPES = (
    "bool", "uint8", "uint16", "uint32", "uint64",
    "int8", "int16", "int32", "int64", "float16", "float32", "float64",
)  # fmt: skip
UNITS = (None, "um", "nm", "mm")
PLACEMENTS = ("plain", "rotated", "sheared", "affine")
SIDES = ((24, 700), (24, 700), (300, 3000), (2100, 3000))
"""Of the displayed axes. Levels of a pyramid matter from twice the model's side on."""
CLICKS = 4
"""In each scene: opening one takes napari longer than a click."""
BUFFER = 1 << 22
STRIDES = (1, 211, 17, 1021, 257)
"""Elements from one pixel to the next along each axis, in one buffer of noise: an image
of any size that takes no memory, and whose neighbours differ."""


@dataclass(frozen=True)
class Click:
    """A place on an image, and what is on show around it.

    Attributes
    ----------
    place : tuple of float
        Pixel under the mouse, as a share of each axis, and…
    off : tuple of float
        …how far off its centre, in pixels.
    view : tuple of float
        Height and width on show, as shares of the plane; the place is in it.
    """

    place: tuple[float, ...]
    off: tuple[float, ...]
    view: tuple[float, float]

    def pixel(self, shape: tuple[int, ...]) -> np.ndarray:
        """Return the pixel of an image."""
        sizes = np.asarray(shape)
        return np.minimum((self.place * sizes).astype(int), sizes - 1)


@dataclass(frozen=True)
class Scene:
    """An image, how the viewer shows it, and where it is clicked.

    Attributes
    ----------
    shape : tuple of int
        Of the image, without colours.
    channels : int
        0 for grey, else 3 or 4.
    levels : int
        More than one: multiscale.
    more_axes : int
        Axes that only the viewer has, in front of the image's.
    order : tuple of int
        The viewer's ``dims.order``; its last two are axes of the image.
    scale, translate : tuple of float
        One for each axis; scales may be negative.
    placement : str
        One of `PLACEMENTS`, with ``amount``: by how much.
    """

    shape: tuple[int, ...]
    dtype: str
    channels: int
    levels: int
    more_axes: int
    order: tuple[int, ...]
    scale: tuple[float, ...]
    translate: tuple[float, ...]
    placement: str
    amount: float
    units: str | None
    clicks: tuple[Click, ...]

    @property
    def ndim(self) -> int:
        """Axes of the image."""
        return len(self.shape)

    @property
    def displayed(self) -> tuple[int, int]:
        """Axes of the image that are rows and columns of the canvas."""
        row, column = (axis - self.more_axes for axis in self.order[-2:])
        return row, column


@cache
def _noise(dtype: str) -> np.ndarray:
    rng, kind = np.random.default_rng(7), np.dtype(dtype)
    if kind.kind == "f":
        return rng.normal(0, 100, BUFFER).astype(kind)
    if kind.kind == "b":
        return rng.random(BUFFER) < 0.5
    return np.frombuffer(rng.bytes(BUFFER * kind.itemsize), kind)


def pixels(scene: Scene) -> np.ndarray:
    """Return the image's data, level 0; read-only."""
    shape = scene.shape + (scene.channels,) * bool(scene.channels)
    noise = _noise(scene.dtype)
    steps = (*STRIDES[: scene.ndim], 4099)[: len(shape)]
    strides = tuple(step * noise.itemsize for step in steps)
    return np.lib.stride_tricks.as_strided(noise, shape, strides, writeable=False)


def levels_of(scene: Scene) -> list[np.ndarray]:
    """Return the data of every level, halved along the displayed axes."""
    full = pixels(scene)
    found = []
    for level in range(scene.levels):
        steps = [1] * full.ndim
        for axis in scene.displayed:
            steps[axis] = 1 << level
        found.append(full[tuple(slice(None, None, step) for step in steps)])
    return found


def placed(scene: Scene) -> dict[str, Any]:
    """Return the keyword arguments of the image's transforms and units.

    Rotation and shear turn the displayed axes among themselves: an image turned out of
    the plane on show is not one that the plugin takes.
    """
    row, column = scene.displayed
    turn, lean = np.eye(scene.ndim), np.eye(scene.ndim)
    sine, cosine = np.sin(scene.amount), np.cos(scene.amount)
    turn[np.ix_((row, column), (row, column))] = [[cosine, -sine], [sine, cosine]]
    lean[min(row, column), max(row, column)] = scene.amount / 2
    affine = np.eye(scene.ndim + 1)
    affine[:-1, :-1] = turn @ lean
    affine[:-1, -1] = scene.amount * 10
    extra = {
        "plain": {},
        "rotated": {"rotate": turn},
        "sheared": {"shear": lean},
        "affine": {"affine": affine},
    }[scene.placement]
    units = _units(scene, scene.ndim)
    return {"scale": scene.scale, "translate": scene.translate, "units": units} | extra


def _units(scene: Scene, ndim: int) -> tuple[str, ...] | None:
    return None if scene.units is None else (scene.units,) * ndim


def opened(scene: Scene) -> tuple[ViewerModel, Image]:
    """Open a scene."""
    viewer, found = ViewerModel(), levels_of(scene)
    image = viewer.add_image(
        found if scene.levels > 1 else found[0],
        multiscale=scene.levels > 1,
        rgb=bool(scene.channels),
        contrast_limits=None if scene.channels else (0, 1),
        **placed(scene),
    )
    if scene.more_axes:
        viewer.add_image(
            np.zeros((3,) * scene.more_axes + (2,) * scene.ndim, np.uint8),
            contrast_limits=(0, 1),
            units=_units(scene, scene.ndim + scene.more_axes),
            visible=False,
        )
    viewer.dims.order = scene.order
    return viewer, image


def point_at(
    click: Click, scene: Scene, viewer: ViewerModel, image: Image
) -> tuple[float, ...]:
    """Move sliders and view to a click; return the world position under the mouse."""
    pixel = click.pixel(scene.shape)
    world = np.zeros(viewer.dims.ndim)
    world[scene.more_axes :] = image.data_to_world(pixel + click.off)
    viewer.dims.point = tuple(world)
    _look(click, scene, image)
    mouse = np.asarray(viewer.dims.point, float)  # the sliders stay within their ranges
    shown = list(scene.order[-2:])
    mouse[shown] = world[shown]
    return tuple(mouse)


def _look(click: Click, scene: Scene, image: Image) -> None:
    """Zoom in, as the canvas tells after drawing: first and last pixel on show."""
    pixel, sizes = click.pixel(scene.shape), np.asarray(scene.shape)
    corners = np.array([sizes * 0, sizes - 1])
    for axis, share in zip(scene.displayed, click.view, strict=True):
        half = int(share * sizes[axis] / 2)
        corners[:, axis] = np.clip(pixel[axis] + (-half, half), 0, sizes[axis] - 1)
    if scene.levels > 1:
        image.data_level = scene.levels - 1
        corners = (corners // image.downsample_factors[image.data_level]).astype(int)
    image.corner_pixels = corners


@st.composite
def clicks(draw: st.DrawFn, ndim: int) -> Click:
    """Draw a click."""
    share, off = st.floats(0, 1), st.floats(-0.45, 0.45).map(_rounded)
    return Click(
        place=tuple(draw(share) for _ in range(ndim)),
        off=tuple(draw(off) for _ in range(ndim)),
        view=(draw(share), draw(share)),
    )


def _rounded(value: float) -> float:
    return round(value, 3)


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Draw a scene."""
    ndim = draw(st.integers(2, 5))
    more = draw(st.sampled_from((0, 0, 0, 1)))
    levels = draw(st.sampled_from((1, 1, 1, 2, 3)))
    shown = draw(st.permutations(range(ndim)))[:2]
    hidden = [a for a in range(ndim + more) if a - more not in shown]
    order = (*draw(st.permutations(hidden)), *(axis + more for axis in shown))
    sides = st.integers(*draw(st.sampled_from(SIDES)))
    shape = tuple(draw(sides if a in shown else st.integers(1, 4)) for a in range(ndim))
    number = st.floats(-3, 3).map(_rounded)
    sign = st.sampled_from((1, 1, -1))
    scale = [draw(sign) * 10 ** (draw(number) / 2) for _ in range(ndim)]
    return Scene(
        shape=shape,
        dtype=draw(st.sampled_from(DTYPES)),
        channels=draw(st.sampled_from((0, 0, 0, 3, 4))),
        levels=levels,
        more_axes=more,
        order=order,
        scale=tuple(scale),
        translate=tuple(draw(number) * 50 for _ in range(ndim)),
        placement=draw(st.sampled_from(PLACEMENTS)),
        amount=draw(number),
        units=draw(st.sampled_from(UNITS)),
        clicks=tuple(draw(clicks(ndim)) for _ in range(CLICKS)),
    )
