from __future__ import annotations

import numpy as np
import pytest

from training.evaluation.bootstrap import ALL, MACRO, Row, averages
from training.evaluation.patches import Patch
from training.evaluation.scores import (
    agrees,
    calibration,
    clicks_to,
    mean_segmentation_accuracy,
    merge,
)


@pytest.mark.parametrize(
    ("goal", "expected"),
    [(0.5, (1, False)), (0.8, (3, False)), (0.85, (4, False)), (0.9, (20, True))],
)
def test_clicks_to_a_goal(goal: float, expected: tuple[int, bool]) -> None:
    assert clicks_to([0.6, 0.7, 0.8, 0.88, 0.7], goal, 20) == expected


def test_the_first_time_counts_and_no_click_past_the_cap() -> None:
    assert clicks_to([0.1, 0.95, 0.2], 0.9, 20) == (2, False)
    assert clicks_to([0.1, 0.2, 0.95], 0.9, 2) == (2, True)


def test_nearly_as_good_is_as_good() -> None:
    assert agrees([0.8, 0.81, 0.3], 0)
    assert not agrees([0.8, 0.811, 0.3], 0)


def row(*columns: tuple[int, int, int]) -> np.ndarray:
    """One row of 100 pixels with (start, stop, number) runs."""
    plane = np.zeros((1, 100), np.int64)
    for start, stop, number in columns:
        plane[0, start:stop] = number
    return plane


def test_msa_of_perfect_and_of_nothing() -> None:
    truth = row((0, 10, 1), (20, 30, 2))
    assert mean_segmentation_accuracy(truth * 7, truth) == 1
    assert mean_segmentation_accuracy(truth * 0, truth) == 0
    assert mean_segmentation_accuracy(truth * 0, truth * 0) == 1


def test_msa_by_hand() -> None:
    truth = row((0, 10, 1), (20, 30, 2))
    # IoU .8 with the first; the second missed; one that is not there.
    found = row((0, 8, 5), (50, 60, 6))
    # At .50 … .80 (7 of 10 thresholds): TP 1, FP 1, FN 1; above: TP 0.
    assert mean_segmentation_accuracy(found, truth) == pytest.approx(7 / 10 / 3)


def test_msa_without_background() -> None:
    truth = row((0, 50, 1), (50, 100, 2))
    found = row((0, 60, 1), (60, 100, 2))
    # IoU 50/60 = .833 and 40/50 = .8: both up to .80.
    assert mean_segmentation_accuracy(found, truth) == pytest.approx(0.7)


def test_small_masks_lie_on_large_ones() -> None:
    large, small = (
        Patch(np.ones((1, 10), bool), (0, 0)),
        Patch(np.ones((1, 2), bool), (0, 4)),
    )
    for order in ([large, small], [small, large]):
        assert merge(order, (1, 12))[0].tolist() == [1, 1, 1, 1, 2, 2, 1, 1, 1, 1, 0, 0]


def test_calibration_bins() -> None:
    table = calibration([0.05, 0.95, 1.0, 1.3, -0.2], [0.1, 0.9, 0.8, 0.7, 0.3])
    assert [each.count for each in table] == [2, *[0] * 8, 3]
    assert table[-1].reached == pytest.approx(0.8)
    assert table[0].predicted == pytest.approx(-0.075)
    assert table[4].predicted is None
    assert (table[4].low, table[4].high) == (0.4, 0.5)


ROWS = [
    Row("a", {"iou_1": (3.0, 4), "never": (0.0, 4)}),
    Row("a", {"iou_1": (0.5, 1), "never": (1.0, 1)}),
    Row("b", {"iou_1": (0.2, 1)}),
    Row("b", {"iou_1": (0.0, 0)}),
]


def test_objects_count_not_images() -> None:
    table = averages(ROWS)
    assert table["a"]["iou_1"].mean == 0.7
    assert table["b"]["iou_1"].mean == 0.2
    assert table[ALL]["iou_1"].mean == pytest.approx(3.7 / 6, abs=1e-4)
    assert table[MACRO]["iou_1"].mean == 0.45


def test_what_was_not_measured_is_left_out() -> None:
    table = averages(ROWS)
    assert "never" not in table["b"]
    assert "never" not in table[MACRO]
    assert table["a"]["never"].mean == 0.2


def test_intervals_hold_the_mean_and_are_the_same_each_time() -> None:
    rng = np.random.default_rng(1)
    rows = [Row("a", {"x": (float(rng.random() * 9), 9)}) for _ in range(40)]
    first, again = averages(rows), averages(rows)
    assert first == again
    assert first != averages(rows, seed=1)
    figure = first["a"]["x"]
    assert figure.low < figure.mean < figure.high
    values = np.array([row.sums["x"][0] / 9 for row in rows])
    half = 1.96 * values.std() / np.sqrt(40)
    assert figure.high - figure.low == pytest.approx(2 * half, rel=0.15)


def test_one_image_has_no_width() -> None:
    figure = averages(ROWS[:1])["a"]["iou_1"]
    assert figure.low == figure.mean == figure.high == 0.75
    assert MACRO not in averages(ROWS[:1])
