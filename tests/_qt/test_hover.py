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
    inference = dock.controller.inference
    decode = inference.foretell

    def foretell(embedding, prompts, **told) -> None:
        asked.append(prompts.points_rc[0])
        decode(embedding, prompts, **told)

    inference.foretell = foretell
    for step in range(20):
        dock.hands.move(world(dock, 20 + 4 * step, 20 + 8 * step))
    qtbot.waitUntil(lambda: asked and abs(asked[-1][0] - 96) < 2)
    qtbot.waitUntil(
        lambda: dock.preview.get_value(world(dock, 96, 172), world=True) == HINT
    )
    assert len(asked) <= 20


@pytest.fixture
def decodes(dock) -> list:
    """Prompts and feedback of every decode, in order."""
    model, found = dock.controller.inference.loaded, []
    decode = model.decode

    def noted(embedding, prompts, previous=None):
        found.append((prompts, previous))
        return decode(embedding, prompts, previous)

    object.__setattr__(model, "decode", noted)
    return found


def test_what_the_mouse_showed_is_not_asked_again(dock, qtbot, decodes) -> None:
    dock.hands.move(world(dock, 60, 100))
    qtbot.waitUntil(lambda: HINT in shown(dock))
    decodes.clear()
    dock.hands.click(world(dock, 60, 100))
    dock.answered()
    assert shown(dock) == {0, CHOSEN}
    assert decodes == []


def test_a_click_is_asked_when_the_button_goes_down(dock, qtbot, decodes) -> None:
    dock.hands.press(Qt.Key.Key_U)  # no masks under the mouse
    dock.hands.click(world(dock, 60, 100))
    dock.answered()
    first = dock.controller.editor.draft().answer
    decodes.clear()
    dock.hands.down(world(dock, 30, 160))
    qtbot.waitUntil(lambda: len(decodes) == 1)
    prompts, previous = decodes[0]
    assert len(prompts.points_rc) == 2
    assert previous is first, "its mask is fed back"
    assert dock.controller.editor.draft().answer is first, "it is no click yet"
    dock.hands.up(world(dock, 30, 160))
    dock.answered()
    assert dock.controller.editor.draft().prompts == prompts
    assert len(decodes) == 1


def test_a_drag_is_no_click(dock, qtbot, decodes) -> None:
    before = len(dock.controller.editor.marks)
    dock.hands.drag(world(dock, 60, 100), world(dock, 30, 160))
    qtbot.wait(100)
    assert len(dock.controller.editor.marks) == before
    assert dock.controller.view().scores == ()
