"""The state of a training run: weights, their average, optimiser, clock."""

import copy
import ctypes
import logging
import math
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from training.data import Batch
from training.network import Starter
from training.rounds import train_rounds

LOG = logging.getLogger("training")
WARM_UP = 0.03  # part of the time
EMA_DECAY = 0.993  # a meeting of the team
MEET_EVERY = 8  # steps
ROUND_ODDS = (0.36, 0.22, 0.17, 0.13, 0.12)  # of 1, 2, … rounds of clicks
PATIENCE = 1800.0  # seconds that one process waits for the others


def keep_memory() -> None:
    """Let glibc keep freed blocks: fresh pages for every tensor cost 30 % of time."""
    try:
        libc = ctypes.CDLL("libc.so.6")
    except OSError:
        return
    for option, value in ((-4, 0), (-1, 2**31 - 1), (-2, 2**28)):
        libc.mallopt(option, value)


def rate(progress: float, peak: float) -> float:
    """Learning rate at a part of the time: linear warm-up, then a cosine to zero."""
    if progress < WARM_UP:
        return peak * max(progress / WARM_UP, 0.01)
    done = (progress - WARM_UP) / (1 - WARM_UP)
    return peak * (0.5 + 0.5 * math.cos(math.pi * min(done, 1.0))) + 1e-6


@dataclass(frozen=True)
class Team:
    """Processes of one thread each that learn apart and average their weights.

    Threads inside one process wait for each other after every operation, which on a
    busy machine costs more than the second thread brings; averaging gradients waits
    after every step. These processes wait only every ``MEET_EVERY`` steps.
    """

    shared: Tensor
    barrier: Barrier
    rank: int

    def mean(self, mine: Tensor) -> Tensor:
        """Average a flat tensor over the team; every member gets the same."""
        self.shared[self.rank] = mine
        self.barrier.wait(PATIENCE)
        average = self.shared.mean(0)
        self.barrier.wait(PATIENCE)
        return average


class Run:
    """A training run that can be saved and resumed."""

    def __init__(self, out: Path, minutes: float, peak: float, seed: int) -> None:
        torch.manual_seed(seed)
        self.out, self.peak = out, peak
        self.seconds = minutes * 60
        self.model = Starter().to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.model).requires_grad_(False)
        matrices = [p for p in self.model.parameters() if p.ndim > 1]
        vectors = [p for p in self.model.parameters() if p.ndim <= 1]
        groups = [
            {"params": matrices, "weight_decay": 0.02},
            {"params": vectors, "weight_decay": 0.0},
        ]
        self.optimiser = torch.optim.AdamW(groups, lr=peak, betas=(0.9, 0.98))
        self.seed, self.steps, self.elapsed = seed, 0, 0.0

    @property
    def progress(self) -> float:
        return self.elapsed / self.seconds

    def step(self, batch: Batch, team: Team, now: float) -> tuple[float, list[float]]:
        """One update; return this process's loss and mean IoU after each round."""
        shared_rng = np.random.default_rng([self.seed, self.steps])
        rounds = int(shared_rng.choice(len(ROUND_ODDS), p=ROUND_ODDS)) + 1
        rng = np.random.default_rng([self.seed, self.steps, team.rank])
        images = batch.images.to(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            features = self.model.encoder(images)
        loss, reached = train_rounds(
            self.model, features, batch.targets, batch.owner, rounds, rng
        )
        self.optimiser.zero_grad()
        loss.backward()
        self.steps += 1
        for group in self.optimiser.param_groups:
            group["lr"] = rate(self.progress, self.peak)
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        if torch.isfinite(norm):
            self.optimiser.step()
        if self.steps % MEET_EVERY == 0:
            self.meet(team, now)
            self.follow()
        return loss.item(), reached

    @torch.no_grad()
    def meet(self, team: Team, now: float) -> None:
        """Average weights and the clock over the team."""
        weights = list(self.model.parameters())
        flat = torch.cat([*(w.flatten() for w in weights), torch.tensor([now])])
        flat = team.mean(flat)
        self.elapsed = float(flat[-1])
        parts = flat[:-1].split([w.numel() for w in weights])
        for weight, part in zip(weights, parts, strict=True):
            weight.copy_(part.view(weight.shape))

    @torch.no_grad()
    def follow(self) -> None:
        """Move the averaged weights towards the current ones."""
        met = self.steps // MEET_EVERY
        decay = min(EMA_DECAY, (1 + met) / (10 + met))
        mine, ours = list(self.average.parameters()), list(self.model.parameters())
        torch._foreach_lerp_(mine, ours, 1 - decay)

    def save(self) -> None:
        state = {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "steps": self.steps,
            "elapsed": self.elapsed,
        }
        part = self.out / "last.pt.part"
        torch.save(state, part)
        part.replace(self.out / "last.pt")

    def resume(self) -> None:
        state = torch.load(self.out / "last.pt", weights_only=True)
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.steps, self.elapsed = state["steps"], state["elapsed"]

    def warm(self, checkpoint: Path) -> None:
        """Begin with averaged weights of another run, where name and shape agree."""
        theirs = torch.load(checkpoint, weights_only=True)["average"]
        for ours in (self.model, self.average):
            mine = ours.state_dict()
            fitting = {k: v for k, v in theirs.items() if like(v, mine.get(k))}
            ours.load_state_dict(mine | fitting)
        LOG.info("%d of %d tensors taken over", len(fitting), len(mine))


def like(one: Tensor, other: Tensor | None) -> bool:
    return other is not None and one.shape == other.shape
