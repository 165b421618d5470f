"""The whole path with real mouse events, on images that lie anywhere in the world."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

ANGLE = np.deg2rad(20)
ROTATION = np.array(
    [
        [np.cos(ANGLE), -np.sin(ANGLE), 7],
        [np.sin(ANGLE), np.cos(ANGLE), -3],
        [0, 0, 1],
    ]
)
PLACES = {
    "plain": ((120, 200), {}, None, {}),
    "scaled, moved, turned": (
        (120, 200),
        {"scale": (0.5, 0.25), "translate": (10, -20), "affine": ROTATION},
        None,
        {},
    ),
    "transposed 4D stack": (
        (3, 120, 4, 200),
        {"scale": (2, 0.5, 3, 0.25), "translate": (1, 2, 3, 4)},
        (2, 0, 3, 1),  # shown: axis 3 as rows, axis 1 as columns
        {0: 1, 2: 2},
    ),
}


@pytest.mark.parametrize("place", PLACES)
def test_click_correct_commit_undo_redo(open_dock, qtbot, place) -> None:
    """Click → preview → Shift+click → commit → label → undo → redo."""
    shape, transforms, order, hidden = PLACES[place]
    image = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
    dock = open_dock(image, **transforms)
    viewer, controller, hands = dock.viewer, dock.controller, dock.hands
    layer = dock.images[0]
    if order:
        viewer.dims.order = order
    position = [hidden.get(axis, 0) for axis in range(len(shape))]
    rows, columns = (0, 1) if order is None else (3, 1)
    position[rows], position[columns] = shape[rows] // 2, shape[columns] // 2
    world = layer.data_to_world(position)
    for axis in hidden:
        viewer.dims.set_point(axis, world[axis])
    hands.look_at_all()

    hands.click(world)
    dock.answered()
    preview = controller.editor.scene.preview.layer
    first = preview.data.copy()
    assert first.any()
    assert preview.get_value(world, world=True) == 1, "the preview lies under the click"

    beside = list(position)
    beside[columns] += 0.03 * shape[columns]
    hands.shift_click(layer.data_to_world(beside))
    qtbot.waitUntil(lambda: len(controller.editor.draft().prompts.point_labels) == 2)
    dock.answered()
    assert controller.editor.draft().prompts.point_labels == (1, 0)
    assert (preview.data != first).any(), "the correction changed the preview"
    expected = controller.editor.draft().answer.mask()

    hands.press(Qt.Key.Key_Return)
    labels = controller.target.labels
    assert labels.dtype == np.uint16
    assert labels.get_value(world, world=True) == 1, (
        "the label covers the clicked world position"
    )
    index = tuple(hidden.get(axis, slice(None)) for axis in range(len(shape)))
    written = labels.data[index] if rows < columns else labels.data[index].T
    np.testing.assert_array_equal(written == 1, expected)
    assert np.count_nonzero(labels.data) == np.count_nonzero(expected), "one plane only"
    qtbot.waitUntil(lambda: not preview.data.any())

    control = Qt.KeyboardModifier.ControlModifier
    hands.press(Qt.Key.Key_Z, control)
    assert not labels.data.any()
    assert preview.data.any(), "the object is in the making again"
    hands.press(Qt.Key.Key_Z, control | Qt.KeyboardModifier.ShiftModifier)
    np.testing.assert_array_equal(written == 1, expected)
    assert not preview.data.any()


def test_right_click_is_negative_and_the_next_left_click_is_not(open_dock) -> None:
    dock = open_dock(np.zeros((100, 100), np.uint8))
    dock.hands.look_at_all()
    dock.hands.click((50, 50))
    dock.hands.click((50, 70), button=Qt.MouseButton.RightButton)
    dock.hands.click((50, 30))
    assert [m.label for m in dock.controller.editor.marks] == [1, 0, 1]
    points = dock.controller.editor.scene.prompts.layer
    assert [str(symbol) for symbol in points.symbol] == ["disc", "x", "disc"]
    assert (points.face_color[0] == points.face_color[2]).all()
    assert (points.face_color[0] != points.face_color[1]).any()


def test_keys(open_dock, qtbot) -> None:
    dock = open_dock(np.zeros((100, 100), np.uint8))
    controller, press = dock.controller, dock.hands.press
    dock.hands.look_at_all()
    press(Qt.Key.Key_Q)
    dock.hands.click((50, 50))
    assert controller.editor.marks[0].label == 0
    press(Qt.Key.Key_Q)
    qtbot.waitUntil(lambda: not controller.editor.scene.prompts.layer.selected_data)
    press(Qt.Key.Key_G)  # none is selected: the last one
    assert controller.editor.marks[0].label == 1
    dock.answered()
    first = controller.view().index
    press(Qt.Key.Key_K)
    assert controller.view().index == (first + 1) % 3
    press(Qt.Key.Key_J)
    assert controller.view().index == first
    press(Qt.Key.Key_H)
    assert not controller.editor.scene.preview.layer.visible
    press(Qt.Key.Key_H)
    press(Qt.Key.Key_Escape)
    assert controller.editor.marks == ()
    assert len(controller.editor.scene.prompts.layer.data) == 0
    assert not controller.view().can_commit
