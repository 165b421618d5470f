"""A user's hands on a napari window, counted: real mouse and key events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from qtpy import QtTest
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication, QWidget

from benchmarks.window import rest

PACE = 15
"""Milliseconds between two moves: vispy leaves out those that come faster."""
ZOOM = 6.0
"""Pixels of the screen for one of the image, where an object is annotated."""

LEFT = Qt.MouseButton.LeftButton
NO_KEY = Qt.KeyboardModifier.NoModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
CONTROL = Qt.KeyboardModifier.ControlModifier

QTest: Any = QtTest.QTest
World = Sequence[float]


class Hands:
    """Looks, points, clicks, drags and presses keys on the canvas.

    Attributes
    ----------
    made : int
        Gestures so far: clicks, drags, keys and buttons. Looking is none.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._canvas = viewer.window._qt_viewer.canvas
        self.made = 0

    def look_at(self, world: World, pixel: float = 1.0) -> None:
        """Bring a place to the middle, so large that a click meets its pixel.

        Parameters
        ----------
        world : sequence of float
        pixel : float
            Size of a pixel of the image.
        """
        camera = getattr(self._viewer, "scene", self._viewer).camera
        camera.center = (0.0, *(world[axis] for axis in self._viewer.dims.order[-2:]))
        camera.zoom = ZOOM / pixel
        rest(PACE)

    def point_at(self, world: World) -> None:
        """Move the mouse there, no button down."""
        rest(PACE)
        self._send_move(self._place(world), Qt.MouseButton.NoButton)
        rest(PACE)

    def click(self, world: World, modifier: Qt.KeyboardModifier = NO_KEY) -> None:
        """Press and release the left button."""
        self.made += 1
        place = self._place(world)
        QTest.mouseMove(self._canvas.native, place)
        QTest.mouseClick(self._canvas.native, LEFT, modifier, place)

    def drag(self, start: World, end: World, steps: int = 4) -> None:
        """Drag with the left button."""
        self.made += 1
        first, last = self._place(start), self._place(end)
        QTest.mouseMove(self._canvas.native, first)
        QTest.mousePress(self._canvas.native, LEFT, pos=first)
        for step in range(1, steps + 1):
            self._send_move(first + (last - first) * (step / steps), LEFT)
            rest(PACE)
        QTest.mouseRelease(self._canvas.native, LEFT, pos=last)

    def press(self, key: Qt.Key, modifier: Qt.KeyboardModifier = NO_KEY) -> None:
        """Press and release a key over the canvas."""
        self.made += 1
        QTest.keyClick(self._canvas.native, key, modifier)

    def push(self, button: QWidget) -> None:
        """Click a button of the dock, or of a window that it opened."""
        self.made += 1
        QTest.mouseClick(button, LEFT)

    def _place(self, world: World) -> QPoint:
        row, column = (world[axis] for axis in self._viewer.dims.order[-2:])
        mapped = self._canvas.view.scene.transform.map([column, row, 0, 1])
        x, y = np.asarray(mapped)[:2] / mapped[3]
        return QPoint(round(x), round(y))

    def _send_move(self, place: QPoint, button: Qt.MouseButton) -> None:
        native = self._canvas.native
        where = QPointF(place), QPointF(native.mapToGlobal(place))
        none = Qt.MouseButton.NoButton
        event = QMouseEvent(QEvent.Type.MouseMove, *where, none, button, NO_KEY)
        QApplication.sendEvent(native, event)
