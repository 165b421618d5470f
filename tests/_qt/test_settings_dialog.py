"""The settings, in a real window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from qtpy.QtWidgets import QDialogButtonBox, QFileDialog, QMessageBox

from napari_sam21._qt.settings_dialog import SettingsButton, SettingsDialog
from napari_sam21._qt.widget import POLICY_WORDS
from napari_sam21.models import keeping, preferences
from napari_sam21.models.keeping import shared_store
from napari_sam21.models.preferences import Preferences

IMAGE = np.random.default_rng(1).integers(0, 255, (60, 80), np.uint8)


@pytest.fixture
def ask(open_dock, qtbot):
    """Open a dock; return it, and what opens its settings."""
    dock = open_dock(IMAGE)
    dock.ready()
    button = SettingsButton(lambda: dock.widget.controller, POLICY_WORDS)
    qtbot.addWidget(button)

    def ask() -> SettingsDialog:
        button.button.click()
        return button.findChildren(SettingsDialog)[-1]

    dock.ask = ask
    return dock


def press(dialog: SettingsDialog, which: str) -> None:
    box = dialog.findChild(QDialogButtonBox)
    box.button(getattr(QDialogButtonBox.StandardButton, which)).click()


def test_settings_show_what_is_and_change_it(ask) -> None:
    controller = ask.controller
    controller.commits.policy = "overwrite"
    dialog = ask.ask()
    assert dialog.policy.currentData() == "overwrite"
    assert dialog.hover.isChecked()
    assert dialog.threads.text() == "All cores"
    dialog.policy.setCurrentIndex(dialog.policy.findData("keep"))
    dialog.hover.setChecked(False)
    dialog.ahead.setChecked(False)
    dialog.journal.setChecked(False)
    dialog.threads.setValue(2)
    press(dialog, "Ok")
    assert controller.commits.policy == "keep"
    assert not controller.hover.enabled
    assert not controller.ahead.enabled
    assert not keeping.chosen().ahead
    chosen = preferences.chosen()
    assert (chosen.hover, chosen.journal, chosen.threads) == (False, False, 2)
    ask.text()
    assert not ask.widget._hover.isChecked(), "the dock follows"


def test_nothing_changes_before_ok(ask) -> None:
    dialog = ask.ask()
    dialog.hover.setChecked(False)
    dialog.room.setValue(9)
    press(dialog, "Cancel")
    assert ask.controller.hover.enabled
    assert keeping.chosen().budget is None
    press(ask.ask(), "Ok")
    assert keeping.chosen() == keeping.Keeping(), "what was left alone is as at first"


def test_embeddings_go_elsewhere(ask, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    dialog = ask.ask()
    dialog.folder.click()
    dialog.room.setValue(2.5)
    press(dialog, "Ok")
    assert shared_store().disk.folder == tmp_path / "embeddings"
    assert keeping.chosen().budget == 2_500_000_000
    dialog = ask.ask()
    assert tmp_path.name in dialog.folder.text()
    dialog.on_disk.setChecked(False)
    press(dialog, "Ok")
    assert shared_store().disk is None


def test_a_folder_that_will_not_do_is_told(ask, tmp_path, monkeypatch) -> None:
    said = []
    monkeypatch.setattr(QMessageBox, "warning", lambda *text: said.append(text[-1]))
    nowhere = str(tmp_path / "nowhere")
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: nowhere)
    dialog = ask.ask()
    dialog.folder.click()
    press(dialog, "Ok")
    assert "no folder that you may write to" in said[0]
    assert dialog.isVisible(), "there is something to mend"


def test_defaults_come_back(ask) -> None:
    preferences.remember(Preferences(threads=5))
    keeping.remember(keeping.Keeping(folder=str(Path.home()), budget=10**10))
    dialog = ask.ask()
    assert dialog.room.value() == 10
    press(dialog, "RestoreDefaults")
    press(dialog, "Ok")
    assert keeping.chosen().folder == ""
    assert preferences.chosen().threads == 0


def test_what_the_environment_says_is_fixed(ask, monkeypatch) -> None:
    monkeypatch.setenv("NAPARI_SAM21_CACHE", "off")
    monkeypatch.setenv("NAPARI_SAM21_SESSIONS", "off")
    monkeypatch.setenv("NAPARI_SAM21_SETTINGS", "off")
    dialog = ask.ask()
    for field in (dialog.on_disk, dialog.folder, dialog.journal):
        assert not field.isEnabled()
    for name in ("CACHE", "SESSIONS", "SETTINGS"):
        assert f"NAPARI_SAM21_{name}" in dialog.words.text()
