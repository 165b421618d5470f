"""A real viewer with the dock in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hands import Hands
from leaving import at_work, leave

from napari_sam21._qt.widget import SamWidget


@pytest.fixture
def open_dock(
    make_napari_viewer: Callable[..., Any], qtbot: Any, tiny_folder: Path
) -> Iterator[Callable[..., SimpleNamespace]]:
    """Open a viewer and the dock, which asks the tiny model."""
    before = at_work()

    def open_dock(*images: Any, show: bool = False, **options: Any) -> SimpleNamespace:
        viewer = make_napari_viewer(show=show)
        widget = SamWidget(viewer)
        viewer.window.add_dock_widget(widget, name="SAM 2.1")
        widget.controller.set_model(tiny_folder)
        layers = [viewer.add_image(image, **options) for image in images]
        return SimpleNamespace(
            viewer=viewer,
            widget=widget,
            controller=widget.controller,
            images=layers,
            hands=Hands(viewer, qtbot),
            answered=lambda: (
                qtbot.waitUntil(
                    lambda: widget.controller.view().can_commit, timeout=20_000
                ),
                qtbot.wait(20),
            ),
            text=lambda: (qtbot.wait(20), widget._status.text())[1],
            ready=lambda: qtbot.waitUntil(
                lambda: widget.controller.editor.is_ready(), timeout=20_000
            ),
        )

    yield open_dock
    leave(qtbot, before)
