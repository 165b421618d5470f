"""From the masks of one slice to the prompts of the next, and from answers to masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_sam21.core.crops import Crop, Window, common_window
from napari_sam21.core.embedding import Answer, Embedding
from napari_sam21.core.geometry import Region
from napari_sam21.core.masks import coverage_to_logits, upsample
from napari_sam21.core.placing import inner_points
from napari_sam21.core.prompts import NEGATIVE, POSITIVE, Prompts
from napari_sam21.core.propagation.rules import Asking
from napari_sam21.core.sam2 import Model

LARGE = 0.15
"""Of the region's side: objects wider than this get more than one point."""

Crops = Mapping[int, Crop]
RowColumn = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Carried:
    """One object as it was found in the next slice."""

    crop: Crop
    score: float
    answer: Answer


def carry(
    model: Model, embedding: Embedding, before: Crops, others: Crops, asking: Asking
) -> dict[int, Carried]:
    """Find objects of the slice before in this one.

    Parameters
    ----------
    model : Model
    embedding : Embedding
        Of this slice.
    before : mapping of int to Crop
        Their masks one slice before.
    others : mapping of int to Crop
        Objects that are not asked for, and are not to be taken.
    asking : Asking

    Returns
    -------
    dict of int to Carried
        Those of which something lies in the region; no pixel in two of them.
    """
    numbers = [n for n in before if _shown(before[n], embedding)]
    if not numbers:
        return {}
    around = {**before, **others}
    prompts = [prompts_for(n, around, embedding.region, asking) for n in numbers]
    previous = [_logits(before[n], embedding.region, asking) for n in numbers]
    answers = model.decode_many(embedding, prompts, previous)
    found = {
        number: _chosen(answer, prompt, before[number])
        for number, prompt, answer in zip(numbers, prompts, answers, strict=True)
    }
    for taken in others.values():
        found = {number: _less(each, taken) for number, each in found.items()}
    return kept_apart(found)


def _shown(crop: Crop, embedding: Embedding) -> bool:
    return common_window(crop.window, embedding.region) is not None


def _logits(
    crop: Crop, region: Region, asking: Asking
) -> npt.NDArray[np.float32] | None:
    if not asking.feedback:
        return None
    return coverage_to_logits(crop.within(region))


def prompts_for(number: int, crops: Crops, region: Region, asking: Asking) -> Prompts:
    """Return the prompts for one object, from the masks of the slice before.

    Parameters
    ----------
    number : int
        Of the object.
    crops : mapping of int to Crop
        It and its neighbours.
    region : Region
        Points outside are left out.
    asking : Asking
    """
    crop = crops[number].clipped(region)
    large = LARGE * max(region.height, region.width)
    inside = inner_points(crop, asking.points, apart=large / 2)
    box = grown(crop.window, asking.box_growth or 0.0)
    outside = [
        point
        for other, neighbour in crops.items()
        if other != number and common_window(neighbour.window, box) is not None
        for point in inner_points(neighbour)
        if region.contains(*point)
    ]
    nearest = sorted(outside, key=lambda point: _away(point, inside[0]))
    not_it = nearest[: asking.negatives]
    r0, c0, r1, c1 = box
    corners = None if asking.box_growth is None else (r0, c0, r1 - 1, c1 - 1)
    labels = [POSITIVE] * len(inside) + [NEGATIVE] * len(not_it)
    return Prompts([*inside, *not_it], labels, corners)


def grown(window: Window, share: float) -> Window:
    """Return a window with a rim: a share of its size, one pixel at least."""
    r0, c0, r1, c1 = window
    rows = max(1, round(share * (r1 - r0)))
    columns = max(1, round(share * (c1 - c0)))
    return r0 - rows, c0 - columns, r1 + rows, c1 + columns


def _away(one: RowColumn, other: RowColumn) -> float:
    return (one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2


def _chosen(answer: Answer, prompts: Prompts, before: Crop) -> Carried:
    """Choose the candidate that is likely, like the slice before, and no neighbour."""
    crops = [Crop(*answer.crop(index)) for index in range(len(answer.scores))]
    wrong = prompts.points_of(NEGATIVE)

    def rank(index: int) -> tuple[bool, float]:
        clean = not any(crops[index].holds(*point) for point in wrong)
        return clean, float(answer.scores[index]) + crops[index].iou(before)

    best = max(range(len(crops)), key=rank)
    return Carried(crops[best], float(answer.scores[best]), answer.choose(best))


def kept_apart(found: Mapping[int, Carried]) -> dict[int, Carried]:
    """Give each pixel that two objects claim to the one whose logit is higher there."""
    result = dict(found)
    numbers: Sequence[int] = list(found)
    for place, one in enumerate(numbers):
        for other in numbers[:place]:
            first, second = result[one], result[other]
            common = common_window(first.crop.window, second.crop.window)
            if common is not None and first.crop.shared(second.crop):
                wins = _values(first.answer, common) > _values(second.answer, common)
                origin = (common[0], common[1])
                result[one] = _less(first, Crop(~wins, origin))
                result[other] = _less(second, Crop(wins, origin))
    return result


def _values(answer: Answer, window: Window) -> npt.NDArray[np.float32]:
    region = answer.region
    r0, c0, r1, c1 = window
    inside = (r0 - region.r0, c0 - region.c0, r1 - region.r0, c1 - region.c0)
    shape = (region.height, region.width)
    return upsample(answer.logits[answer.index], shape, inside)


def _less(carried: Carried, lost: Crop) -> Carried:
    return Carried(carried.crop.without(lost), carried.score, carried.answer)
