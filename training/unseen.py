"""Make a folder of labelled images that no training saw, for `training.evaluate`.

- stardist's two-dimensional nuclei with ``mask2d``, and slices of its ``img3d`` with
  ``mask3d``, read out of a wheel: ``pip download stardist --no-deps``;
- synthetic scenes without nested objects, of seeds that training does not use, where
  `training.synthetic` is there.
"""

import argparse
import csv
import io
import logging
import zipfile
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import tifffile
from skimage.io import imsave

LOG = logging.getLogger("training")
FOLDER = "stardist/data/images"
SLICES = slice(3, None, 5)
"""Of img3d's 31: far enough apart to differ."""
HELD_OUT = (2026, 11, 23)
"""Begins the entropy of held-out scenes; training's has fewer numbers."""
SCENE_SIDES = (384, 512, 768)
GENERATOR = "training.synthetic"


class Example(NamedTuple):
    """An image, its label image (H, W), and the group it counts for."""

    name: str
    image: npt.NDArray[Any]
    labels: npt.NDArray[np.uint16]
    group: str


def from_wheel(wheel: Path, name: str) -> npt.NDArray[Any]:
    """Read one of stardist's images."""
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read(f"{FOLDER}/{name}.tif")
    return np.asarray(tifffile.imread(io.BytesIO(content)))


def nuclei(wheel: Path) -> Iterator[Example]:
    """Yield stardist's plane, and slices of its stack."""
    plane, masks = from_wheel(wheel, "img2d"), from_wheel(wheel, "mask2d")
    yield Example("nuclei-2d", plane, masks, "stardist 2D")
    stack, labels = from_wheel(wheel, "img3d"), from_wheel(wheel, "mask3d")
    for number in range(len(stack))[SLICES]:
        name = f"nuclei-3d-{number:02}"
        yield Example(name, stack[number], labels[number], "stardist 3D, slices")


def scenes(count: int) -> Iterator[Example]:
    """Yield synthetic scenes of held-out seeds; none where there is no generator."""
    if count == 0 or find_spec(GENERATOR) is None:
        return
    generate = import_module(GENERATOR).scene
    made = number = 0
    while made < count:
        side = SCENE_SIDES[number % len(SCENE_SIDES)]
        scene = generate(side, np.random.default_rng([*HELD_OUT, number]))
        number += 1
        # The middle of an outer object lies in the inner one: no click tells which.
        if scene.inside or not scene.labels.any():
            continue
        image = (np.clip(scene.image, 0, 1) * 255).astype(np.uint8)
        labels = scene.labels.astype(np.uint16)
        yield Example(f"scene-{number:03}", image, labels, "synthetic")
        made += 1


def write(examples: Iterator[Example], out: Path) -> int:
    """Write images/, labels/ and index.csv; return how many there are."""
    rows = [("name", "group")]
    for folder in ("images", "labels"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    for example in examples:
        for folder, array in (("images", example.image), ("labels", example.labels)):
            file = out / folder / f"{example.name}.tif"
            imsave(file, array, check_contrast=False)
        rows.append((example.name, example.group))
    with (out / "index.csv").open("w", newline="", encoding="utf-8") as handle:
        csv.writer(handle).writerows(rows)
    return len(rows) - 1


def all_of(wheel: Path | None, count: int) -> Iterator[Example]:
    """Yield everything that is asked for."""
    if wheel is not None:
        yield from nuclei(wheel)
    yield from scenes(count)


def main(given: list[str] | None = None) -> None:
    """Write the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--stardist", type=Path, help="a wheel of stardist")
    add("--synthetic", type=int, default=24, help="scenes")
    add("--out", type=Path, default=Path(__file__).parent / "runs" / "unseen")
    args = parser.parse_args(given)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    LOG.info("%d images", write(all_of(args.stardist, args.synthetic), args.out))


if __name__ == "__main__":
    main()
