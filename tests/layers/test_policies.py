"""Which pixels an object may take."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Labels

from napari_sam21.core.crops import Crop
from napari_sam21.layers.batch import Batch, BatchWriting, Piece
from napari_sam21.layers.planes import Plane
from napari_sam21.layers.writing import do, take_back, write_object

PLANE = Plane((0, 1), (), (12, 20))
MASK = np.ones((6, 12), bool)


@pytest.fixture
def labels() -> Labels:
    data = np.zeros((12, 20), np.uint16)
    data[2:8, 4:10], data[2:8, 10:14] = 5, 6
    layer = Labels(data)
    layer.selected_label = 5
    return layer


@pytest.mark.parametrize(
    ("policy", "left"), [("keep", 12), ("overwrite", 72), ("inside", 36)]
)
def test_what_is_written(labels: Labels, policy: str, left: int) -> None:
    before = labels.data.copy()
    delta = write_object(labels, PLANE, MASK, (2, 2), 9, policy)
    assert (labels.data == 9).sum() == left
    if policy == "inside":
        np.testing.assert_array_equal(labels.data == 9, before == 5)
    take_back(labels, delta)
    np.testing.assert_array_equal(labels.data, before)


def test_inside_of_the_background_is_nothing(labels: Labels) -> None:
    labels.selected_label = 0
    assert write_object(labels, PLANE, MASK, (2, 2), 9, "inside") is None


def test_the_selection_counts_when_the_write_begins(labels: Labels) -> None:
    writing = BatchWriting(
        labels, Batch((Piece(1, PLANE, Crop.of(MASK, (2, 2))),)), "inside", 9
    )
    do(writing.steps())
    assert (labels.data == 9).sum() == 36


def test_labels_that_are_refined_are_inside_of_none(labels: Labels) -> None:
    """They give way to their own new masks, and to nothing else."""
    piece = Piece(1, PLANE, Crop.of(np.ones((4, 6), bool), (1, 4)))
    do(BatchWriting(labels, Batch((piece,), {1: 5}), "inside", 9).steps())
    assert (labels.data == 5).sum() == 24
    assert (labels.data == 6).sum() == 24
