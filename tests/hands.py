"""A user's hands: real mouse and key events on napari's canvas."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication


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

    def move(self, world: Sequence[float]) -> None:
        """Move the mouse over a point of the world, no button down."""
        where = self._position(world)
        event = QMouseEvent(
            QEvent.Type.MouseMove,
            QPointF(where),
            QPointF(self._canvas.native.mapToGlobal(where)),
            Qt.MouseButton.NoButton,
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
        )
        self._qtbot.wait(15)  # vispy leaves out moves that come too fast
        QApplication.sendEvent(self._canvas.native, event)

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

    def down(self, world: Sequence[float]) -> None:
        """Press the left button over a point of the world, and hold it."""
        position = self._position(world)
        QTest.mouseMove(self._canvas.native, position)
        QTest.mousePress(self._canvas.native, Qt.MouseButton.LeftButton, pos=position)

    def up(self, world: Sequence[float]) -> None:
        """Let the left button go."""
        left = Qt.MouseButton.LeftButton
        QTest.mouseRelease(self._canvas.native, left, pos=self._position(world))

    def drag(
        self,
        start: Sequence[float],
        end: Sequence[float],
        steps: int = 4,
        button: Qt.MouseButton = Qt.MouseButton.LeftButton,
        modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
    ) -> None:
        """Drag from one point of the world to another."""
        self.stroke([start, end], steps, button, modifier)

    def stroke(
        self,
        corners: Sequence[Sequence[float]],
        steps: int = 4,
        button: Qt.MouseButton = Qt.MouseButton.LeftButton,
        modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier,
    ) -> None:
        """Drag along some points of the world, with some moves between two of them."""
        places, native = [self._position(each) for each in corners], self._canvas.native
        QTest.mouseMove(native, places[0])
        QTest.mousePress(native, button, modifier, places[0])
        for first, last in pairwise(places):
            for step in range(1, steps + 1):
                where = first + (last - first) * (step / steps)
                event = QMouseEvent(
                    QEvent.Type.MouseMove,
                    QPointF(where),
                    QPointF(native.mapToGlobal(where)),
                    Qt.MouseButton.NoButton,
                    button,
                    modifier,
                )
                QApplication.sendEvent(native, event)
                self._qtbot.wait(15)  # vispy leaves out moves that come too fast
        QTest.mouseRelease(native, button, modifier, places[-1])

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
