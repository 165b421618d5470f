"""IoU of what a commit wrote, and of what it would write now."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sam21.session.change import Change
from napari_sam21.session.compare import Comparison, Outcome, likeness

LABELS = np.zeros((1, 20, 20), np.uint16)
LABELS[0, :, 10:] = 5


def wrote(rows: slice, columns: slice, value: int = 1) -> Change:
    shape = (1, rows.stop - rows.start, columns.stop - columns.start)
    corner = (0, rows.start, columns.start)
    return Change(corner, np.ones(shape, bool), np.asarray(0), np.asarray(value))


def now(rows: slice, columns: slice) -> tuple[np.ndarray, tuple[slice, ...]]:
    box = (slice(0, 1), rows, columns)
    return np.ones([part.stop - part.start for part in box], bool), box


@pytest.mark.parametrize(
    ("policy", "columns", "iou"),
    [
        ("keep", slice(0, 10), 1.0),  # what is taken counts neither then nor now
        ("overwrite", slice(0, 10), 0.5),
        ("only what nobody knows", slice(0, 10), 1.0),
        ("overwrite", slice(0, 20), 1.0),
        ("keep", slice(0, 5), 0.5),
    ],
)
def test_a_policy_is_seen_through(policy, columns, iou) -> None:
    mask, box = now(slice(0, 4), slice(0, 20))
    change = wrote(slice(0, 4), columns)
    assert likeness(change, LABELS, mask, box, 1, policy) == iou


def test_erasing_and_adding() -> None:
    mask, box = now(slice(0, 4), slice(8, 14))
    erased = wrote(slice(0, 4), slice(10, 14), 0)
    assert likeness(erased, LABELS, mask, box, 0, "keep") == 1.0
    added = wrote(slice(0, 4), slice(8, 10), 5)
    assert likeness(added, LABELS, mask, box, 5, "overwrite") == 1.0


def test_apart_and_empty() -> None:
    mask, box = now(slice(10, 12), slice(0, 4))
    change = wrote(slice(0, 2), slice(0, 4))
    assert likeness(change, LABELS, mask, box, 1, "keep") == 0.0
    empty = np.zeros((1, 0, 0), bool)
    assert likeness(change, LABELS, empty, box, 1, "keep") == 0.0


def test_a_summary() -> None:
    found = (Outcome(1, 2, 1.0, True), Outcome(2, 1, 0.5, True), Outcome(3, 1))
    told = Comparison("image.tif", "tiny", found, 4).summary()
    assert told == {
        "recomputed": 2,
        "not_recomputed": 1,
        "without_prompts": 4,
        "mean_iou": 0.75,
        "median_iou": 0.75,
        "min_iou": 0.5,
    }
    assert Comparison("image.tif", "tiny", (), 0).summary()["mean_iou"] is None
