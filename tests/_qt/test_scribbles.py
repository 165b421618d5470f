"""A stroke of the mouse becomes a few points, on images that lie anywhere."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Shapes
from qtpy.QtCore import Qt

from napari_sam21.core.prompts import BOX, NEGATIVE, POSITIVE
from napari_sam21.core.scribbles import MOST

PLACES = {
    "plain": {},
    "scaled and moved": {"scale": (0.5, 0.25), "translate": (10, -20)},
    "rotated": {"rotate": 30},
}
CORNERS = ((0, 0), (50, 50))
SHIFT = Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (120, 200), np.uint8)


def lines(dock) -> list[np.ndarray]:
    found = [layer for layer in dock.viewer.layers if isinstance(layer, Shapes)]
    return [np.asarray(each) for layer in found for each in layer.data]


def camera_of(dock):
    return getattr(dock.viewer, "scene", dock.viewer).camera


def looked_at(dock) -> tuple[float, ...]:
    """Where two points of the world are drawn: a camera tells only when it draws."""
    ends = [
        dock.hands._position((0,) * (dock.viewer.dims.ndim - 2) + p) for p in CORNERS
    ]
    return tuple(value for end in ends for value in (end.x(), end.y()))


def armed(dock) -> None:
    dock.hands.look_at_all()
    dock.hands.press(Qt.Key.Key_R)
    assert dock.controller.view().scribbling


@pytest.mark.parametrize("place", PLACES)
def test_a_stroke_is_a_few_points_and_one_step(open_dock, noise, place: str) -> None:
    dock = open_dock(noise, **PLACES[place])
    armed(dock)
    before = looked_at(dock)
    start, end = (dock.images[0].data_to_world(rc) for rc in ((30, 40), (70, 140)))
    dock.hands.drag(start, end)
    dock.answered()
    prompts = dock.controller.editor.draft().prompts
    assert prompts.point_labels == (POSITIVE,) * MOST
    rows, columns = np.array(prompts.points_rc).T
    np.testing.assert_allclose(rows, [35, 45, 55, 65], atol=2)
    np.testing.assert_allclose(columns, [52.5, 77.5, 102.5, 127.5], atol=2)
    assert looked_at(dock) == before, "the view stays"
    assert lines(dock) == [], "the line goes when the points come"
    assert dock.controller.view().scribbling, "the next drag is a stroke as well"
    dock.controller.undo()
    assert not dock.controller.editor.draft().prompts
    assert not dock.controller.view().can_undo
    dock.controller.redo()
    assert dock.controller.editor.draft().prompts == prompts


@pytest.mark.parametrize(
    ("button", "modifier"),
    [
        (Qt.MouseButton.LeftButton, SHIFT),
        (Qt.MouseButton.RightButton, Qt.KeyboardModifier.NoModifier),
    ],
)
def test_shift_and_the_right_button_scribble_on_what_is_not_it(
    open_dock, noise, button, modifier
) -> None:
    dock = open_dock(noise)
    armed(dock)
    before = looked_at(dock)
    dock.hands.drag((30, 40), (70, 140), button=button, modifier=modifier)
    labels = {mark.label for mark in dock.controller.editor.marks}
    assert labels == {NEGATIVE}
    assert len(dock.controller.editor.marks) == MOST
    assert looked_at(dock) == before, "the view stays"


def test_a_stroke_has_the_sign_on_show(open_dock, noise) -> None:
    dock = open_dock(noise)
    armed(dock)
    dock.hands.press(Qt.Key.Key_Q)
    dock.hands.drag((30, 40), (70, 140))
    assert {mark.label for mark in dock.controller.editor.marks} == {NEGATIVE}


def test_the_stroke_is_seen_while_it_is_drawn(open_dock, noise) -> None:
    dock = open_dock(noise)
    armed(dock)
    seen: list[int] = []

    def look(viewer, event) -> None:
        yield
        while event.type == "mouse_move":
            seen.append(sum(len(line) for line in lines(dock)))
            yield

    dock.viewer.mouse_drag_callbacks.append(look)
    dock.hands.drag((30, 40), (70, 140), steps=6)
    dock.viewer.mouse_drag_callbacks.remove(look)
    assert seen == sorted(seen)
    assert seen[-1] >= 4
    layer = next(each for each in dock.viewer.layers if isinstance(each, Shapes))
    points = dock.controller.editor.scene.prompts.layer
    assert dock.viewer.layers.selection.active == points
    dock.viewer.layers.remove(layer)  # the user may
    dock.hands.drag((30, 40), (70, 140))
    assert len(dock.controller.editor.marks) == 2 * MOST


def test_a_loop_that_closes_leaves_no_point_of_napari_s(open_dock, noise) -> None:
    dock = open_dock(noise)
    armed(dock)
    dock.hands.stroke([(30, 40), (30, 120), (80, 120), (80, 40), (30, 40)])
    marks = dock.controller.editor.marks
    assert len(marks) == MOST
    dock.controller.undo()
    assert dock.controller.editor.marks == ()
    dock.hands.press(Qt.Key.Key_R)
    dock.hands.click((50, 60))
    assert [mark.label for mark in dock.controller.editor.marks] == [POSITIVE]


@pytest.mark.parametrize(
    ("button", "modifier", "label"),
    [
        (Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, POSITIVE),
        (Qt.MouseButton.LeftButton, SHIFT, NEGATIVE),
        (Qt.MouseButton.RightButton, Qt.KeyboardModifier.NoModifier, NEGATIVE),
    ],
)
def test_a_click_is_still_a_point(open_dock, noise, button, modifier, label) -> None:
    dock = open_dock(noise)
    armed(dock)
    dock.hands.click((50, 60), button, modifier)
    [mark] = dock.controller.editor.marks
    assert mark.label == label
    np.testing.assert_allclose(mark.position, (50, 60), atol=1)


def test_panning_is_panning(open_dock, noise) -> None:
    """Not switched on, in another mode, on another layer, or with napari's keys."""
    dock = open_dock(noise)
    armed(dock)
    points = dock.controller.editor.scene.prompts.layer
    points.mode = "pan_zoom"
    before = looked_at(dock)
    dock.hands.drag((30, 40), (70, 140))
    assert looked_at(dock) != before
    points.mode = "add"
    dock.viewer.layers.selection.active = dock.images[0]
    dock.hands.drag((30, 40), (70, 140))
    dock.viewer.layers.selection.active = points
    dock.hands.look_at_all()
    dock.hands.drag((30, 40), (70, 140), modifier=Qt.KeyboardModifier.AltModifier)
    dock.hands.press(Qt.Key.Key_R)
    dock.hands.look_at_all()
    dock.hands.drag((30, 40), (70, 140))
    assert dock.controller.editor.marks == ()


def test_a_stroke_beyond_the_edge_stays_inside(open_dock, noise) -> None:
    dock = open_dock(noise)
    armed(dock)
    dock.hands.drag((100, 100), (135, 100), steps=12)
    rows = [mark.position[0] for mark in dock.controller.editor.marks]
    assert rows
    assert max(rows) < 120
    dock.controller.clear()
    dock.hands.drag((125, 20), (130, 150))
    assert dock.controller.editor.marks == ()


def test_at_any_zoom_and_in_a_transposed_stack(open_dock) -> None:
    stack = np.random.default_rng(0).integers(0, 255, (3, 60, 4, 80), np.uint8)
    dock = open_dock(stack)
    dock.viewer.dims.order = (2, 0, 3, 1)
    dock.viewer.dims.set_point(0, 1)
    dock.viewer.dims.set_point(2, 2)
    armed(dock)
    camera_of(dock).zoom *= 4
    dock.hands.drag((1, 26, 2, 34), (1, 32, 2, 46))
    marks = dock.controller.editor.marks
    assert len(marks) == 1, "a short stroke is one point, in its middle"
    np.testing.assert_allclose(marks[0].position, (1, 29, 2, 40), atol=1)


def test_a_box_ends_scribbling_and_the_dock_shows_both(open_dock, noise) -> None:
    dock = open_dock(noise)
    armed(dock)
    buttons = dock.widget._object._polarity._buttons
    dock.text()
    assert [each.isChecked() for each in buttons] == [True, False, False, True]
    buttons[1].click()
    dock.text()
    assert [each.isChecked() for each in buttons] == [False, True, False, True]
    dock.hands.press(Qt.Key.Key_W)
    view = dock.controller.view()
    assert (view.next_label, view.scribbling) == (BOX, False)
    buttons[3].click()
    view = dock.controller.view()
    assert (view.next_label, view.scribbling) == (POSITIVE, True)
    buttons[3].click()
    assert not dock.controller.view().scribbling
    dock.text()
    assert [each.isChecked() for each in buttons] == [True, False, False, False]
