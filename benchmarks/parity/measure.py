"""Both sides on one image: how far apart they are, case by case."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

import napari_sam21 as sam
from benchmarks.parity.cases import CASES, Ask, Case
from benchmarks.parity.official import Official

SEEN = (0.01, 0.99)
"""Share of the image that a mask at 0 must cover to be compared there."""

GREY_LIMITS = (0.0, 255.0)
"""Black and white of 8-bit grey: the official predictor takes pixels as they are."""

Float32 = npt.NDArray[np.float32]
Change = Callable[[sam.Prompts], sam.Prompts]
OfficialAnswer = tuple[Float32, Float32, Float32]
"""Mask logits (3, H, W), scores (3,), low-resolution logits (3, 256, 256)."""


@dataclass(frozen=True)
class Agreement:
    """How far one answer, or the worst of several, is from the official one.

    Attributes
    ----------
    logits, scores : float
        Largest difference, in standard deviations of the official tensor.
    iou : float
        Smallest mask IoU of the three candidates, at the image's own resolution.
    asks, at_median : int
        Candidates compared, and those compared at their median logit because at 0
        they cover less than 1 % or more than 99 % of the image.
    """

    logits: float
    scores: float
    iou: float
    asks: int
    at_median: int


def relative(found: Float32, reference: Float32) -> float:
    """Largest difference, in standard deviations of the reference."""
    return float(np.abs(found - reference).max() / reference.std())


def worst(found: Iterable[Agreement]) -> Agreement:
    """Put several answers together."""
    each = list(found)
    return Agreement(
        max(one.logits for one in each),
        max(one.scores for one in each),
        min(one.iou for one in each),
        sum(one.asks for one in each),
        sum(one.at_median for one in each),
    )


def encode(model: sam.Model, image: npt.NDArray[np.generic]) -> sam.Embedding:
    """Embed 8-bit pixels as they are, without a stretch of contrast."""
    return model.encode(image, contrast_limits=GREY_LIMITS)


def feature_errors(
    embedding: sam.Embedding, reference: dict[str, Float32]
) -> dict[str, float]:
    """Error of each feature map, by tensor name."""
    return {
        name: relative(embedding.features[name], features)
        for name, features in reference.items()
    }


def official_answers(
    official: Official, shape: tuple[int, int]
) -> dict[str, list[OfficialAnswer]]:
    """Ask the official predictor every case about the image it has, by case name."""
    return {case.name: _official_case(official, case, shape) for case in CASES}


def _official_case(
    official: Official, case: Case, shape: tuple[int, int]
) -> list[OfficialAnswer]:
    """Ask one case; where it says so, the best answer before is fed back."""
    found: list[OfficialAnswer] = []
    for prompts, feedback in case.asks(shape):
        mask_input = None
        if feedback:
            _, scores, logits = found[-1]
            mask_input = logits[int(scores.argmax())]
        found.append(official.predict(prompts, mask_input))
    return found


def compare_cases(
    model: sam.Model,
    embedding: sam.Embedding,
    reference: dict[str, list[OfficialAnswer]],
    shape: tuple[int, int],
    *,
    cases: Sequence[Case] = CASES,
    change: Change | None = None,
) -> dict[str, Agreement]:
    """Ask our side the same, and compare.

    Parameters
    ----------
    model : Model
    embedding : Embedding
        Of our side.
    reference : dict of str to list
        As `official_answers` returns them.
    shape : (int, int)
        (H, W) of the image.
    cases : sequence of Case
        Those to ask.
    change : callable, optional
        Makes a mistake in our prompts, for a negative control.
    """
    return {
        case.name: _compare_case(
            model, embedding, reference[case.name], case.asks(shape), change
        )
        for case in cases
    }


def _compare_case(
    model: sam.Model,
    embedding: sam.Embedding,
    reference: list[OfficialAnswer],
    asks: list[Ask],
    change: Change | None,
) -> Agreement:
    """Ask one case; each side is fed back its own best answer."""
    answer: sam.Answer | None = None
    found = []
    for (prompts, feedback), official in zip(asks, reference, strict=True):
        ours = prompts if change is None else change(prompts)
        answer = model.decode(embedding, ours, answer if feedback else None)
        found.append(_agreement(answer, *official))
    return worst(found)


def _agreement(
    answer: sam.Answer, masks: Float32, scores: Float32, low: Float32
) -> Agreement:
    at = [_threshold(mask) for mask in masks]
    shifted = replace(
        answer, logits=answer.logits - np.array(at, np.float32).reshape(3, 1, 1)
    )
    ious = [
        iou(crop_to(shifted.mask(i), mask.shape), mask > level)
        for i, (mask, level) in enumerate(zip(masks, at, strict=True))
    ]
    return Agreement(
        relative(answer.logits, low),
        relative(answer.scores, scores),
        min(ious),
        len(ious),
        sum(level != 0 for level in at),
    )


def _threshold(mask: Float32) -> float:
    """0 where that shows something, else the median."""
    share = float((mask > 0).mean())
    return 0.0 if SEEN[0] <= share <= SEEN[1] else float(np.median(mask))


def crop_to(
    mask: npt.NDArray[np.bool_], shape: tuple[int, ...]
) -> npt.NDArray[np.bool_]:
    """Cut off padding below and to the right (of a letterboxed plane)."""
    return mask[: shape[0], : shape[1]]


def iou(found: npt.NDArray[np.bool_], wanted: npt.NDArray[np.bool_]) -> float:
    """Intersection over union of two masks that are not both empty."""
    return float((found & wanted).sum() / (found | wanted).sum())
