"""Leave a viewer as a user does, before napari's fixture looks for what is left of it.

A job in the background knows the viewer for as long as it runs; under load that may be
longer than the test.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from napari_sam21._qt.widget import SamWidget

SHARED = ("sam21-store",)
"""Threads of the process, which know no viewer."""


def leave(qtbot: Any, docks: Iterable[tuple[Any, SamWidget]]) -> None:
    """Close the docks of viewers that are still open, and let their jobs end."""
    for viewer, widget in docks:
        if widget.controller is None or widget.parent() is None:
            continue
        if widget.isVisible():
            viewer.window.remove_dock_widget(widget)
            qtbot.waitUntil(lambda w=widget: w.controller is None, timeout=20_000)
        else:  # what was never on show is not told that it is hidden
            widget.controller.close()
            widget.controller = None
            widget._embeddings.leave()
    qtbot.waitUntil(lambda: not at_work(), timeout=30_000)


def at_work() -> list[str]:
    """Names of our threads that still live."""
    names = [thread.name for thread in threading.enumerate()]
    return [n for n in names if n.startswith("sam21-") and not n.startswith(SHARED)]
