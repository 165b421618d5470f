"""The first steps are told on the canvas until there is a label, then never again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_sam21.layers.hint import FIRST_STEPS, text_overlay
from napari_sam21.models import preferences
from napari_sam21.models.home import SETTINGS_VARIABLE


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of our own, which are kept."""
    monkeypatch.setenv(SETTINGS_VARIABLE, str(tmp_path / "settings"))


def test_until_the_first_label(settings, desk, image) -> None:
    d = desk(image)
    overlay = text_overlay(d.viewer)
    assert (overlay.text, overlay.visible) == (FIRST_STEPS, True)
    d.ready()
    d.controller.commit()  # nothing to commit yet
    assert overlay.visible
    d.click(40, 50)
    assert overlay.visible
    d.commit()
    assert not overlay.visible
    assert preferences.chosen().knows_first_steps


def test_never_again(settings, desk, image) -> None:
    preferences.remember(preferences.Preferences(knows_first_steps=True))
    assert not text_overlay(desk(image).viewer).visible


def test_a_closed_dock_leaves_nothing_on_the_canvas(settings, desk, image) -> None:
    d = desk(image)
    d.controller.close()
    assert not text_overlay(d.viewer).visible
    assert not preferences.chosen().knows_first_steps


def test_without_an_image_nothing_is_told(settings, desk) -> None:
    d = desk()
    assert not text_overlay(d.viewer).visible
    d.viewer.add_image(np.zeros((60, 80)))
    d.controller.set_image(d.viewer.layers[0])
    assert text_overlay(d.viewer).visible


def test_how_masks_are_cleaned_is_remembered(settings, desk, image) -> None:
    desk(image).controller.set_cleaning(True, False)
    again = desk(image)
    assert again.controller.cleaning.largest_piece
    assert not again.controller.cleaning.fill_holes
    assert again.controller.view().cleaning == again.controller.cleaning
