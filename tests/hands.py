"""A user's hands: real mouse and key events on napari's canvas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest


class Hands:
    """Clicks where a point of the world is drawn, and presses keys there."""

    def __init__(self, viewer: Any, qtbot: Any) -> None:
        self._viewer = viewer
        self._qtbot = qtbot
        self._canvas = viewer.window._qt_viewer.canvas

    def look_at_all(self) -> None:
        """Fit the view, and let the canvas draw."""
        self._qtbot.wait(50)
        self._viewer.reset_view()
        self._qtbot.wait(50)

    def _position(self, world: Sequence[float]) -> QPoint:
        row, column = (world[axis] for axis in self._viewer.dims.order[-2:])
        mapped = self._canvas.view.scene.transform.map([column, row, 0, 1])
        x, y = np.asarray(mapped)[:2] / mapped[3]
        return QPoint(round(x), round(y))

    def click(
        self,
        world: Sequence[float],
        button: Qt.MouseButton = Qt.MouseButton.LeftButton,
        modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
    ) -> None:
        """Press and release a mouse button over a point of the world."""
        position = self._position(world)
        QTest.mouseMove(self._canvas.native, position)
        QTest.mouseClick(self._canvas.native, button, modifier, position)

    def shift_click(self, world: Sequence[float]) -> None:
        """Click with the Shift key down."""
        self.click(world, modifier=Qt.KeyboardModifier.ShiftModifier)

    def press(
        self,
        key: Qt.Key,
        modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
    ) -> None:
        """Press and release a key over the canvas."""
        QTest.keyClick(self._canvas.native, key, modifier)
