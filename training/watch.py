"""Click on whole images as the evaluation does, with the network itself."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from training.clicks import iou, next_click
from training.data import SIDE, Sample, whole
from training.network import Starter
from training.rounds import Prompts

MIN_PIXELS = 30
SAME = 0.01  # candidates whose IoU differ by less are equally good
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Answers:
    """Answers to each click on objects: O objects, T clicks, 3 candidates.

    ``facts`` [O, T, 3, F], ``ious`` [O, T, 3] and ``scores`` [O, T, 3].
    """

    facts: Floats
    ious: Floats
    scores: Floats

    @property
    def chosen(self) -> Floats:
        """IoU [O, T] of the candidate of the best score."""
        best = self.scores.argmax(2)[..., None]
        return np.take_along_axis(self.ious, best, 2)[..., 0]


@torch.no_grad()
def answers(model: Starter, sample: Sample, clicks: int, most: int) -> Answers:
    """Answers to RITM clicks on up to ``most`` objects of a whole image."""
    features = model.encoder(whole(sample))
    numbers, counts = np.unique(sample.labels, return_counts=True)
    numbers = numbers[(numbers > 0) & (counts >= MIN_PIXELS)]
    numbers = numbers[:: max(1, -(-len(numbers) // most))]
    found = [click(model, features, sample.labels == n, clicks) for n in numbers]
    if not found:
        empty = np.zeros((0, clicks, 3), np.float32)
        return Answers(np.zeros((0, clicks, 3, 0), np.float32), empty, empty)
    facts, ious, scores = (np.stack(each) for each in zip(*found, strict=True))
    return Answers(facts, ious, scores)


def click(
    model: Starter,
    features: tuple[Tensor, Tensor, Tensor],
    truth: NDArray[np.bool_],
    clicks: int,
) -> tuple[Floats, Floats, Floats]:
    """Facts, IoU and scores after each click on one object."""
    high0, high1, embed = features
    scale = torch.tensor([SIDE / truth.shape[1], SIDE / truth.shape[0]])
    prompts = Prompts(torch.zeros(1, 0, 2), torch.zeros(1, 0))
    previous, flag = torch.zeros(1, 1, SIDE // 4, SIDE // 4), torch.zeros(1)
    predicted, found = np.zeros_like(truth), []
    for _ in range(clicks):
        (row, column), label = next_click(predicted, truth)
        at = torch.tensor([[column, row]]) * scale
        prompts = prompts.plus(at, torch.tensor([float(label)]))
        logits, facts = model.decoder.answer(
            embed, high0, high1, prompts.xy, prompts.labels, previous, flag
        )
        scores = model.decoder.quality(facts)[0]
        full = F.interpolate(logits, truth.shape, mode="bilinear")[0] > 0
        best = int(scores.argmax())
        previous, flag, predicted = logits[:, [best]], torch.ones(1), full[best].numpy()
        reached = np.array([iou(mask.numpy(), truth) for mask in full], np.float32)
        found.append((facts[0].numpy(), reached, scores.numpy()))
    turns = tuple(np.stack(each) for each in zip(*found, strict=True))
    return turns[0], turns[1], turns[2]


def table(model: Starter, samples: list[Sample], clicks: int, most: int) -> list[str]:
    """Lines of figures on whole images, by modality."""
    groups = defaultdict(list)
    for sample in samples:
        found = answers(model, sample, clicks, most)
        groups[sample.modality].append(found)
        groups["all"].append(found)
    return [f"{name}: {line(found)}" for name, found in sorted(groups.items())]


def line(found: list[Answers]) -> str:
    """IoU after each click; on the first, the best candidate's and how scores rank."""
    chosen = np.concatenate([each.chosen for each in found])
    first = np.concatenate([each.ious[:, 0] for each in found])
    scores = np.concatenate([each.scores[:, 0] for each in found])
    agree = (first.max(1) - chosen[:, 0] < SAME).mean()
    error = np.abs(scores.max(1) - chosen[:, 0]).mean()
    reached = " / ".join(f"{x:.3f}" for x in chosen.mean(0))
    return (
        f"{len(chosen)} objects, IoU {reached}, best of three {first.max(1).mean():.3f}"
        f" (first {first[:, 0].mean():.3f}), agrees {agree:.2f}, error {error:.3f}"
    )
