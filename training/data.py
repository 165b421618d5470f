"""Training crops: images rescaled, cut to squares, augmented, with object masks."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from skimage.io import imread
from torch import Tensor
from torch.utils.data import IterableDataset

from training.synthetic import scene

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
Floats = NDArray[np.float64]
SIDE = 1024  # the model frame: whole images are squashed to this square
MODALITY_SHARE = {
    "fluor": 0.60,
    "he_purple_white": 0.22,
    "he_pink_purple": 0.05,
    "bright_gray": 0.13,
}
SYNTHETIC = 0.12  # of the crops are drawn, not cut
CROWDED = 0.8  # 1 draws images by their objects, as figures count; 0 all alike
HARDEST = (0.08, 0.4)  # least and most that an image counts as failed on
MIN_AREA = 20  # source pixels an object must show in the crop
DEV_EVERY = 12  # one image in twelve of the train split is held out


@dataclass(frozen=True)
class Sample:
    """One image as the package would show it to the model, with its labels.

    ``image`` is (H, W, 3) float16 in 0..1, ``labels`` (H, W) int32, 0 = background.
    """

    name: str
    modality: str
    image: NDArray[np.float16]
    labels: NDArray[np.int32]


@dataclass(frozen=True)
class Batch:
    """Crops [n, 3, S, S], object masks [B, S/2, S/2] and whose crop each lies in."""

    images: Tensor
    targets: Tensor
    owner: Tensor


def to_rgb(image: NDArray[np.generic]) -> NDArray[np.float32]:
    """Scale to 0..1 as the package does: RGB as it is, grey by its percentiles."""
    if image.ndim == 3:
        return image[..., :3].astype(np.float32) / 255
    low, high = np.percentile(image, (0.1, 99.9))
    grey = (image.astype(np.float32) - low) / max(float(high - low), 1e-6)
    return np.repeat(grey.clip(0, 1)[..., None], 3, axis=2).astype(np.float32)


def load(root: Path, split: str) -> list[Sample]:
    """Read the images of ``train``, ``val``, or ``dev``, which is held out of train."""
    with (root / "index.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    source = "val" if split == "val" else "train"
    rows = sorted((r["modality"], r["name"]) for r in rows if r["split"] == source)
    if split != "val":
        held = split == "dev"
        rows = [r for i, r in enumerate(rows) if (i % DEV_EVERY == 5) == held]
    return [read(root, name, modality) for modality, name in rows]


def read(root: Path, name: str, modality: str) -> Sample:
    image = to_rgb(imread(root / "images" / f"{name}.png")).astype(np.float16)
    labels = imread(root / "labels" / f"{name}.png").astype(np.int32)
    return Sample(name, modality, image, labels)


def whole(sample: Sample) -> Tensor:
    """Return the normalised, squashed image [1, 3, 1024, 1024]."""
    image = torch.from_numpy(sample.image.astype(np.float32)).permute(2, 0, 1)[None]
    return normalise(resize(image, SIDE))


def resize(image: Tensor, side: int) -> Tensor:
    return F.interpolate(
        image, (side, side), mode="bilinear", align_corners=False, antialias=True
    )


def normalise(image: Tensor) -> Tensor:
    mean, std = torch.tensor(MEAN), torch.tensor(STD)
    return (image - mean.view(-1, 1, 1)) / std.view(-1, 1, 1)


@dataclass(frozen=True)
class View:
    """Crops of one size: how many a process takes at once, and objects of each."""

    side: int
    crops: int
    objects: int


# The whole frame costs four times as much, and is what the model is used on.
VIEWS = (View(256, 4, 5), View(512, 1, 5), View(SIDE, 1, 2))


def failed(samples: list[Sample], reached: dict[str, float | None]) -> Floats:
    """How much of each image a model fails on, by the IoU it reached there."""
    found = [reached.get(sample.name) for sample in samples]
    return np.array([1 - (1.0 if x is None else x) for x in found]).clip(*HARDEST)


class Crops(IterableDataset[Batch]):
    """Endless batches of augmented crops of the ``VIEWS``, drawn by ``odds``.

    Images of which ``reached`` tells a low IoU are drawn more often.

    All processes of a team see the same sequence of views, which costs them alike.
    """

    def __init__(
        self,
        samples: list[Sample],
        odds: tuple[float, ...],
        seed: int,
        rank: int,
        reached: dict[str, float | None],
    ) -> None:
        self.samples, self.odds = samples, odds
        self.seed, self.rank = seed, rank
        sizes = [len(np.unique(s.labels)) ** CROWDED for s in samples]
        shares = np.array(sizes) * failed(samples, reached)
        for modality, share in MODALITY_SHARE.items():
            mine = np.array([s.modality == modality for s in samples])
            shares[mine] *= share / max(shares[mine].sum(), 1e-6)
        self.shares = shares / shares.sum()

    def __iter__(self) -> Iterator[Batch]:
        common = np.random.default_rng(self.seed)
        rng = np.random.default_rng([self.seed, self.rank])
        while True:
            yield self.batch(VIEWS[common.choice(len(VIEWS), p=self.odds)], rng)

    def batch(self, view: View, rng: np.random.Generator) -> Batch:
        images: list[Tensor] = []
        targets: list[Tensor] = []
        owner: list[int] = []
        while len(images) < view.crops:
            image, masks = self.draw(view, rng)
            if len(masks):
                owner += [len(images)] * len(masks)
                images.append(image)
                targets.append(masks)
        stacked = normalise(torch.stack(images))
        return Batch(stacked, torch.cat(targets), torch.tensor(owner))

    def draw(self, view: View, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """One crop, of an image or synthetic."""
        if rng.random() < SYNTHETIC:
            return synthetic(view, rng)
        sample = self.samples[rng.choice(len(self.samples), p=self.shares)]
        return crop(sample, view, rng)


def synthetic(view: View, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """A drawn scene and some of its objects."""
    drawn = scene(view.side, rng)
    counts = np.bincount(drawn.labels.ravel())
    ids = np.flatnonzero(counts >= 2 * MIN_AREA)
    ids = rng.permutation(ids[ids > 0])[: view.objects]
    masks = torch.zeros(0, view.side // 2, view.side // 2)
    if len(ids):
        solid = torch.from_numpy(np.stack([drawn.mask(int(n)) for n in ids])).float()
        masks = F.avg_pool2d(solid, 2)
    pixels = torch.from_numpy(drawn.image).permute(2, 0, 1)
    return repaint(pixels, rng), masks


def crop(sample: Sample, view: View, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Cut a window around a random object, rescale it, choose objects in it."""
    rows, columns = window(sample.labels, view.side, rng)
    labels = sample.labels[rows, columns]
    image = sample.image[rows, columns].astype(np.float32)
    ids, counts = np.unique(labels, return_counts=True)
    ids = ids[(ids > 0) & (counts >= MIN_AREA)]
    ids = rng.permutation(ids)[: view.objects]
    masks = torch.from_numpy(labels[None] == ids[:, None, None]).float()
    pixels = torch.from_numpy(image).permute(2, 0, 1)
    flips = [d for d in (1, 2) if rng.random() < 0.5]
    pixels, masks = pixels.flip(flips), masks.flip(flips)
    if rng.random() < 0.5:
        pixels, masks = pixels.transpose(1, 2), masks.transpose(1, 2)
    pixels = resize(pixels[None], view.side)[0]
    if len(ids):
        masks = resize(masks[None], view.side // 2)[0]
    return repaint(pixels, rng), masks


def window(
    labels: NDArray[np.int32], side: int, rng: np.random.Generator
) -> tuple[slice, slice]:
    """Rows and columns of a window at a random scale of the squashed image."""
    scale = np.exp(rng.uniform(np.log(0.55), np.log(1.35)))
    stretch = np.exp(rng.uniform(-0.15, 0.15))
    if side == SIDE:
        scale, stretch = 1.0, 1.0  # the image as a whole
    inside = np.argwhere(labels > 0)
    centre = inside[rng.integers(len(inside))] if len(inside) else (0, 0)
    slices = []
    for axis, factor in ((0, stretch), (1, 1 / stretch)):
        size = labels.shape[axis]
        length = min(round(side / scale * factor / SIDE * size), size)
        start = int(centre[axis] - length * rng.uniform(0.1, 0.9))
        start = min(max(start, 0), size - length)
        slices.append(slice(start, start + length))
    return slices[0], slices[1]


def repaint(image: Tensor, rng: np.random.Generator) -> Tensor:
    """Random colour, contrast, gamma, polarity, blur and noise of a [3, S, S] image."""
    if rng.random() < 0.4:
        image = mix_colours(image, rng)
    if rng.random() < 0.35:
        image = image.clamp(0, 1) ** float(np.exp(rng.uniform(-0.6, 0.6)))
    if rng.random() < 0.4:
        gain = float(np.exp(rng.uniform(-0.5, 0.3)))
        image = image * gain + float(rng.uniform(-0.1, 0.15))
    if rng.random() < 0.05:
        image = 1 - image
    if rng.random() < 0.1:
        image = F.avg_pool2d(image, 5, stride=1, padding=2, count_include_pad=False)
    if rng.random() < 0.15:
        image = image + noise(image.shape[-1], rng)
    return image.clamp(0, 1)


def mix_colours(image: Tensor, rng: np.random.Generator) -> Tensor:
    """Gains per channel and some bleeding between channels; sometimes all grey."""
    matrix = np.eye(3) + rng.normal(0, 0.06, (3, 3))
    matrix *= np.exp(rng.normal(0, 0.1, (3, 1)))
    if rng.random() < 0.15:
        matrix = np.tile(rng.dirichlet((2, 2, 2)), (3, 1))
    return torch.einsum("ij,jhw->ihw", torch.from_numpy(matrix).float(), image)


def noise(side: int, rng: np.random.Generator) -> Tensor:
    """Gaussian noise with a grain of one to four pixels."""
    grain = int(rng.choice((1, 2, 4)))
    size = -(-side // grain)
    strength = rng.uniform(0.01, 0.08)
    field = rng.normal(0, strength, (1, 1, size, size)).astype(np.float32)
    grown = F.interpolate(torch.from_numpy(field), scale_factor=float(grain))
    return grown[0, :, :side, :side]
