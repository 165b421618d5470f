"""Strokes."""

from __future__ import annotations

import numpy as np
import pytest

import napari_sam21 as sam
from napari_sam21 import samples
from napari_sam21.core.errors import PromptError
from napari_sam21.core.scribbles import scribble_points, with_scribble


def test_points_are_few_and_even() -> None:
    path = np.stack([np.full(400, 5.0), np.linspace(0, 100, 400)], axis=1)
    expected = [(5, 12.5), (5, 37.5), (5, 62.5), (5, 87.5)]
    np.testing.assert_allclose(scribble_points(path, most=4), expected)
    assert len(scribble_points(path, most=50, apart=20)) == 5


@pytest.mark.parametrize("path", [[(3, 4)], [(3, 4), (3, 4)], [(2, 4), (4, 4)]])
def test_a_dab_is_one_click(path: list[tuple[int, int]]) -> None:
    assert scribble_points(path) == [(3, 4)]


@pytest.mark.parametrize("path", [[], [(1, 2, 3)], [(np.nan, 1)]])
def test_no_path_is_refused(path: list[tuple[float, ...]]) -> None:
    with pytest.raises(PromptError, match="stroke"):
        scribble_points(path)


def test_polarity_and_what_was_said_before() -> None:
    before = sam.Prompts([(1, 1)], [1], (0, 0, 9, 9))
    after = with_scribble(before, [(20, 0), (20, 30)], positive=False)
    assert after.extends(before)
    assert set(after.point_labels[1:]) == {0}
    assert after.box_rc == before.box_rc


def test_a_scribble_is_as_good_as_a_click() -> None:
    """Mean over nuclei: a stroke through the long axis, against its middle."""
    model = sam.load_model("starter")
    image, labels = (
        samples.read_image("fluorescence"),
        samples.read_labels("fluorescence"),
    )
    embedding = model.encode(image)
    ious: list[tuple[float, float]] = []
    for number in np.unique(labels)[1::9]:
        truth = labels == number
        rows, columns = np.nonzero(truth)
        along = np.linspace(-0.35, 0.35, 40)[:, None]
        axis = (
            [np.ptp(rows), 0]
            if np.ptp(rows) > np.ptp(columns)
            else [0, np.ptp(columns)]
        )
        stroke = [rows.mean(), columns.mean()] + along * axis
        click = sam.Prompts([stroke.mean(axis=0)], [1])
        masks = [
            model.decode(embedding, prompts).mask()
            for prompts in (click, with_scribble(sam.Prompts(), stroke))
        ]
        ious.append(tuple(float((m & truth).sum() / (m | truth).sum()) for m in masks))
    one, stroke_iou = np.mean(ious, axis=0)
    assert stroke_iou >= one - 0.01
