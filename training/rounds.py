"""Rounds of simulated clicks: prompts of a batch of objects, and how they grow."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from training.clicks import deepest, iou, loose_click, next_click
from training.data import SIDE, Sample, whole
from training.losses import hard_iou, round_loss
from training.network import Starter, enlarge

GRID = 2.0  # pixels of the model frame per pixel of a target mask
ABSENT = -1.0
FORGET = 0.1  # of the answers are not fed back


@dataclass(frozen=True)
class Prompts:
    """Prompts of B objects so far: ``xy`` [B, N, 2] in pixels, ``labels`` [B, N]."""

    xy: Tensor
    labels: Tensor

    def plus(self, xy: Tensor, labels: Tensor) -> "Prompts":
        return Prompts(
            torch.cat([self.xy, xy[:, None]], 1),
            torch.cat([self.labels, labels[:, None]], 1),
        )


def to_xy(cell_rc: tuple[int, int], rng: np.random.Generator) -> tuple[float, float]:
    """Model coordinates of somewhere in a target cell, half a pixel off as the card."""
    row, column = (np.array(cell_rc) + rng.uniform(0, 1, 2)) * GRID - 0.5
    return float(column), float(row)


def first_prompts(targets: NDArray[np.bool_], rng: np.random.Generator) -> Prompts:
    """Mostly one click near the centre; sometimes a box, a loose or negative click."""
    xy = np.zeros((len(targets), 4, 2), np.float32)
    labels = np.full((len(targets), 4), ABSENT, np.float32)
    for i, target in enumerate(targets):
        kind = rng.random()
        if kind < 0.15:
            xy[i, :2], labels[i, :2] = jittered_box(target, rng), (2, 3)
        if kind > 0.08:
            loose = rng.random() < 0.25
            cell = loose_click(target, rng) if loose else deepest(target)[1]
            xy[i, 2], labels[i, 2] = to_xy(cell, rng), 1
        if rng.random() < 0.08:
            cell = tuple(rng.integers(0, target.shape[0], 2))
            if not target[cell]:
                xy[i, 3], labels[i, 3] = to_xy(cell, rng), 0
    return Prompts(torch.from_numpy(xy), torch.from_numpy(labels))


def jittered_box(
    target: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Corners (left, top), (right, bottom) of the object's box, each off by ~5 %."""
    rows, columns = np.nonzero(target)
    if not len(rows):
        return np.zeros((2, 2))
    low = np.array([columns.min(), rows.min()])
    high = np.array([columns.max() + 1, rows.max() + 1])
    wobble = rng.normal(0, 0.05, (2, 2)) * (high - low)
    return (np.stack([low, high]) + wobble) * GRID - 0.5


def more_clicks(
    prompts: Prompts,
    predicted: NDArray[np.bool_],
    targets: NDArray[np.bool_],
    rng: np.random.Generator,
) -> Prompts:
    """Add the RITM click of each object."""
    found = [next_click(p, t) for p, t in zip(predicted, targets, strict=True)]
    xy = torch.tensor([to_xy(cell, rng) for cell, _ in found])
    return prompts.plus(xy, torch.tensor([float(label) for _, label in found]))


def chosen(logits: Tensor, quality: Tensor) -> Tensor:
    """The candidate [B, 1, h, w] of highest predicted IoU."""
    best = quality.argmax(1).view(-1, 1, 1, 1)
    return torch.take_along_dim(logits, best, 1)


def train_rounds(
    model: Starter,
    features: tuple[Tensor, Tensor, Tensor],
    targets: Tensor,
    owner: Tensor,
    count: int,
    rng: np.random.Generator,
) -> tuple[Tensor, list[float]]:
    """Loss averaged over rounds of clicks, and the mean IoU of each round."""
    solid = (targets > 0.5).numpy()
    prompts, (high0, high1, embed) = first_prompts(solid, rng), features
    previous = torch.zeros_like(targets[:, None, ::2, ::2])
    flag = torch.zeros(len(targets))
    losses, reached = [], []
    for turn in range(count):
        with torch.autocast("cpu", torch.bfloat16):
            logits, quality = model.decoder(
                embed, high0, high1, prompts.xy, prompts.labels, previous, flag, owner
            )
        logits, quality = logits.float(), quality.float()
        fine = enlarge(logits)
        losses.append(round_loss(fine, quality, targets, turn == 0))
        won = hard_iou(fine, targets).gather(1, quality.argmax(1, keepdim=True))
        reached.append(won.mean().item())
        previous = chosen(logits, quality).detach().clamp(-32, 32)
        flag = (torch.rand(len(flag)) > FORGET).float()
        if turn + 1 < count:
            predicted = chosen(fine, quality)[:, 0].gt(0).numpy()
            prompts = more_clicks(prompts, predicted, solid, rng)
    return torch.stack(losses).mean(), reached


@torch.no_grad()
def whole_image_ious(
    model: Starter, sample: Sample, clicks: int, most: int
) -> NDArray[np.float64]:
    """IoU [objects, clicks] on a whole image, as the package would give it."""
    image = whole(sample).to(memory_format=torch.channels_last)
    features = model.encoder(image)
    ids, counts = np.unique(sample.labels, return_counts=True)
    ids = ids[(ids > 0) & (counts >= 30)]
    ids = ids[:: max(1, -(-len(ids) // most))]
    found = [click(model, features, sample.labels == n, clicks) for n in ids]
    return np.array(found).reshape(-1, clicks)


def click(
    model: Starter,
    features: tuple[Tensor, Tensor, Tensor],
    truth: NDArray[np.bool_],
    clicks: int,
) -> list[float]:
    """IoU after each click on one object of a whole image."""
    high0, high1, embed = features
    height, width = truth.shape
    scale = torch.tensor([SIDE / width, SIDE / height])
    prompts = Prompts(torch.zeros(1, 0, 2), torch.zeros(1, 0))
    previous, flag = torch.zeros(1, 1, SIDE // 4, SIDE // 4), torch.zeros(1)
    predicted, reached = np.zeros_like(truth), []
    for _ in range(clicks):
        (row, column), label = next_click(predicted, truth)
        at = torch.tensor([[column, row]]) * scale
        prompts = prompts.plus(at, torch.tensor([float(label)]))
        logits, quality = model.decoder(
            embed, high0, high1, prompts.xy, prompts.labels, previous, flag
        )
        previous, flag = chosen(logits, quality), torch.ones(1)
        full = F.interpolate(previous, truth.shape, mode="bilinear")
        predicted = (full[0, 0] > 0).numpy()
        reached.append(iou(predicted, truth))
    return reached
