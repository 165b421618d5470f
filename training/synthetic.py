"""Synthetic scenes: shapes, textures and optics, random enough to be general.

A scene is drawn on a square of the model frame. It comes with a number per pixel as
label images have, and with pairs of nested objects, whose outer one holds the inner.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import skimage
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, uniform_filter
from skimage.color import rgb2gray
from skimage.io import imread
from skimage.util import img_as_float32

Floats = NDArray[np.float32]
Labels = NDArray[np.int32]
# Photographs inside scikit-image that lend textures; coins, text and cell never do.
PHOTOGRAPHS = ("brick.png", "grass.png", "gravel.png", "chelsea.png")
TILE = 512  # side of a texture
SMALLEST, LARGEST = 4.0, 350.0  # radii in pixels of the model frame
MOST = 70  # objects of a scene


@dataclass(frozen=True)
class Scene:
    """Image (S, S, 3) float32 in 0..1, labels (S, S) and {inner: outer} numbers."""

    image: Floats
    labels: Labels
    inside: dict[int, int]

    def mask(self, number: int) -> NDArray[np.bool_]:
        """Pixels of an object, with those of the object nested in it."""
        mask = self.labels == number
        for inner, outer in self.inside.items():
            if outer == number:
                mask |= self.labels == inner
        return mask


def standard(field: Floats) -> Floats:
    """Mean 0 and standard deviation 1, without extremes."""
    scaled = (field - field.mean()) / (field.std() + 1e-6)
    return scaled.clip(-3, 3).astype(np.float32)


@cache
def textures() -> tuple[Floats, ...]:
    """Tiles of noise of several grains and kinds, and of photographs."""
    rng = np.random.default_rng(7)
    found = []
    for grain in (0.7, 1.5, 3.0, 6.0, 12.0, 30.0):
        for stretch in (1.0, 1.0, 4.0):
            white = rng.normal(size=(TILE, TILE)).astype(np.float32)
            field = standard(
                gaussian_filter(white, (grain, grain * stretch), mode="wrap")
            )
            found += [field, standard(np.abs(field)), standard(field > 0.8)]
    for name in PHOTOGRAPHS:
        photo = img_as_float32(imread(Path(skimage.__file__).parent / "data" / name))
        grey = rgb2gray(photo) if photo.ndim == 3 else photo
        found.append(standard(np.resize(grey[:300, :400], (300, 400))))
    return tuple(found)


def texture(side: int, rng: np.random.Generator) -> Floats:
    """A random piece [side, side] of a random tile, wrapped where it is too small."""
    tiles = textures()
    tile = tiles[rng.integers(len(tiles))]
    if rng.random() < 0.5:
        tile = tile.T
    rows, columns = (
        (np.arange(side) + rng.integers(length)) % length for length in tile.shape
    )
    return tile[rows[:, None], columns]


def offsets(radius: float, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Grid (y, x) around a centre, turned by a random angle, wide enough to draw in."""
    reach = int(radius) + 2
    axis = np.arange(-reach, reach + 1, dtype=np.float32)
    shift = rng.uniform(-0.5, 0.5, 2).astype(np.float32)
    turn = rng.uniform(0, 2 * np.pi)
    y, x = axis[:, None] + shift[0], axis[None] + shift[1]
    cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    return cos * y - sin * x, sin * y + cos * x


def star(radius: float, rng: np.random.Generator, rough: float) -> Floats:
    """Relative distance to the centre of a star-convex blob: 1 on its outline."""
    y, x = offsets(radius * (1 + 1.5 * rough) * 1.3, rng)
    y = y * np.float32(np.exp(rng.uniform(-0.25, 0.25)))
    angle = np.arctan2(y, x)
    outline = np.ones_like(angle)
    for wave in range(2, 7):
        weight = rough * rng.normal() / wave
        outline += np.float32(weight) * np.cos(wave * angle + rng.uniform(0, 6.3))
    return np.hypot(y, x) / (radius * outline.clip(0.3, 1.7))


def rod(radius: float, rng: np.random.Generator, rough: float) -> Floats:
    """Relative distance to the spine of a long, bent object."""
    y, x = offsets(radius * 1.3, rng)
    thin = radius * rng.uniform(0.15, 0.5)
    bend = rough * rng.normal() / radius
    y = y + np.float32(bend) * (x * x - radius * radius / 3)
    beyond = np.maximum(np.abs(x) - (radius - thin), 0)
    return np.hypot(y, beyond) / np.float32(thin)


def branches(radius: float, rng: np.random.Generator, rough: float) -> Floats:
    """Relative distance to a body with two to five tapering arms."""
    y, x = offsets(radius * 1.2, rng)
    body = np.hypot(y, x) / (radius * rng.uniform(0.25, 0.5))
    for arm in range(rng.integers(2, 6)):
        angle = 2.4 * arm + rng.normal() * 0.4
        cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        along = (cos * y + sin * x).clip(0, radius * rng.uniform(0.6, 1))
        width = radius * 0.22 * (1.2 - along / radius)
        body = np.minimum(body, np.hypot(y - cos * along, x - sin * along) / width)
    return body


SHAPES = {star: 0.7, rod: 0.2, branches: 0.1}


def layout(
    side: int, rng: np.random.Generator
) -> tuple[Labels, Floats, dict[int, int]]:
    """Labels, depth in the object (0 on the outline, 1 deep inside) and nesting."""
    shape = rng.choice(list(SHAPES), p=list(SHAPES.values()))
    largest = min(LARGEST, 0.4 * side)
    radius = np.exp(rng.uniform(np.log(SMALLEST), np.log(largest)))
    rough, spread = rng.uniform(0, 0.35), rng.uniform(0.02, 0.35)
    nested = rng.random() < 0.2
    crowd = rng.uniform(0.05, 0.9) * side**2 / (np.pi * radius**2)
    labels = np.zeros((side, side), np.int32)
    depth = np.zeros((side, side), np.float32)
    inside: dict[int, int] = {}
    number, bunch = 0, rng.uniform(0, side, 2)
    for _ in range(min(int(crowd) + 1, MOST)):
        size = float(np.clip(radius * np.exp(rng.normal() * spread), 3, largest))
        away = shape(size, rng, rough)
        loose = rng.random() < 0.7
        centre = rng.uniform(0, side, 2) if loose else rng.normal(bunch, 2 * size)
        centre = centre.clip(0, side - 1)
        if not place(labels, depth, away, centre, number + 1, touching=True):
            continue
        number += 1
        if nested and size > 8:
            inner = star(size * rng.uniform(0.3, 0.6), rng, rough / 2)
            if place(labels, depth, inner, centre, number + 1, touching=False):
                inside[number + 1] = number
                number += 1
    return labels, depth, inside


def place(
    labels: Labels,
    depth: Floats,
    away: Floats,
    centre: NDArray[np.float64],
    number: int,
    touching: bool,
) -> bool:
    """Draw an object: beside the others, or (not touching) within the one before."""
    side, reach = len(labels), away.shape[0] // 2
    low = centre.astype(int) - reach
    ends = zip(low, away.shape, strict=True)
    rows, columns = (slice(max(v, 0), max(min(v + n, side), 0)) for v, n in ends)
    cut = away[
        rows.start - low[0] : rows.stop - low[0],
        columns.start - low[1] : columns.stop - low[1],
    ]
    solid, there = cut < 1, labels[rows, columns]  # a view: it is written to
    free = solid & (there == (0 if touching else number - 1))
    if free.sum() < max(12, 0.6 * solid.sum()):
        return False
    there[free] = number
    depth[rows, columns][free] = 1 - cut[free]
    return True


def scene(side: int, rng: np.random.Generator) -> Scene:
    """A scene of ``side`` pixels of the model frame."""
    labels, depth, inside = layout(side, rng)
    grey = brightness(labels, depth, inside, rng)
    colours = rng.uniform(0, 1, (3, 3)) if rng.random() < 0.5 else np.eye(3)[:, :1]
    image = paint(grey, labels, colours.astype(np.float32), rng)
    return Scene(degrade(image, rng), labels, inside)


def brightness(
    labels: Labels, depth: Floats, inside: dict[int, int], rng: np.random.Generator
) -> Floats:
    """How strongly each pixel is stained: objects, their shading, textures, rims."""
    side, count = len(labels), int(labels.max()) + 1
    level = 1 + rng.uniform(0, 0.35) * rng.normal(size=count)
    level = level.clip(0.35, 2.0)
    for inner, outer in inside.items():
        level[inner] = level[outer] * rng.choice((0.3, 0.5, 1.6, 2.0))
    level[0] = rng.uniform(-0.1, 0.1)
    stain = level.astype(np.float32)[labels]
    if rng.random() < 0.4:  # only an outline, or little else
        stain *= np.float32(rng.uniform(0, 0.6))
    solid = labels > 0
    dome = rng.uniform(-0.5, 1.0)
    stain += np.float32(dome) * depth**0.7 * solid
    stain += np.float32(rng.uniform(0, 0.35)) * texture(side, rng) * solid
    stain += np.float32(rng.uniform(0, 0.3)) * texture(side, rng) * ~solid
    rim = np.exp(-depth / rng.uniform(0.05, 0.3)) * solid
    strength = rng.uniform(-1, 1.5) if rng.random() < 0.5 else 0
    return stain + np.float32(strength) * rim.astype(np.float32)


def paint(
    stain: Floats, labels: Labels, colours: Floats, rng: np.random.Generator
) -> Floats:
    """Ground, stain and its texture as colours; grey if there is one colour."""
    ground = rng.uniform(0, 1) if rng.random() < 0.5 else rng.choice((0.03, 0.95))
    contrast = rng.uniform(0.12, 0.8) * (1 if ground < 0.5 else -1)
    if colours.shape[1] == 1:
        grey = ground + contrast * stain
        return np.repeat(grey[..., None], 3, 2).astype(np.float32)
    tint = colours[0] - colours[0].mean()
    base = ground + 0.3 * (colours[1] - 0.5)
    image = base + contrast * stain[..., None] * (1 + tint)
    other = texture(len(labels), rng)[..., None] * (colours[2] - 0.5)
    return (image + rng.uniform(0, 0.15) * other).astype(np.float32)


def degrade(image: Floats, rng: np.random.Generator) -> Floats:
    """Uneven light, blur of the optics, and the noise of a camera."""
    side = len(image)
    if rng.random() < 0.5:
        ramp = np.linspace(-1, 1, side, dtype=np.float32)
        slope = rng.normal(0, 0.12, 2).astype(np.float32)
        image = image * (1 + slope[0] * ramp[:, None, None] + slope[1] * ramp[:, None])
    width = int(rng.choice((1, 1, 3, 5, 9), p=(0.15, 0.15, 0.4, 0.2, 0.1)))
    if width > 1:  # two box filters are close to a Gaussian, and fast
        for _ in range(2):
            image = uniform_filter(image, (width, width, 1))
    strength = rng.uniform(0, 0.06)
    noise = rng.standard_normal((side, side, 1), dtype=np.float32)
    light = np.sqrt(image.clip(0.02, 1)) if rng.random() < 0.5 else 1
    return (image + np.float32(strength) * light * noise).clip(0, 1).astype(np.float32)
