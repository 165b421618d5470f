from __future__ import annotations

import numpy as np
import pytest

from training.clicks import iou as plain_iou
from training.clicks import next_click
from training.evaluation.patches import (
    Patch,
    corrective_click,
    enclose,
    iou,
    overlap,
    targets,
)

EMPTY = Patch(np.zeros((0, 0), bool), (0, 0))


def cut(mask: np.ndarray) -> Patch:
    (target,) = targets(mask.astype(np.uint8), 1)
    return target.patch


def blob(rng: np.random.Generator) -> np.ndarray:
    mask = np.zeros((40, 50), bool)
    for _ in range(3):
        r, c = rng.integers(0, 30), rng.integers(0, 40)
        mask[r : r + rng.integers(2, 12), c : c + rng.integers(2, 12)] = True
    return mask


def test_small_objects_are_left_out(labels: np.ndarray) -> None:
    labels[0, 0] = 9
    assert [target.number for target in targets(labels)] == [1, 2, 3]
    assert [target.number for target in targets(labels, 1)] == [1, 2, 3, 9]
    first = targets(labels)[0].patch
    assert first.area == (labels == 1).sum()
    assert (first.within((0, 0, *labels.shape)) == (labels == 1)).all()


def test_windows() -> None:
    assert overlap((0, 0, 4, 4), (2, 3, 9, 9)) == (2, 3, 4, 4)
    assert overlap((0, 0, 4, 4), (4, 0, 9, 9)) is None
    assert enclose((1, 2, 3, 4), (0, 3, 2, 9)) == (0, 2, 3, 9)
    assert enclose((1, 2, 3, 4), (0, 0, 0, 0)) == (1, 2, 3, 4)


@pytest.mark.parametrize("seed", range(20))
def test_patches_say_what_whole_planes_say(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, other = blob(rng), blob(rng)
    assert iou(cut(one), cut(other)) == plain_iou(one, other)
    if plain_iou(one, other) < 1:
        assert corrective_click(cut(one), cut(other)) == next_click(one, other)


def test_nothing_shown_yet_is_clicked_in_the_middle() -> None:
    mask = np.zeros((20, 20), bool)
    mask[5:12, 8:15] = True
    assert iou(EMPTY, cut(mask)) == 0
    assert iou(EMPTY, EMPTY) == 1
    assert corrective_click(EMPTY, cut(mask)) == ((8, 11), 1)
