"""What every way is asked: a bundled image, and prompts for some of its cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from statistics import fmean

import numpy as np
import numpy.typing as npt

from napari_sam21.core.contract import FEATURES
from napari_sam21.core.embedding import Answer, Embedding
from napari_sam21.core.preprocess import ModelInput, prepare
from napari_sam21.core.prompts import Prompts
from napari_sam21.core.providers.agreement import Agreement, compare, iou
from napari_sam21.core.sam2 import Model

SAMPLE = "fluorescence"
CLICKS = 8
TRAINED_IOU = 0.5
"""Mean IoU with the true cells from which on a model's masks mean something."""

Labels = npt.NDArray[np.uint16]


@dataclass(frozen=True)
class Click:
    """A prompt, and the number of the true cell that it is in."""

    prompts: Prompts
    label: int


@cache
def clicks() -> tuple[Click, ...]:
    """Return the prompts: points, a point and its opposite, boxes, in turn."""
    from napari_sam21.samples.targets import pick_targets

    truth = _truth()
    return tuple(
        Click(_prompts(number, target.point_rc, truth == target.label), target.label)
        for number, target in enumerate(pick_targets(truth, CLICKS))
    )


def _prompts(
    number: int, point_rc: tuple[float, float], cell: npt.NDArray[np.bool_]
) -> Prompts:
    rows, columns = np.nonzero(cell)
    r0, r1 = float(rows.min()), float(rows.max())
    c0, c1 = float(columns.min()), float(columns.max())
    if number % 3 == 1:
        return Prompts(points_rc=[point_rc, (r0, c0)], point_labels=[1, 0])
    if number % 3 == 2:
        return Prompts(box_rc=(r0, c0, r1, c1))
    return Prompts(points_rc=[point_rc], point_labels=[1])


@cache
def _truth() -> Labels:
    from napari_sam21 import samples

    return samples.read_labels(SAMPLE)


@cache
def picture() -> ModelInput:
    """Return the image as a model takes it."""
    from napari_sam21 import samples

    image = samples.read_image(SAMPLE)
    return prepare(image, contrast_limits=samples.contrast_limits(image))


def answers(model: Model, embedding: Embedding) -> list[Answer]:
    """Ask every prompt."""
    return [model.decode(embedding, each.prompts) for each in clicks()]


def is_trained(found: Sequence[Answer]) -> bool:
    """Whether masks fit the true cells: those of seeded weights are noise."""
    truth = _truth()
    overlaps = [
        iou(answer.mask(), truth == click.label)
        for answer, click in zip(found, clicks(), strict=True)
    ]
    return fmean(overlaps) >= TRAINED_IOU


def agreement(
    features: tuple[Embedding, Embedding],
    found: Sequence[Answer],
    reference: Sequence[Answer],
) -> Agreement:
    """Compare features and answers with those of exact float32 on the CPU.

    Parameters
    ----------
    features : (Embedding, Embedding)
        Found, and the reference's.
    found, reference : sequence of Answer
        Of the prompts, in order.
    """
    pairs = [tuple(each.features[name] for each in features) for name in FEATURES]
    both = list(zip(found, reference, strict=True))
    trained = is_trained(reference)
    masks = [(a.mask(b.index), b.mask()) for a, b in both] if trained else []
    logits = [(a.logits, b.logits) for a, b in both]
    return compare(
        [*((a, b) for a, b in pairs), *logits],
        [(a.scores, b.scores) for a, b in both],
        masks,
    )
