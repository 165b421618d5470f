"""A box is dragged with the mouse, from any corner, on images that lie anywhere."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Shapes
from qtpy.QtCore import Qt

from napari_sam21.core.prompts import BOX, POSITIVE

CORNERS = {
    "from top left": ((30, 50), (70, 120)),
    "from bottom right": ((70, 120), (30, 50)),
    "from top right": ((30, 120), (70, 50)),
}
PLACES = {
    "plain": {},
    "scaled and moved": {"scale": (0.5, 0.25), "translate": (10, -20)},
    "rotated": {"rotate": 30},
}


def frames(dock) -> list[np.ndarray]:
    found = [layer for layer in dock.viewer.layers if isinstance(layer, Shapes)]
    return [np.asarray(each) for layer in found for each in layer.data]


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (120, 200), np.uint8)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("corners", CORNERS)
def test_a_drag_is_a_box(open_dock, noise, corners: str, place: str) -> None:
    dock = open_dock(noise, **PLACES[place])
    image, hands = dock.images[0], dock.hands
    hands.look_at_all()
    camera = getattr(dock.viewer, "scene", dock.viewer).camera
    centre = tuple(camera.center)
    start, end = (image.data_to_world(corner) for corner in CORNERS[corners])
    hands.press(Qt.Key.Key_W)
    assert dock.controller.view().next_label == BOX
    hands.drag(start, end)
    dock.answered()
    prompts = dock.controller.editor.draft().prompts
    assert prompts.points_rc == ()
    np.testing.assert_allclose(prompts.box_rc, (30, 50, 70, 120), atol=1.0)
    assert tuple(camera.center) == centre, "the view stays"
    assert dock.controller.view().next_label == POSITIVE, "clicks are points again"
    [frame] = frames(dock)
    np.testing.assert_allclose(frame.min(axis=0), prompts.box_rc[:2])
    np.testing.assert_allclose(frame.max(axis=0), prompts.box_rc[2:])
    assert (
        dock.viewer.layers.selection.active
        == dock.controller.editor.scene.prompts.layer
    )


def test_points_join_a_box_and_a_new_box_takes_its_place(open_dock, noise) -> None:
    dock = open_dock(noise)
    hands, controller = dock.hands, dock.controller
    hands.look_at_all()
    hands.press(Qt.Key.Key_W)
    hands.drag((30, 50), (70, 120))
    hands.shift_click((40, 60))
    dock.answered()
    prompts = controller.editor.draft().prompts
    assert prompts.point_labels == (0,)
    assert prompts.box_rc is not None
    hands.press(Qt.Key.Key_W)
    hands.drag((20, 40), (60, 90))
    dock.answered()
    again = controller.editor.draft().prompts
    np.testing.assert_allclose(again.box_rc, (20, 40, 60, 90), atol=1.0)
    assert again.points_rc == prompts.points_rc
    assert len(frames(dock)) == 1
    controller.undo()
    assert controller.editor.draft().prompts == prompts
    controller.undo()
    controller.undo()
    assert not controller.editor.draft().prompts
    assert frames(dock) == []


def test_a_corner_that_is_deleted_takes_the_box_with_it(open_dock, noise) -> None:
    dock = open_dock(noise)
    dock.hands.look_at_all()
    dock.hands.press(Qt.Key.Key_W)
    dock.hands.drag((30, 50), (70, 120))
    points = dock.controller.editor.scene.prompts.layer
    points.selected_data = {1}
    points.remove_selected()
    assert not dock.controller.editor.draft().prompts
    assert len(points.data) == 0
    assert frames(dock) == []


def test_a_corner_can_be_moved(open_dock, noise) -> None:
    dock = open_dock(noise)
    dock.hands.look_at_all()
    dock.hands.press(Qt.Key.Key_W)
    dock.hands.drag((30, 50), (70, 120))
    points = dock.controller.editor.scene.prompts.layer
    data = np.array(points.data)
    data[1] = (100, 150)
    points.data = data
    box = dock.controller.editor.draft().prompts.box_rc
    np.testing.assert_allclose(box[2:], (100, 150))
    [frame] = frames(dock)
    np.testing.assert_allclose(frame.max(axis=0), (100, 150))


def test_without_a_drag_a_box_is_a_point(open_dock, noise) -> None:
    dock = open_dock(noise)
    dock.hands.look_at_all()
    dock.hands.press(Qt.Key.Key_W)
    dock.hands.click((40, 60))
    dock.answered()
    prompts = dock.controller.editor.draft().prompts
    assert prompts.box_rc is None
    assert prompts.point_labels == (1,)


def test_a_box_beyond_the_edge_ends_at_the_edge(open_dock, noise) -> None:
    dock = open_dock(noise)
    dock.hands.look_at_all()
    dock.hands.press(Qt.Key.Key_W)
    dock.hands.drag((100, 150), (130, 210))
    dock.answered()
    box = dock.controller.editor.draft().prompts.box_rc
    np.testing.assert_allclose(box, (100, 150, 119, 199), atol=1.0)


def test_the_frame_goes_with_the_dock_and_a_commit(open_dock, noise, qtbot) -> None:
    dock = open_dock(noise)
    dock.hands.look_at_all()
    dock.hands.press(Qt.Key.Key_W)
    dock.hands.drag((30, 50), (70, 120))
    dock.answered()
    dock.hands.press(Qt.Key.Key_Return)
    assert dock.controller.target.labels.data.any()
    qtbot.waitUntil(lambda: frames(dock) == [])
