"""A real napari window with our dock, and ways to let its event loop run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import QEventLoop, QPoint, Qt, QTimer

TIMEOUT = 120_000
"""Milliseconds after which a wait is given up."""


@contextmanager
def annotating(
    image: np.ndarray, model: Path, **attributes: Any
) -> Iterator[tuple[Any, Any]]:
    """Open napari with an image and the dock; give the viewer and the controller."""
    import napari

    from napari_sam21._qt.widget import SamWidget

    viewer = napari.Viewer(show=True)
    viewer.window.resize(1200, 800)
    viewer.add_image(image, name="image", **attributes)
    widget: Any = SamWidget(viewer)
    viewer.window.add_dock_widget(widget, name="SAM 2.1", area="right")
    try:
        widget.controller.set_model(model)
        rest(300)
        yield viewer, widget.controller
    finally:
        widget.controller.clear()
        viewer.window.remove_dock_widget(widget)
        rest(100)
        viewer.close()
        rest(100)


def rest(milliseconds: int) -> None:
    """Let the event loop run for a while."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def wait_until(condition: Callable[[], bool]) -> None:
    """Let the event loop run until a condition holds.

    Raises
    ------
    TimeoutError
        If it never does.
    """
    loop, waited = QEventLoop(), 0
    poll = QTimer()
    poll.setTimerType(Qt.TimerType.PreciseTimer)

    def look() -> None:
        nonlocal waited
        waited += poll.interval()
        if condition() or waited > TIMEOUT:
            loop.quit()

    poll.timeout.connect(look)
    poll.start(5)
    loop.exec()
    poll.stop()
    if not condition():
        raise TimeoutError(f"waited {TIMEOUT / 1e3:.0f} s for {condition.__name__}")


def canvas_of(viewer: Any) -> Any:
    """Return the Qt widget that the canvas is painted on."""
    return viewer.window._qt_viewer.canvas.native


def place_of(viewer: Any, row: float, column: float) -> QPoint:
    """Return where on the canvas a point of the world is drawn."""
    scene = viewer.window._qt_viewer.canvas.view.scene
    x, y, _, w = scene.transform.map([column, row, 0, 1])
    return QPoint(round(x / w), round(y / w))


def frame_of(viewer: Any) -> Any:
    """Return the Qt widget of the whole window."""
    return viewer.window._qt_window
