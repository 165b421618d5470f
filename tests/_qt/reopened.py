"""A process that opens and closes the dock in a window that paints; argument: a model.

Software OpenGL crashed here. Say "reopened" if it did not.
"""

from __future__ import annotations

import os
import sys

import napari
import numpy as np
from qtpy.QtTest import QTest

from napari_sam21._qt.widget import SamWidget

TIMES = 3
WAIT = 400
"""Milliseconds, for frames to be painted."""


def reach(layers: int) -> None:
    """Wait for a number of layers, and for what is painted then."""
    for _ in range(400):
        if len(viewer.layers) == layers:
            break
        QTest.qWait(50)
    assert len(viewer.layers) == layers, viewer.layers
    QTest.qWait(WAIT)


viewer = napari.Viewer(show=True)
viewer.add_image(np.zeros((200, 300), np.uint8))
QTest.qWait(WAIT)
for _ in range(TIMES):
    widget = SamWidget(viewer)
    widget.controller.set_model(sys.argv[1])
    viewer.window.add_dock_widget(widget)
    reach(3)
    viewer.window.remove_dock_widget(widget)
    reach(1)
print("reopened", flush=True)
os._exit(0)  # the end of napari is not what this is about
