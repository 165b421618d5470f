"""Draw the contact sheet: images that no training saw, one click on each object.

Coins, text and cell come with scikit-image; histo.jpg is read out of a wheel of
stardist (``pip download stardist --no-deps``); the folder that `training.unseen` wrote
adds labelled ones with their figures. None of them is chosen by how it looks. With
``--figures`` the best, the middle and the worst image of each group of a measured
folder are drawn instead.
"""

import argparse
import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from skimage import data
from skimage.io import imread
from skimage.segmentation import find_boundaries

from training.evaluation.patches import Patch, corrective_click, iou
from training.evaluation.scenes import Scene, find_scenes
from training.evaluation.segmenters import open_segmenter
from training.evaluation.sitting import EMPTY, Session, Sitting

HISTO = "stardist/data/images/histo.jpg"
OUT = Path(__file__).parents[1] / "docs" / "images" / "starter-sheet.png"
LABELLED = 2
"""Images of each labelled group."""
WIDTH, GAP, CAPTION, ACROSS = 460, 8, 26, 3
DOT = 2.5
COLOURS = (
    (255, 176, 0), (100, 143, 255), (220, 38, 127), (0, 200, 150), (254, 97, 0),
    (190, 120, 255),
)  # fmt: skip
"""Tell apart with most kinds of colour vision, after IBM's palette."""
SHADE = 0.3

Pixel = tuple[int, int]
RGB = npt.NDArray[np.uint8]

CLICKS: dict[str, tuple[Pixel, ...]] = {
    "coins": (
        (53, 44), (50, 155), (42, 335), (126, 102), (120, 270), (195, 101), (187, 347),
        (262, 172), (268, 357),
    ),
    "text": (
        (91, 78), (132, 179), (88, 223), (116, 431), (126, 132), (159, 64), (67, 191),
    ),
    "cell": ((374, 428),),
    "histo": (
        (173, 187), (167, 412), (184, 429), (90, 120), (93, 235), (77, 289), (219, 367),
        (228, 287), (119, 371), (255, 83), (129, 159), (14, 481),
    ),
}  # fmt: skip
"""Row and column of the one click on each object, set before any model was seen."""


@dataclass(frozen=True, eq=False)
class Panel:
    """An image, the masks that clicks on it gave, and what is said below."""

    image: npt.NDArray[Any]
    clicks: Sequence[Pixel]
    masks: Sequence[Patch]
    caption: str


def photographs(wheel: Path | None) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Yield the unlabelled images by name."""
    yield "coins", data.coins()
    yield "text", data.text()
    yield "cell", data.cell()
    if wheel is not None:
        with zipfile.ZipFile(wheel) as archive:
            yield "histo", np.asarray(imread(io.BytesIO(archive.read(HISTO))))


def clicked(model: str, name: str, image: npt.NDArray[Any]) -> Panel:
    """Click an unlabelled image where the table says."""
    blank = np.zeros(image.shape[:2], np.int64)
    sitting = Sitting.of(open_segmenter(model), image, blank, name)
    masks = [Session(sitting).ask((click, 1)) for click in CLICKS[name]]
    return Panel(image, CLICKS[name], masks, name)


def labelled(model: str, folder: Path) -> Iterator[Panel]:
    """Click every object of the first images of each group."""
    scenes = find_scenes(folder)
    for group in dict.fromkeys(scene.group for scene in scenes):
        for scene in [s for s in scenes if s.group == group][:LABELLED]:
            yield measured(model, scene, scene.name)


def cases(model: str, folder: Path, figures: Path) -> Iterator[Panel]:
    """Click every object of each group's best, middle and worst image by IoU@1."""
    scenes = {scene.name: scene for scene in find_scenes(folder)}
    groups = json.loads(figures.read_text("utf-8"))["images"]
    for group, means in groups.items():
        order = sorted(means, key=lambda name: -means[name])
        for word, place in (("best", 0), ("middle", len(order) // 2), ("worst", -1)):
            yield measured(model, scenes[order[place]], f"{group}, {word}")


def measured(model: str, scene: Scene, title: str) -> Panel:
    """Click every object of an image, and say how well that went."""
    image, labels = scene.read()
    sitting = Sitting.of(open_segmenter(model), image, labels, scene.name)
    truths = [target.patch for target in sitting.targets]
    clicks = [corrective_click(EMPTY, truth)[0] for truth in truths]
    masks = [Session(sitting).ask((click, 1)) for click in clicks]
    pairs = zip(masks, truths, strict=True)
    mean = float(np.mean([iou(mask, truth) for mask, truth in pairs]))
    text = f"{title}: IoU@1 {mean:.2f}, {len(truths)} objects"
    return Panel(image, clicks, masks, text)


def draw(panel: Panel) -> Image.Image:
    """Draw masks and clicks on an image, and the caption below."""
    plane = as_rgb(panel.image)
    scale = WIDTH / max(plane.shape[:2])
    size = round(plane.shape[1] * scale), round(plane.shape[0] * scale)
    pixels = np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.BICUBIC))
    pixels = pixels.astype(np.float64)
    for number, mask in enumerate(panel.masks):
        overlay(pixels, mask, plane.shape[:2], COLOURS[number % len(COLOURS)])
    tile = Image.new("RGB", (WIDTH, size[1] + CAPTION), "white")
    tile.paste(Image.fromarray(pixels.astype(np.uint8)), (0, 0))
    pen = ImageDraw.Draw(tile)
    for row, column in panel.clicks:
        x, y = (column + 0.5) * scale, (row + 0.5) * scale
        ends = (x - DOT, y - DOT, x + DOT, y + DOT)
        pen.ellipse(ends, fill="white", outline="black")
    pen.text((2, size[1] + 3), panel.caption, "black", ImageFont.load_default(16))
    return tile


def overlay(
    pixels: npt.NDArray[np.float64],
    mask: Patch,
    shape: tuple[int, ...],
    colour: tuple[int, int, int],
) -> None:
    """Shade a mask of a plane of another size, and draw its outline, in place."""
    whole = Image.fromarray(mask.within((0, 0, shape[0], shape[1])))
    size = pixels.shape[1], pixels.shape[0]
    there = np.asarray(whole.resize(size, Image.Resampling.NEAREST))
    edge = find_boundaries(there, mode="inner")
    pixels[there] = (1 - SHADE) * pixels[there] + SHADE * np.array(colour)
    pixels[edge] = colour


def as_rgb(image: npt.NDArray[Any]) -> RGB:
    """Return an image as people see it: 0.1 to 99.9 percentiles, three channels."""
    if image.dtype == np.uint8:
        grey = image
    else:
        low, high = np.percentile(image, (0.1, 99.9))
        grey = (np.clip((image - low) / (high - low), 0, 1) * 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, 2) if grey.ndim == 2 else grey[..., :3]


def sheet(tiles: Sequence[Image.Image]) -> Image.Image:
    """Lay tiles out in columns, each in the one that is shortest so far."""
    heights, places = [GAP] * ACROSS, []
    for tile in tiles:
        column = heights.index(min(heights))
        places.append((GAP + column * (WIDTH + GAP), heights[column]))
        heights[column] += tile.height + GAP
    size = ACROSS * (WIDTH + GAP) + GAP, max(heights)
    paper = Image.new("RGB", size, "white")
    for tile, place in zip(tiles, places, strict=True):
        paper.paste(tile, place)
    return paper


def panels(args: argparse.Namespace) -> Iterator[Panel]:
    """Yield all panels of a sheet."""
    if args.figures is not None:
        yield from cases(args.model, args.labelled, args.figures)
        return
    for name, image in photographs(args.stardist):
        yield clicked(args.model, name, image)
    if args.labelled is not None:
        yield from labelled(args.model, args.labelled)


def main(given: list[str] | None = None) -> None:
    """Draw the sheet of a model."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--model", default="starter", help="name or path, as for training.evaluate")
    add("--stardist", type=Path, help="a wheel of stardist")
    add("--labelled", type=Path, help="the folder that training.unseen wrote")
    add(
        "--figures",
        type=Path,
        help="JSON of training.evaluate on --labelled: draws "
        "the best, the middle and the worst image of each group instead",
    )
    add("--out", type=Path, default=OUT)
    args = parser.parse_args(given)
    if args.figures is not None and args.labelled is None:
        parser.error("--figures needs --labelled, the folder it was measured on")
    tiles = [draw(each) for each in panels(args)]
    args.out.parent.mkdir(parents=True, exist_ok=True)
    sheet(tiles).quantize(256).save(args.out, optimize=True)


if __name__ == "__main__":
    main()
