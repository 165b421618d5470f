"""The row "Model sees", by keys and mouse."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QPushButton

from napari_sam21.core.preprocess import prepare
from napari_sam21.layers.look import COMPOSITE, MODES, SHOWN, STRETCHED


def on_channels(open_dock: Any, **options: Any) -> SimpleNamespace:
    """A dock on three layers; no fixture, which would outlive the viewer."""
    picture = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
    planes = [picture[..., i].copy() for i in range(3)]
    opened = open_dock(*planes, contrast_limits=(0, 255), **options)
    names = ("nuclei", "membrane", "actin")
    for layer, name, colour in zip(
        opened.images, names, ("blue", "green", "gray"), strict=True
    ):
        layer.name, layer.colormap = name, colour
    opened.controller.set_image(opened.images[0])
    opened.text()
    return opened


def mode_list(dock: SimpleNamespace) -> QComboBox:
    return dock.widget._look._mode.native


def channel_lists(dock: SimpleNamespace) -> list[QComboBox]:
    return [combo.native for combo in dock.widget._look._channels]


def pick(qtbot: Any, combo: QComboBox, row: int) -> None:
    """Open a list with the mouse, and go to one of its rows by keys."""
    qtbot.mouseClick(combo, Qt.MouseButton.LeftButton)
    rows = combo.view()
    qtbot.waitUntil(rows.isVisible)
    qtbot.keyClick(rows, Qt.Key.Key_Home)
    for _ in range(row):
        qtbot.keyClick(rows, Qt.Key.Key_Down)
    qtbot.keyClick(rows, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not rows.isVisible())


def test_a_composite_by_mouse_and_keys(open_dock, qtbot) -> None:
    dock = on_channels(open_dock, show=True)
    assert mode_list(dock).currentText() == "As shown"
    assert not any(combo.isVisibleTo(dock.widget) for combo in channel_lists(dock))
    pick(qtbot, mode_list(dock), list(MODES).index(COMPOSITE))
    dock.text()
    lists = channel_lists(dock)
    assert all(combo.isVisible() for combo in lists)
    assert [each.currentText() for each in lists] == ["actin", "membrane", "nuclei"]
    pick(qtbot, lists[0], 0)
    assert lists[0].currentText() == "–"
    sight = dock.controller.editor.sight
    nuclei, membrane, _ = dock.images
    assert sight.channels == (None, membrane, nuclei)
    dock.hands.look_at_all()
    qtbot.mouseClick(
        next(b for b in dock.widget.findChildren(QPushButton) if "Start" in b.text()),
        Qt.MouseButton.LeftButton,
    )
    dock.hands.click((30, 40))
    dock.answered()
    seen = np.stack([np.zeros_like(nuclei.data), membrane.data, nuclei.data], axis=-1)
    key = dock.controller.editor.draft().answer.key
    assert key.endswith(prepare(seen).digest)


def test_modes_by_keys(open_dock, qtbot) -> None:
    dock = on_channels(open_dock)
    combo = mode_list(dock)
    qtbot.keyClick(combo, Qt.Key.Key_Down)
    assert dock.controller.editor.sight.mode == STRETCHED
    qtbot.keyClick(combo, Qt.Key.Key_C)
    assert dock.controller.editor.sight.mode == COMPOSITE
    qtbot.keyClick(combo, Qt.Key.Key_Home)
    assert dock.controller.editor.sight.mode == SHOWN
    dock.text()
    assert not any(each.isVisibleTo(dock.widget) for each in channel_lists(dock))
    dock.ready()


def test_rgb_layers_are_not_offered_and_others_that_do_not_fit_are_refused(
    open_dock, qtbot
) -> None:
    dock = on_channels(open_dock)
    dock.viewer.add_image(np.zeros((60, 80, 3), np.uint8), name="photo", rgb=True)
    dock.viewer.add_image(np.zeros((5, 5)), name="small")
    dock.controller.set_image(dock.images[0])
    dock.controller.set_look(COMPOSITE)
    dock.text()
    red = channel_lists(dock)[0]
    offered = [red.itemText(i) for i in range(red.count())]
    assert offered == ["–", "nuclei", "membrane", "actin", "small"]
    qtbot.keyClick(red, Qt.Key.Key_End)
    assert "'small' has shape (5, 5)" in dock.text()
    assert red.currentText() == "actin", "as it was"


def test_the_rows_follow_layers_and_images(open_dock) -> None:
    dock = on_channels(open_dock)
    dock.controller.set_look(COMPOSITE)
    dock.images[2].name = "tubulin"
    dock.text()
    assert channel_lists(dock)[0].currentText() == "tubulin"
    dock.viewer.layers.remove("tubulin")
    assert "'tubulin', a channel of the composite, was removed" in dock.text()
    assert mode_list(dock).currentText() == "As shown"
    assert not channel_lists(dock)[0].isVisibleTo(dock.widget)
    dock.viewer.layers.clear()
    dock.text()
    assert not mode_list(dock).isEnabled()
    dock.controller.set_look(COMPOSITE)
    assert "Open or select an image" in dock.text()


def test_a_lonely_image_says_why_there_is_no_composite(open_dock, qtbot) -> None:
    dock = open_dock(np.zeros((60, 80)))
    dock.ready()
    combo = mode_list(dock)
    qtbot.keyClick(combo, Qt.Key.Key_C)
    assert "no other grey image layer" in dock.text()
    assert combo.currentText() == "As shown"
