"""The dock in a real window."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import napari
import numpy as np
import pytest
from napari.utils.theme import get_theme
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QComboBox, QLabel, QPushButton, QWidget

from napari_sam21._qt.closing import CloseGuard
from napari_sam21._qt.keys_panel import KeysPanel
from napari_sam21._qt.widget import SamWidget
from napari_sam21.control.keys import KEYS


def button(widget: SamWidget, text: str) -> QPushButton:
    """The button that says something."""
    return next(b for b in widget.findChildren(QPushButton) if text in b.text())


def texts(combo: QComboBox) -> list[str]:
    """What a combo box offers."""
    return [combo.itemText(i) for i in range(combo.count())]


def test_no_image_then_one_then_none(open_dock, qtbot) -> None:
    dock = open_dock()
    assert "Open or select an image" in dock.text()
    image = dock.viewer.add_image(np.zeros((60, 80)), name="cells")
    assert dock.widget._image.current_choice == "cells"
    dock.ready()
    assert dock.text() == "Ready: click an object."
    image.name = "renamed"
    dock.text()
    assert dock.widget._image.current_choice == "renamed"
    dock.viewer.layers.remove(image)
    assert "image was removed" in dock.text()
    assert texts(dock.widget._image.native) == ["No image"]
    qtbot.waitUntil(lambda: len(dock.viewer.layers) == 0)


def test_a_single_pixel_of_work_can_be_done_by_buttons(open_dock) -> None:
    dock = open_dock(np.zeros((100, 100), np.uint8))
    dock.hands.look_at_all()
    widget, controller = dock.widget, dock.controller
    assert not button(widget, "Commit").isEnabled()
    dock.hands.click((50, 50))
    dock.answered()
    button(widget, "0.70").click()
    assert controller.view().index == 2
    assert button(widget, "0.70").isChecked()
    button(widget, "✕ Out").click()
    dock.hands.click((50, 56))
    assert [m.label for m in controller.editor.marks] == [1, 0]
    dock.answered()
    button(widget, "Undo").click()
    assert len(controller.editor.marks) == 1
    dock.answered()
    button(widget, "Commit").click()
    assert controller.target.labels.data.max() == 1
    dock.text()
    assert texts(widget._labels.native)[1:] == [controller.target.labels.name]
    button(widget, "Undo").click()
    dock.text()
    button(widget, "Redo").click()
    assert controller.target.labels.data.max() == 1


def test_candidates_go_from_part_to_whole(open_dock) -> None:
    dock = open_dock(np.zeros((100, 100), np.uint8))
    dock.hands.look_at_all()
    dock.hands.click((50, 50))
    dock.answered()
    editor, buttons = dock.controller.editor, dock.widget._object._candidates._buttons
    draft = editor.draft()
    turned = replace(
        draft.answer,
        logits=draft.answer.logits[::-1].copy(),
        scores=draft.answer.scores[::-1].copy(),
    )
    editor.set_marks(
        editor.marks, replace(draft, rounds=(replace(draft.rounds[-1], answer=turned),))
    )
    dock.text()
    assert [each.text() for each in buttons] == ["0.60", "0.90", "0.70"]
    assert "Smallest" in buttons[0].toolTip()
    assert " pixels" in buttons[0].toolTip()
    assert not any(each.icon().isNull() for each in buttons)
    buttons[0].click()
    assert dock.controller.view().index == 2
    for expected in (1, 0, 2):
        dock.hands.press(Qt.Key.Key_K)
        assert dock.controller.view().index == expected
    dock.controller.clear()
    dock.text()
    assert [each.text() for each in buttons] == ["–"] * 3
    assert all(each.icon().isNull() for each in buttons)


def test_our_layers_are_no_output(open_dock) -> None:
    dock = open_dock(np.zeros((60, 80)))
    mine = dock.viewer.add_labels(np.zeros((60, 80), int), name="mine")
    assert texts(dock.widget._labels.native) == ["New labels layer", "mine"]
    dock.widget._labels.value = mine
    assert dock.controller.target.labels == mine
    dock.text()
    dock.widget._labels.native.setCurrentIndex(0)
    assert dock.controller.target.labels is None, "New labels layer was chosen"
    dock.viewer.add_labels(np.zeros((5, 5), int), name="small")
    dock.widget._labels.value = dock.viewer.layers["small"]
    assert "has shape (5, 5), the image has (60, 80)" in dock.controller.view().status


def test_pin(open_dock) -> None:
    dock = open_dock(np.zeros((60, 80)), np.ones((60, 80)))
    first, second = dock.images
    dock.viewer.layers.selection.active = second
    button(dock.widget, "Pin").click()
    dock.viewer.layers.selection.active = first
    assert dock.controller.image == second
    dock.widget._image.value = first
    assert dock.controller.image == first


def test_choosing_another_policy(open_dock) -> None:
    dock = open_dock(np.zeros((60, 80)))
    dock.widget._policy.value = "overwrite"
    assert dock.controller.commits.policy == "overwrite"


def test_two_viewers_do_not_meet(open_dock) -> None:
    one, two = open_dock(np.zeros((60, 80))), open_dock(np.ones((60, 80)))
    one.hands.look_at_all()
    one.hands.click((30, 40))
    one.answered()
    assert two.controller.editor.marks == ()
    assert not two.controller.view().can_commit
    two.hands.look_at_all()
    two.hands.click((20, 20))
    two.answered()
    two.controller.commit()
    assert one.controller.target.labels is None


def test_closed_and_reopened_dock(open_dock, qtbot, tiny_folder) -> None:
    dock = open_dock(show=True)
    # They listen while the dock is open, image or not.
    ours = (dock.controller.ahead, dock.controller.hover)
    found = list(dock.viewer.mouse_drag_callbacks)
    before = [call for call in found if getattr(call, "__self__", None) not in ours]
    assert len(before) == len(found) - 2
    dock.viewer.add_image(np.zeros((60, 80)))
    assert len(dock.viewer.mouse_drag_callbacks) > len(found)
    dock.hands.look_at_all()
    dock.hands.click((30, 40))
    dock.answered()
    dock.viewer.window.remove_dock_widget(dock.widget)
    qtbot.waitUntil(lambda: dock.widget.controller is None)
    qtbot.waitUntil(lambda: len(dock.viewer.layers) == 2)
    assert dock.viewer.layers[1].name == "SAM prompts"
    assert dock.viewer.mouse_drag_callbacks == before
    again = SamWidget(dock.viewer)
    again.controller.set_model(tiny_folder)
    dock.viewer.window.add_dock_widget(again)
    qtbot.waitUntil(lambda: again.controller.view().can_commit)
    again.controller.commit()
    assert again.controller.target.labels.data[30, 40] == 1


@pytest.mark.skipif(
    napari.__version__ < "0.8", reason="napari 0.6 crashes there without us, too"
)
def test_a_reopened_dock_does_not_crash_a_window_that_paints(tiny_folder) -> None:
    command = [sys.executable, Path(__file__).with_name("reopened.py"), tiny_folder]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert (done.stdout.strip(), done.returncode) == ("reopened", 0), done.stderr


def out_of_sight(widget: QWidget, window: QWidget) -> list[str]:
    """Texts that lie outside the window or have no room; a layout takes its time."""
    parts = [*widget.findChildren(QPushButton), *widget.findChildren(QLabel)]
    shown = [part for part in parts if part.isVisible()]
    if len(shown) <= 10:
        return ["too few parts on show"]
    return [
        part.text()
        for part in shown
        if not window.rect().contains(part.mapTo(window, part.rect().bottomRight()))
        or part.width() < min(part.sizeHint().width(), 60)
    ]


def test_everything_is_on_show_at_1200_by_800(open_dock, qtbot) -> None:
    dock = open_dock(np.zeros((60, 80)), np.ones((60, 80)))
    window = dock.viewer.window._qt_window
    window.resize(1200, 800)
    window.show()
    qtbot.waitUntil(lambda: not out_of_sight(dock.widget, window), timeout=10_000)
    dock.controller.set_look("composite")
    qtbot.waitUntil(dock.widget._look._composite.isVisible)
    qtbot.waitUntil(lambda: not out_of_sight(dock.widget, window), timeout=10_000)
    assert dock.widget.width() <= 380, "the image needs the room"
    assert dock.viewer.window._qt_viewer.canvas.native.width() >= 450


def test_keys_are_on_the_buttons_or_in_their_tooltips(open_dock) -> None:
    widget = open_dock().widget
    assert "(Enter)" in button(widget, "Commit").text()
    assert "(Ctrl+Shift+Z)" in button(widget, "Redo").text()
    assert "(Q)" in button(widget, "● In").toolTip()


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((40, 50)),
        np.full((40, 50), 7, np.uint16),
        np.zeros((300, 1), np.uint8),
        np.eye(50, dtype=bool),
        np.where(np.eye(50) > 0, np.nan, 0.5),
        np.where(np.eye(50) > 0, np.inf, 0.5),
        np.full((40, 50), np.nan),
    ],
    ids=["constant", "constant int", "1 wide", "bool", "nan", "inf", "all nan"],
)
def test_odd_images_are_answered(open_dock, image) -> None:
    dock = open_dock()
    layer = dock.viewer.add_image(image, contrast_limits=(0, 1))
    dock.controller.set_image(layer)
    points = dock.controller.editor.scene.prompts.layer
    points.add([[20.0, 0.0]])
    dock.answered()
    dock.controller.set_image(dock.viewer.add_image(np.ones((60, 80))))
    dock.ready()


def test_window_asks_only_its_user(open_dock, qtbot, monkeypatch) -> None:
    dock = open_dock(np.zeros((60, 80)))
    window = dock.viewer.window._qt_window
    asked = []
    monkeypatch.setattr(CloseGuard, "_may_close", lambda self: bool(asked.append(1)))
    guard = CloseGuard(window, dock.widget._open_objects, dock.controller.commit)

    class Close:
        def __init__(self, spontaneous: bool) -> None:
            self._spontaneous, self.ignored = spontaneous, False

        def type(self):
            from qtpy.QtCore import QEvent

            return QEvent.Type.Close

        def spontaneous(self) -> bool:
            return self._spontaneous

        def ignore(self) -> None:
            self.ignored = True

    assert not guard.eventFilter(window, Close(True)), "nothing to lose"
    dock.hands.look_at_all()
    dock.hands.click((30, 40))
    assert not guard.eventFilter(window, Close(False)), "a program closes it"
    event = Close(True)
    assert guard.eventFilter(window, event)
    assert event.ignored
    assert asked == [1]
    guard.remove()


def test_enter_on_the_canvas_reaches_us_after_a_button(open_dock, qtbot) -> None:
    dock = open_dock(np.zeros((60, 80)))
    dock.hands.look_at_all()
    dock.hands.click((30, 40))
    dock.answered()
    qtbot.mouseClick(button(dock.widget, "● In"), Qt.MouseButton.LeftButton)
    dock.hands.press(Qt.Key.Key_Enter)
    assert dock.controller.target.labels is not None


def test_window_closed_while_a_look_is_due(open_dock, qtbot) -> None:
    """The rest of the view is waited for when the window goes: no late call."""
    dock = open_dock(np.zeros((60, 80)), show=True)
    dock.ready()
    controller = dock.controller
    dock.images[0].contrast_limits = (0, 0.5)
    dock.viewer.close()
    qtbot.waitUntil(lambda: controller.editor is None)
    qtbot.wait(300)


def test_all_keys_are_told(open_dock) -> None:
    dock = open_dock(np.zeros((60, 80)))
    button(dock.widget, "Keys…").click()
    panel = dock.widget.findChild(KeysPanel)
    assert panel.isVisible()
    told = panel.findChild(QLabel).text()
    for key in KEYS:
        assert key.shown in told
        assert key.what in told
    panel.close()


def test_tab_goes_through_the_controls_and_a_click_takes_no_keys(open_dock) -> None:
    dock = open_dock(np.zeros((60, 80)))
    buttons = dock.widget.findChildren(QPushButton)
    assert len(buttons) > 10
    others = [b.text() for b in buttons if b.focusPolicy() != Qt.FocusPolicy.TabFocus]
    assert not others


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_problem_can_be_read_in_every_theme(open_dock, qtbot, theme: str) -> None:
    dock = open_dock(np.zeros((60, 80)))
    dock.viewer.theme = theme
    dock.controller.say("No disk", problem=True)
    qtbot.waitUntil(lambda: dock.widget._status.text() == "No disk", timeout=10_000)
    color = QColor(dock.widget._status.styleSheet().removeprefix("color: "))
    back = QColor(*get_theme(theme).background.as_rgb_tuple()[:3])
    assert contrast(color, back) > 4.5, "what WCAG asks of text"


def contrast(one: QColor, other: QColor) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(color: QColor) -> float:
    parts = [c / 255 for c in (color.red(), color.green(), color.blue())]
    r, g, b = (((c + 0.055) / 1.055) ** 2.4 if c > 0.04 else c / 12.92 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
