"""Small objects in a large image: regions that follow the zoom, over squashing it all.

Images that no model of this project was trained on are pasted, each at its own size and
side by side, into one plane of 4096². The same objects are clicked once, at their
innermost point: in their own image, in the plane with the region that the plugin
chooses, and in the plane squashed to the model's square. The user's view is a square
around the object, `VIEW` times as wide as it.

The images are those of the folder that ``--data`` names (`training/README.md`).
"""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

import napari_sam21 as sam
from benchmarks.timing import Outcome, Spread
from napari_sam21.core.geometry import Region, whole_plane
from napari_sam21.core.preprocess import (
    as_plane,
    intensity_limits,
    to_unit_range,
)
from napari_sam21.core.regions import Rect, choose_region

DATA = "SAM21_DATA"
"""Variable of the environment that names the folder of images."""

SIDE = 4096
VIEW, LEAST_VIEW = 6, 96
SMALLEST = 30
"""Pixels; what is smaller is rather a speck of the labels."""

OBJECTS = 200
Image = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class Pasted:
    """An image with true labels, and where it lies in the mosaic."""

    image: Image
    labels: Labels
    origin_rc: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Target:
    """One object of a pasted image: its mask in a box, in the image's own frame."""

    of: Pasted
    mask: npt.NDArray[np.bool_]
    corner_rc: tuple[int, int]
    click_rc: tuple[float, float]


def read_images(folder: Path) -> Iterator[tuple[Image, Labels]]:
    """Read the images of the split ``val``, as RGB; grey ones in robust contrast."""
    from PIL import Image as Picture

    with (folder / "index.csv").open(encoding="utf-8") as file:
        names = [row["name"] for row in csv.DictReader(file) if row["split"] == "val"]
    for name in names:
        pixels = as_plane(np.asarray(Picture.open(folder / "images" / f"{name}.png")))
        if pixels.ndim == 2:
            low, high = intensity_limits(pixels)
            grey = (to_unit_range(pixels, low, high, 1.0) * 255).round()
            pixels = np.repeat(grey[..., None], 3, axis=2)
        labels = np.asarray(Picture.open(folder / "labels" / f"{name}.png"))
        yield pixels[..., :3].astype(np.uint8), labels


def paste(folder: Path) -> tuple[Image, list[Pasted]]:
    """Lay images out in rows until the mosaic is full; the tallest ones first."""
    found = sorted(read_images(folder), key=lambda each: -each[0].shape[0])
    mosaic = np.zeros((SIDE, SIDE, 3), np.uint8)
    placed: list[Pasted] = []
    top = left = height = 0
    for image, labels in found:
        h, w = labels.shape
        if left + w > SIDE:
            top, left, height = top + height, 0, 0
        if top + h > SIDE or left + w > SIDE:
            continue
        height = max(height, h)
        mosaic[top : top + h, left : left + w] = image
        placed.append(Pasted(image, labels, (top, left)))
        left += w
    return mosaic, placed


def targets_of(pasted: Pasted) -> Iterator[Target]:
    """Find the objects of an image, each with its innermost point."""
    for label, box in enumerate(ndimage.find_objects(pasted.labels), 1):
        if box is None:
            continue
        mask = pasted.labels[box] == label
        if mask.sum() >= SMALLEST:
            depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
            row, column = np.unravel_index(depth.argmax(), depth.shape)
            r0, c0 = box[0].start, box[1].start
            yield Target(pasted, mask, (r0, c0), (float(r0 + row), float(c0 + column)))


class Clicker:
    """Clicks objects in one plane, and encodes each region once."""

    def __init__(self, model: sam.Model, plane: Image) -> None:
        self._model, self._plane = model, plane
        self._embeddings: dict[Region, sam.Embedding] = {}

    def iou(
        self, target: Target, region: Region | None, offset_rc: tuple[int, int] = (0, 0)
    ) -> float:
        """Click an object once; return the overlap of the best candidate with it."""
        region = region or whole_plane(self._plane.shape[:2])
        if region not in self._embeddings:
            found = self._model.encode(self._plane, region=region)
            self._embeddings[region] = found
        embedding = self._embeddings[region]
        row, column = np.add(target.click_rc, offset_rc)
        answer = self._model.decode(embedding, sam.Prompts([(row, column)], [1]))
        corner = tuple(np.add(target.corner_rc, offset_rc))
        return overlap(answer.crop(), (target.mask, corner))


def overlap(one: tuple[npt.NDArray[np.bool_], tuple[int, int]], other: object) -> float:
    """Return the IoU of two masks in boxes of the same frame."""
    (left, (r0, c0)), (right, (r1, c1)) = one, other  # type: ignore[misc]
    top, first = max(r0, r1), max(c0, c1)
    bottom = min(r0 + left.shape[0], r1 + right.shape[0])
    last = min(c0 + left.shape[1], c1 + right.shape[1])
    both = 0
    if bottom > top and last > first:
        both = np.count_nonzero(
            left[top - r0 : bottom - r0, first - c0 : last - c0]
            & right[top - r1 : bottom - r1, first - c1 : last - c1]
        )
    return both / (np.count_nonzero(left) + np.count_nonzero(right) - both)


def region_of(target: Target) -> Region:
    """Return the plugin's own choice for what a user looks at around an object."""
    height, width = target.mask.shape
    half = max(VIEW * max(height, width), LEAST_VIEW) / 2
    corner = np.add(target.corner_rc, target.of.origin_rc)
    row, column = corner + np.array([height, width]) / 2
    view = Rect(row - half, column - half, row + half, column + half)
    click = np.add(target.click_rc, target.of.origin_rc)
    return choose_region((SIDE, SIDE), view, [(click[0], click[1])])


def measure(folder: Path, rounds: int) -> list[Outcome]:
    """Click the same objects in their images and in the mosaic."""
    data = os.environ.get(DATA)
    if not data:
        print("  no images: name their folder by --data", file=sys.stderr)
        return []
    model = sam.load_model(folder)
    mosaic, placed = paste(Path(data))
    found = [each for pasted in placed for each in targets_of(pasted)]
    chosen = np.random.default_rng(0).permutation(len(found))[: OBJECTS * rounds]
    in_mosaic = Clicker(model, mosaic)
    alone = {id(each): Clicker(model, each.image) for each in placed}
    values: dict[str, list[float]] = {"own": [], "regions": [], "squashed": []}
    for number in sorted(chosen):
        target = found[number]
        at = target.of.origin_rc
        values["own"].append(alone[id(target.of)].iou(target, None))
        values["regions"].append(in_mosaic.iou(target, region_of(target), at))
        values["squashed"].append(in_mosaic.iou(target, None, at))
    print(f"  {len(chosen)} objects of {len(placed)} images", file=sys.stderr)
    return outcomes(values)


def outcomes(values: dict[str, list[float]]) -> list[Outcome]:
    """Compare mean overlaps: what is lost against the objects' own images."""
    own = np.array(values["own"])
    rows = []
    for name in ("regions", "squashed"):
        lost = own - values[name]
        sides = {"ours": Spread.of(values[name]), "bare": Spread.of(own)}
        key = f"small_{name}"
        rows.append(Outcome(key, float(lost.mean()), Spread.of(lost), sides, "IoU"))
    return rows
