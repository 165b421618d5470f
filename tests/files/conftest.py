"""napari's own reader, without a window."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from napari.components import ViewerModel
from napari.layers import Labels
from npe2 import PluginManager, PluginManifest


@pytest.fixture
def open_in_napari() -> Iterator[Callable[[Path], Labels]]:
    """Open a file as labels with the reader that is part of napari."""
    manager = PluginManager.instance()
    known = "napari" in manager
    if not known:
        manager.register(PluginManifest.from_distribution("napari"))

    def read(path: Path) -> Labels:
        viewer = ViewerModel()
        (layer,) = viewer.open(path, plugin="napari", layer_type="labels")
        return layer

    yield read
    if not known:
        manager.unregister("napari")
