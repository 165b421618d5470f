"""Fit the head that predicts IoU to whole images, with the rest of the model frozen.

Training sees crops and its own unfinished masks. Here the finished model answers
clicks on whole training images, and the head learns what its answers were worth.
"""

import copy
import logging
import time
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import torch
import torch.multiprocessing
from torch import Tensor

from training.data import Sample
from training.losses import choice_loss, quality_loss
from training.network import Starter
from training.quality import Quality
from training.watch import Answers, answers

LOG = logging.getLogger("training")
CLICKS, OBJECTS = 2, 24  # of an image: figures count objects
STEPS, BATCH, LOOK = 1500, 256, 25
RATE, DECAY = 3e-4, 0.1
CHOICE = 10.0  # what the choice weighs beside the errors
HELD = 4  # one image in so many says when to stop


def some_answers(
    model: Starter, samples: list[Sample], order: list[int], seconds: float
) -> list[Answers]:
    """Answers on whole images in this order, until the time is up."""
    torch.set_num_threads(1)
    end = time.monotonic() + seconds
    found = []
    for index in order:
        found.append(answers(model, samples[index], CLICKS, OBJECTS))
        if time.monotonic() > end:
            break
    return [each for each in found if len(each.ious)]


def gather_answers(
    model: Starter, samples: list[Sample], seconds: float, seed: int, processes: int
) -> list[Answers]:
    """Answers on whole images, all modalities alike, by several processes at once."""
    order = mixed([sample.modality for sample in samples], seed)
    # Forked, so that images are not copied; torch must not have used threads before.
    context = torch.multiprocessing.get_context("fork")
    with ProcessPoolExecutor(processes, context) as pool:
        shares = [order[n::processes] for n in range(processes)]
        asked = [pool.submit(some_answers, model, samples, n, seconds) for n in shares]
        return [each for answer in asked for each in answer.result()]


def mixed(kinds: list[str], seed: int) -> list[int]:
    """Random order in which rare kinds come as early as common ones."""
    rng = np.random.default_rng(seed)
    keys = np.empty(len(kinds))
    for kind in set(kinds):
        mine = np.flatnonzero(np.array(kinds) == kind)
        # In turns, the commonest kind twice as often.
        pace = 1 if len(mine) > len(kinds) / 2 else 2
        keys[rng.permutation(mine)] = np.arange(len(mine)) * pace
    return [int(n) for n in np.lexsort((rng.random(len(kinds)), keys))]


def stacked(found: list[Answers]) -> tuple[Tensor, Tensor]:
    """Facts [M, 3, F] and IoU [M, 3] of all answers; first clicks count twice."""
    facts = [each.facts.reshape(-1, *each.facts.shape[2:]) for each in found]
    ious = [each.ious.reshape(-1, 3) for each in found]
    facts += [each.facts[:, 0] for each in found]
    ious += [each.ious[:, 0] for each in found]
    return torch.from_numpy(np.concatenate(facts)), torch.from_numpy(
        np.concatenate(ious)
    )


def calibrate(
    model: Starter, samples: list[Sample], seconds: float, seed: int, processes: int
) -> None:
    """Train the last layers of the quality head on answers to clicks."""
    found = gather_answers(model, samples, seconds, seed, processes)
    held, used = found[::HELD], [f for n, f in enumerate(found) if n % HELD]
    before, after = fit(model.decoder.quality, stacked(used), stacked(held), seed)
    model.requires_grad_(False)
    line = "quality fitted to %d images: loss on %d others %.4f, was %.4f"
    LOG.info(line, len(used), len(held), after, before)


def fit(
    head: Quality, used: tuple[Tensor, Tensor], held: tuple[Tensor, Tensor], seed: int
) -> tuple[float, float]:
    """Keep the weights best on held images; return the loss on them, before and after.

    The weights that it began with may be the best ones.
    """
    weights = [*head.judge.parameters(), *head.last.parameters()]
    for each in weights:
        each.requires_grad_(True)
    optimiser = torch.optim.AdamW(weights, lr=RATE, weight_decay=DECAY)
    generator = torch.Generator().manual_seed(seed)
    before = best = measured(head, held)
    kept = copy.deepcopy(head.state_dict())
    facts, ious = used
    for step in range(1, STEPS + 1):
        chosen = torch.randint(len(facts), (BATCH,), generator=generator)
        loss = judged(head(facts[chosen]), ious[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step % LOOK == 0 and (now := measured(head, held)) < best:
            best, kept = now, copy.deepcopy(head.state_dict())
    head.load_state_dict(kept)
    return before, best


@torch.no_grad()
def measured(head: Quality, held: tuple[Tensor, Tensor]) -> float:
    """Loss on held images, of first clicks as of later ones."""
    return float(judged(head(held[0]), held[1]))


def judged(quality: Tensor, reached: Tensor) -> Tensor:
    """Loss [] of predicted IoU: its errors, and what its choice gives away."""
    return quality_loss(quality, reached) + CHOICE * choice_loss(quality, reached)
