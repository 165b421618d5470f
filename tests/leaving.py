"""Leave a viewer as a user does, before napari's fixture looks for what is left of it.

A job in the background knows the viewer for as long as it runs; under load that may be
longer than the test.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from qtpy.QtWidgets import QApplication

from napari_sam21._qt.widget import SamWidget

SHARED = ("sam21-store",)
"""Threads of the process, or of a row of the dock, which know no viewer."""
PATIENCE = 5.0
"""Seconds; whoever still holds a viewer then is found by napari's fixture."""


def leave(qtbot: Any, before: set[int | None]) -> None:
    """Close the docks that are still open, and let their jobs end.

    Threads that lived before are somebody else's: a viewer that is destroyed without
    being closed leaves one that waits for work.
    """
    for widget in QApplication.allWidgets():
        if isinstance(widget, SamWidget) and widget.controller is not None:
            close(qtbot, widget)
    end = time.monotonic() + PATIENCE
    while at_work() - before and time.monotonic() < end:
        qtbot.wait(10)


def close(qtbot: Any, widget: SamWidget) -> None:
    """Close a dock."""
    if widget.isVisible():
        widget._viewer.window.remove_dock_widget(widget)
        qtbot.waitUntil(lambda: widget.controller is None, timeout=20_000)
    else:  # what was never on show is not told that it is hidden
        widget.controller.close()
        widget.controller = None
        widget._embeddings.leave()


def at_work() -> set[int | None]:
    """Our threads that live."""
    ours = [t for t in threading.enumerate() if t.name.startswith("sam21-")]
    return {thread.ident for thread in ours if not thread.name.startswith(SHARED)}
