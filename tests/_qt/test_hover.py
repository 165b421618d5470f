"""The mask of a click is seen before the click, under a real mouse."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_sam21.layers.preview import CHOSEN, HINT


@pytest.fixture
def dock(open_dock):
    rng = np.random.default_rng(0)
    dock = open_dock(rng.integers(0, 255, (120, 200), np.uint8), scale=(0.5, 0.25))
    dock.hands.look_at_all()
    dock.ready()
    dock.preview = dock.controller.editor.scene.preview.layer
    return dock


def world(dock, row: float, column: float):
    return dock.images[0].data_to_world((row, column))


def shown(dock) -> set[int]:
    return set(np.unique(dock.preview.data).tolist())


def test_a_hint_follows_the_mouse_and_is_what_a_click_gives(dock, qtbot) -> None:
    dock.hands.move(world(dock, 60, 100))
    qtbot.waitUntil(lambda: HINT in shown(dock))
    first = dock.preview.data.copy()
    assert dock.preview.get_value(world(dock, 60, 100), world=True) == HINT
    assert dock.controller.view().scores == (), "nothing is in the making"
    assert not dock.controller.view().can_commit
    dock.hands.move(world(dock, 30, 160))
    qtbot.waitUntil(lambda: not np.array_equal(dock.preview.data, first))
    hint = dock.preview.data.copy()
    dock.hands.click(world(dock, 30, 160))
    dock.answered()
    assert shown(dock) == {0, CHOSEN}
    np.testing.assert_array_equal(dock.preview.data > 0, hint > 0)


def test_while_an_object_is_made_nothing_else_is_shown(dock, qtbot) -> None:
    dock.hands.click(world(dock, 60, 100))
    dock.answered()
    before = dock.preview.data.copy()
    dock.hands.move(world(dock, 30, 160))
    qtbot.wait(200)
    np.testing.assert_array_equal(dock.preview.data, before)


def test_a_hint_goes_with_the_mouse(dock, qtbot) -> None:
    dock.hands.move(world(dock, 60, 100))
    qtbot.waitUntil(lambda: HINT in shown(dock))
    dock.viewer.mouse_over_canvas = True
    dock.viewer.mouse_over_canvas = False
    assert shown(dock) == {0}
    dock.hands.move(world(dock, 60, 100))
    qtbot.waitUntil(lambda: HINT in shown(dock))
    dock.hands.move(world(dock, -8, 100))  # beside the image
    qtbot.waitUntil(lambda: shown(dock) == {0})


def test_it_can_be_switched_off(dock, qtbot) -> None:
    dock.hands.move(world(dock, 60, 100))
    qtbot.waitUntil(lambda: HINT in shown(dock))
    dock.hands.press(Qt.Key.Key_U)
    assert shown(dock) == {0}
    qtbot.waitUntil(lambda: not dock.widget._hover.isChecked())
    dock.hands.move(world(dock, 30, 160))
    qtbot.wait(200)
    assert shown(dock) == {0}
    dock.controller.hover.switch(True)
    dock.hands.move(world(dock, 60, 100))
    qtbot.waitUntil(lambda: HINT in shown(dock))


def test_a_hint_cannot_be_brushed(dock, qtbot) -> None:
    dock.hands.move(world(dock, 60, 100))
    qtbot.waitUntil(lambda: HINT in shown(dock))
    dock.viewer.layers.selection.active = dock.preview
    assert shown(dock) == {0}
    dock.hands.move(world(dock, 30, 160))
    qtbot.wait(200)
    assert shown(dock) == {0}


def test_a_fast_mouse_is_answered_where_it_ends(dock, qtbot) -> None:
    asked = []
    decode = type(dock.controller.inference).glance
    inference = dock.controller.inference

    def glance(embedding, prompts, done, failed) -> None:
        asked.append(prompts.points_rc[0])
        decode(inference, embedding, prompts, done, failed)

    inference.glance = glance
    for step in range(20):
        dock.hands.move(world(dock, 20 + 4 * step, 20 + 8 * step))
    qtbot.waitUntil(lambda: asked and abs(asked[-1][0] - 96) < 2)
    qtbot.waitUntil(
        lambda: dock.preview.get_value(world(dock, 96, 172), world=True) == HINT
    )
    assert len(asked) <= 20
