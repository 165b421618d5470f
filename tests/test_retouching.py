"""Strokes on the preview: steps of the history, and they stay over later answers."""

from __future__ import annotations

import numpy as np
import pytest
from desk import Desk


@pytest.fixture
def clicked(desk, image) -> Desk:
    d = desk(image)
    d.ready()
    d.click(40, 50)
    return d


def brush(d: Desk, row: int, column: int, value: int = 1, size: int = 5) -> np.ndarray:
    """Brush as the mouse does; return what the preview shows then."""
    d.preview.brush_size = size
    with d.preview.block_history():
        d.preview.paint((row, column), value)
        d.preview.paint((row, column + 3), value)
    return shown(d)


def shown(d: Desk) -> np.ndarray:
    return d.preview.data != 0


def test_undo_takes_the_stroke_back_and_not_the_point(clicked: Desk) -> None:
    answered = shown(clicked)
    painted = brush(clicked, 100, 20)
    erased = brush(clicked, 40, 50, 0)
    assert painted[100, 20]
    assert not erased[40, 50]
    clicked.controller.undo()
    np.testing.assert_array_equal(shown(clicked), painted)
    clicked.controller.undo()
    np.testing.assert_array_equal(shown(clicked), answered)
    assert len(clicked.points.data) == 1
    clicked.controller.redo()
    clicked.controller.redo()
    np.testing.assert_array_equal(shown(clicked), erased)
    assert not clicked.controller.view().can_redo


def test_strokes_stay_over_the_answer_to_the_next_point(clicked: Desk) -> None:
    brush(clicked, 100, 20)
    brush(clicked, 40, 50, 0)
    clicked.click(60, 90)
    after = shown(clicked)
    answer = clicked.controller.editor.draft().answer.mask()
    assert answer[40, 50]
    assert not answer[100, 20]
    assert after[100, 20]
    assert not after[40, 50]
    assert after[60, 90]
    data = clicked.commit()
    np.testing.assert_array_equal(data == 1, after)
    clicked.controller.undo()
    np.testing.assert_array_equal(shown(clicked), after)
    for _ in range(4):  # the point, two strokes, the first point
        clicked.controller.undo()
    assert not shown(clicked).any()
    assert not clicked.controller.view().can_undo
    for _ in range(4):
        clicked.controller.redo()
        clicked.answered()
    np.testing.assert_array_equal(shown(clicked), after)
    clicked.controller.redo()
    np.testing.assert_array_equal(data == 1, after)


def test_they_are_there_after_a_look_at_another_image(desk, image) -> None:
    d = desk(image, image.T)
    first, second = d.images
    d.controller.set_image(first)
    d.ready()
    d.click(40, 50)
    brush(d, 100, 20)
    painted = brush(d, 40, 50, 0)
    d.controller.set_image(second)
    assert not shown(d).any()
    d.controller.set_image(first)
    d.answered()
    np.testing.assert_array_equal(shown(d), painted)
    assert painted[100, 20]


def test_they_stay_over_another_candidate(clicked: Desk) -> None:
    brush(clicked, 100, 20)
    clicked.controller.next_candidate()
    assert shown(clicked)[100, 20]


def test_clearing_takes_them_and_undo_brings_them_back(clicked: Desk) -> None:
    painted = brush(clicked, 100, 20)
    clicked.controller.clear()
    assert not shown(clicked).any()
    clicked.controller.undo()
    clicked.answered()
    np.testing.assert_array_equal(shown(clicked), painted)
    clicked.controller.clear()
    clicked.ready()
    clicked.click(41, 50)
    assert not shown(clicked)[100, 20], "another object has no strokes"


def test_a_deleted_and_a_new_point_make_another_object(clicked: Desk) -> None:
    brush(clicked, 100, 20)
    clicked.points.selected_data = {0}
    clicked.points.remove_selected()
    clicked.click(40, 50)
    assert not shown(clicked)[100, 20]


def test_they_go_along_when_the_region_grows(desk) -> None:
    image = np.random.default_rng(0).integers(0, 255, (600, 600), np.uint8)
    d = desk(image)
    d.images[0].corner_pixels = np.array([[0, 0], [200, 200]])
    d.ready()
    d.click(100, 100)
    small = d.controller.editor.draft().region
    assert small.height == 256
    with d.preview.block_history():
        d.preview.paint((200, 30), 1)
    d.click(500, 500)
    assert d.controller.editor.draft().region.height > 256
    data = d.commit()
    assert data[200, 30] == 1


def test_without_an_object_there_is_nothing_to_brush(desk, image) -> None:
    d = desk(image)
    d.ready()
    with d.preview.block_history():
        d.preview.paint((20, 30), 1)
    assert not shown(d).any()
    assert "Click an object first" in d.status
    assert not d.controller.view().can_undo
    d.click(40, 50)
    assert not d.controller.editor.draft().retouch


def test_on_another_slice_undo_goes_to_the_stroke(desk) -> None:
    stack = np.random.default_rng(1).integers(0, 255, (4, 60, 80), np.uint8)
    d = desk(stack)
    d.viewer.dims.set_point(0, 1)
    d.ready()
    d.click(1, 30, 40)
    before = shown(d)
    with d.preview.block_history():
        d.preview.paint((0, 5, 6), 1)
    d.viewer.dims.set_point(0, 2)
    d.controller.undo()
    assert d.viewer.dims.point[0] == 1
    np.testing.assert_array_equal(shown(d), before)


@pytest.mark.parametrize("seed", range(2))
def test_a_walk_ends_where_it_began(desk, image, seed: int) -> None:
    d = desk(image)
    d.ready()
    rng = np.random.default_rng(seed)
    for _ in range(14):
        row, column = int(rng.integers(8, 112)), int(rng.integers(8, 190))
        deed = rng.choice(["click", "brush", "erase", "commit", "undo", "redo"])
        if deed == "click":
            d.click(row, column)
        elif deed in ("brush", "erase") and d.controller.view().can_commit:
            brush(d, row, column, int(deed == "brush"))
        elif deed == "commit":
            d.controller.commit()
        elif deed in ("undo", "redo"):
            getattr(d.controller, str(deed))()
        d.host.turn()
        if d.controller.editor.draft().prompts:
            d.answered()
    end = None if d.controller.target.labels is None else labels_of(d)
    seen = shown(d)
    steps = 0
    while d.controller.view().can_undo:
        d.controller.undo()
        steps += 1
    assert not shown(d).any()
    assert d.controller.target.labels is None or not labels_of(d).any()
    for _ in range(steps):
        d.controller.redo()
        if d.controller.editor.draft().prompts:
            d.answered()
    np.testing.assert_array_equal(shown(d), seen)
    if end is not None:
        np.testing.assert_array_equal(labels_of(d), end)


def labels_of(d: Desk) -> np.ndarray:
    return np.array(d.controller.target.labels.data)
