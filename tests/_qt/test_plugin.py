"""The plugin as a researcher meets it: sample, menu, starter model, label."""

from __future__ import annotations

import numpy as np
import pytest
from hands import Hands
from scipy import ndimage


@pytest.mark.parametrize("sample", ["fluorescence", "histology", "brightfield"])
def test_first_minute(make_napari_viewer, qtbot, sample) -> None:
    viewer = make_napari_viewer()
    viewer.open_sample("napari-sam21", sample)
    truth = viewer.layers[1].data.copy()
    _, widget = viewer.window.add_plugin_dock_widget("napari-sam21")
    controller = widget.controller
    assert controller.image == viewer.layers[0]
    qtbot.waitUntil(lambda: controller.editor.is_ready(), timeout=20_000)

    sizes = np.bincount(truth.ravel())
    largest = int(sizes[1:].argmax()) + 1
    depth = ndimage.distance_transform_edt(np.pad(truth == largest, 1))[1:-1, 1:-1]
    position = np.unravel_index(depth.argmax(), depth.shape)
    hands = Hands(viewer, qtbot)
    hands.look_at_all()
    hands.click(position)
    qtbot.waitUntil(lambda: controller.view().can_commit, timeout=20_000)
    controller.commit()

    found = controller.target.labels.data == 1
    wanted = truth == largest
    overlap = np.count_nonzero(found & wanted) / np.count_nonzero(found | wanted)
    assert overlap > 0.6
    np.testing.assert_array_equal(viewer.layers[2].data, truth)
