"""Fit the head that predicts IoU to whole images, with the rest of the model frozen.

Training sees crops and its own unfinished masks. Here the finished model answers
clicks on whole training images, and the head learns what its answers were worth.
"""

import logging
import time

import numpy as np
import torch
from torch import Tensor

from training.data import Sample
from training.losses import quality_loss
from training.network import Starter
from training.watch import Answers, answers

LOG = logging.getLogger("training")
CLICKS, OBJECTS = 4, 10  # of an image
STEPS, BATCH = 3000, 256
RATE, DECAY = 1e-3, 0.05


def gather_answers(
    model: Starter, samples: list[Sample], seconds: float, seed: int
) -> list[Answers]:
    """Answers on whole images in random order, until the time is up."""
    rng = np.random.default_rng(seed)
    end = time.monotonic() + seconds
    found = []
    for index in rng.permutation(len(samples)):
        found.append(answers(model, samples[index], CLICKS, OBJECTS))
        if time.monotonic() > end:
            break
    return [each for each in found if len(each.ious)]


def stacked(found: list[Answers]) -> tuple[Tensor, Tensor]:
    """Facts [M, 3, F] and IoU [M, 3] of all answers; first clicks count twice."""
    facts = [each.facts.reshape(-1, *each.facts.shape[2:]) for each in found]
    ious = [each.ious.reshape(-1, 3) for each in found]
    facts += [each.facts[:, 0] for each in found]
    ious += [each.ious[:, 0] for each in found]
    return torch.from_numpy(np.concatenate(facts)), torch.from_numpy(
        np.concatenate(ious)
    )


def calibrate(model: Starter, samples: list[Sample], seconds: float, seed: int) -> None:
    """Train the last layers of the quality head on answers to clicks."""
    found = gather_answers(model, samples, seconds, seed)
    facts, ious = stacked(found)
    head = model.decoder.quality
    weights = [*head.judge.parameters(), *head.last.parameters()]
    optimiser = torch.optim.AdamW(weights, lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, STEPS)
    generator = torch.Generator().manual_seed(seed)
    for each in weights:
        each.requires_grad_(True)
    with torch.no_grad():
        before = quality_loss(head(facts), ious)
    for _ in range(STEPS):
        chosen = torch.randint(len(facts), (BATCH,), generator=generator)
        loss = quality_loss(head(facts[chosen]), ious[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    model.requires_grad_(False)
    with torch.no_grad():
        after = quality_loss(head(facts), ious)
    LOG.info(
        "calibrated on %d answers of %d images: loss %.4f, was %.4f",
        len(facts),
        len(found),
        after,
        before,
    )
