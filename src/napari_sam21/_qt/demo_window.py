"""The demonstration in napari: the sample, what was found, and the dock."""

from __future__ import annotations

import napari
import numpy as np
import numpy.typing as npt
from qtpy.QtWidgets import QApplication

from napari_sam21 import samples

SIZE = (1200, 800)
"""Width and height that show the dock, the layers and the image at once."""


def open_window(sample: str, found: npt.NDArray[np.uint16]) -> None:
    """Open a viewer and return; `napari.run` lets people use it.

    Parameters
    ----------
    sample : str
        A key of `samples.SAMPLES`.
    found : array of uint16, shape (H, W)
        Labels to show over the image.
    """
    viewer = napari.Viewer()
    viewer.window.resize(*SIZE)
    image, _ = (
        viewer.add_layer(napari.layers.Layer.create(*layer))
        for layer in samples.layers(sample)
    )
    viewer.add_labels(found, name="found by the demo")
    viewer.layers.selection.active = image
    viewer.window.add_plugin_dock_widget("napari-sam21")
    # The canvas has its size only now that the dock took its share of the window.
    QApplication.processEvents()
    viewer.reset_view()
