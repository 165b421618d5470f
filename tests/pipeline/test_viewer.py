"""The last step of ./dev pipeline: a model that was just imported, in a real viewer.

Not collected with the suite, but named by that step. The commands before it write a
checkpoint, convert it, and import it as the name that ``NAPARI_SAM21_PIPELINE`` holds;
this test looks for it where they put it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hands import Hands

from napari_sam21 import samples
from napari_sam21._qt.widget import SamWidget
from napari_sam21.models import home

NAME, FOLDER = "NAPARI_SAM21_PIPELINE", "NAPARI_SAM21_PIPELINE_HOME"


@pytest.fixture
def name(places: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The imported model, in the home of the commands and not in the test's own."""
    monkeypatch.setenv(home.HOME_VARIABLE, os.environ[FOLDER])
    return os.environ[NAME]


def test_the_converted_model_answers_a_click(
    name: str, make_napari_viewer: Any, qtbot: Any
) -> None:
    viewer = make_napari_viewer()
    image = samples.read_image("fluorescence")
    layer = viewer.add_image(image)
    widget = SamWidget(viewer)
    viewer.window.add_dock_widget(widget)
    widget._model.combo.value = name
    controller = widget.controller
    assert controller.inference.model_name == name
    hands = Hands(viewer, qtbot)
    hands.look_at_all()
    middle = [size // 2 for size in image.shape[:2]]
    hands.click(layer.data_to_world(middle))
    qtbot.waitUntil(lambda: controller.view().can_commit, timeout=60_000)
    answer = controller.editor.draft().answer
    assert answer.logits.shape == (3, 256, 256)
    assert np.isfinite(answer.logits).all()
    fullest = int(np.argmax([answer.mask(i).sum() for i in range(3)]))
    assert answer.mask(fullest).any(), "seeded masks mean nothing, but are not empty"
    controller.choose(fullest)
    controller.commit()
    assert (controller.target.labels.data == 1).sum() == answer.mask(fullest).sum()
