"""Rounds of simulated clicks: prompts of a batch of objects, and how they grow."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from training.clicks import deepest, loose_click, next_click
from training.losses import hard_iou, round_loss
from training.network import Starter, enlarge

GRID = 2.0  # pixels of the model frame per pixel of a target mask
ABSENT = -1.0
FORGET = 0.1  # of the answers are not fed back
BURST = 10  # clicks that some objects get at once
MASK_PROMPT = 0.04  # of the objects begin with a rough mask


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
    """Mostly one click near the centre; sometimes a box, loose, negative or many."""
    xy = np.zeros((len(targets), 4 + BURST, 2), np.float32)
    labels = np.full((len(targets), 4 + BURST), ABSENT, np.float32)
    for i, target in enumerate(targets):
        kind = rng.random()
        if kind < 0.15:
            xy[i, :2], labels[i, :2] = jittered_box(target, rng), (2, 3)
        if kind > 0.08:
            loose = rng.random() < 0.25
            cell = loose_click(target, rng) if loose else deepest(target)[1]
            xy[i, 2], labels[i, 2] = to_xy(cell, rng), 1
        if rng.random() < 0.08:
            cell = near(target, rng)
            xy[i, 3], labels[i, 3] = to_xy(cell, rng), float(target[cell])
        if rng.random() < 0.06:
            for n in range(4, 4 + rng.integers(2, BURST + 1)):
                cell = loose_click(target, rng) if n % 3 else near(target, rng)
                xy[i, n], labels[i, n] = to_xy(cell, rng), float(target[cell])
    used = np.flatnonzero((labels != ABSENT).any(0)).max(initial=0) + 1
    return Prompts(torch.from_numpy(xy[:, :used]), torch.from_numpy(labels[:, :used]))


def near(target: NDArray[np.bool_], rng: np.random.Generator) -> tuple[int, int]:
    """A cell around the object, inside or not, rather close than far."""
    rows, columns = np.nonzero(target)
    if not len(rows):
        return (0, 0)
    reach = 1 + 0.8 * np.sqrt(len(rows)) * np.exp(rng.normal() * 0.7)
    middle = np.array([rows.mean(), columns.mean()])
    cell = (middle + reach * rng.normal(size=2)).clip(0, np.array(target.shape) - 1)
    return int(cell[0]), int(cell[1])


def first_mask(targets: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Previous logits and their flags: rarely a rough mask of the object, else none."""
    flags = torch.from_numpy(rng.random(len(targets)) < MASK_PROMPT).float()
    shift = tuple(int(n) for n in rng.integers(-3, 4, 2))
    rough = F.avg_pool2d(targets[:, None].roll(shift, (1, 2)), 2)
    return (rough * 16 - 8) * flags.view(-1, 1, 1, 1), flags


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
    previous, flag = first_mask(targets, rng)
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
