"""The row of embeddings in a real dock."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QInputDialog, QMessageBox, QPushButton

from napari_sam21._qt.ahead_dialog import AheadDialog
from napari_sam21._qt.embeddings_row import EmbeddingsRow
from napari_sam21.bulk import bulk_of
from napari_sam21.models import keeping
from napari_sam21.models.keeping import shared_store

STACK = np.random.default_rng(1).integers(90, 3000, (6, 60, 80), np.uint16)


@pytest.fixture
def dock(open_dock, qtbot):
    """A dock with a stack, and its row."""
    dock = open_dock(STACK)
    dock.ready()
    dock.row = dock.widget.findChild(EmbeddingsRow)
    dock.row.follow()
    qtbot.waitUntil(lambda: "Disk: 0.0 of " in dock.row.kept.text())
    return dock


def trigger(dock, text: str) -> None:
    """Open the menu, and take an entry."""
    menu = dock.row._more.menu()
    menu.aboutToShow.emit()
    next(each for each in menu.actions() if text in each.text()).trigger()


def ask(dock) -> AheadDialog:
    """Press the button; return the dialog that opens."""
    next(b for b in dock.row.findChildren(QPushButton) if b.text() == "Ahead…").click()
    return dock.row.findChildren(AheadDialog)[-1]


def press(dialog: AheadDialog, text: str) -> None:
    """Press a button of the dialog."""
    next(b for b in dialog.findChildren(QPushButton) if text in b.text()).click()


def test_a_stack_is_embedded_ahead_by_two_clicks(dock, qtbot, encodes) -> None:
    dialog = ask(dock)
    assert dialog.slices.currentText() == "All 6 slices of axis 0"
    assert dialog.regions.currentText() == "The whole plane"
    assert dialog.words.text().startswith("6 embeddings, 101 MB. What is there already")
    press(dialog, "Embed")
    precompute = dock.controller.precompute
    qtbot.waitUntil(lambda: "Embedding ahead:" in dock.row.progress.text())
    assert not dock.row.progress.isHidden()
    assert dock.widget._cancel.isHidden(), "nobody waits for it"
    qtbot.waitUntil(lambda: not precompute.running, timeout=20_000)
    assert "6 of 6 embeddings are ready" in dock.text()
    assert dock.row.progress.isHidden()
    assert len(encodes) == 5
    dock.viewer.dims.set_point(0, 5)
    dock.hands.look_at_all()
    dock.hands.click((5, 30, 40))
    dock.answered()
    assert len(encodes) == 5


def test_it_can_be_stopped(dock, qtbot) -> None:
    press(ask(dock), "Embed")
    dock.row._cancel.click()
    assert not dock.controller.precompute.running
    assert "Stopped." in dock.text()


def test_nothing_is_done_without_a_yes(dock) -> None:
    press(ask(dock), "Cancel")
    assert not dock.controller.precompute.running


def test_a_plan_that_does_not_fit_is_said_before(dock) -> None:
    keeping.remember(keeping.Keeping(budget=60_000_000))
    shared_store().use_disk(keeping.disk_store())
    dialog = ask(dock)
    assert "There is room for 3: those nearest to the slice" in dialog.words.text()
    press(dialog, "Cancel")


def test_one_slice_and_all_of_its_regions(open_dock, qtbot) -> None:
    dock = open_dock(np.zeros((2, 600, 600), np.uint8))
    dock.ready()
    dock.row = dock.widget.findChild(EmbeddingsRow)
    editor = dock.controller.editor
    editor.image.corner_pixels = np.array([[0, 140, 140], [0, 370, 370]])
    dialog = ask(dock)
    texts = [dialog.regions.itemText(i) for i in range(dialog.regions.count())]
    assert texts == [
        "The region on show (256 px)", "The whole plane", "All 16 regions of 256 px",
    ]  # fmt: skip
    dialog.slices.setCurrentIndex(1)
    assert dialog.slices.currentText() == "This slice only"
    dialog.regions.setCurrentIndex(2)
    assert dialog.words.text().startswith("16 embeddings, 268 MB.")
    press(dialog, "Cancel")


def test_the_disk_is_switched_off_and_on(dock) -> None:
    assert dock.row._on_disk.isCheckable()
    trigger(dock, "Keep on disk")
    assert shared_store().disk is None
    assert dock.row.kept.text() == "In memory only"
    assert not keeping.chosen().on_disk
    trigger(dock, "Keep on disk")
    assert shared_store().disk is not None


def test_the_environment_wins_and_is_said(dock, monkeypatch) -> None:
    monkeypatch.setenv("NAPARI_SAM21_CACHE", "off")
    dock.row._more.menu().aboutToShow.emit()
    action = dock.row._on_disk
    assert action.text() == "Keep on disk (NAPARI_SAM21_CACHE is set to off)"
    assert not action.isEnabled()
    assert not dock.row._folder.isEnabled()


def test_neighbours_are_switched_off_and_stay_so(dock, open_dock) -> None:
    trigger(dock, "Embed neighbours at rest")
    assert not dock.controller.ahead.enabled
    again = open_dock(STACK)
    again.text()
    assert not again.controller.ahead.enabled


def test_another_folder_and_more_room(dock, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    trigger(dock, "Choose folder")
    assert shared_store().disk.folder == tmp_path / "embeddings"
    monkeypatch.setattr(QInputDialog, "getDouble", lambda *_: (2.5, True))
    trigger(dock, "Room on disk")
    assert shared_store().disk.budget == 2_500_000_000


def test_deleting_all_asks(dock, qtbot, monkeypatch) -> None:
    shared_store().flush()
    folder = keeping.embeddings_folder()
    assert list(folder.iterdir())
    buttons = QMessageBox.StandardButton
    answers = iter((buttons.No, buttons.Yes))
    monkeypatch.setattr(QMessageBox, "question", lambda *_: next(answers))
    trigger(dock, "Delete all")
    qtbot.wait(50)
    assert list(folder.iterdir())
    trigger(dock, "Delete all")
    qtbot.waitUntil(lambda: not folder.exists())


def test_a_file_that_the_command_line_embedded(
    open_dock, qtbot, tmp_path, tiny_folder, encodes
) -> None:
    """Opened by napari's own reader, its first click needs no encode."""
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, STACK, compression="zlib")
    bulk_of(path, model=str(tiny_folder)).run(lambda _: None)
    assert len(encodes) == 6
    dock = open_dock()
    dock.viewer.open(path, plugin="napari")
    for index in (0, 3, 5):
        dock.viewer.dims.set_point(0, index)
        dock.hands.look_at_all()
        dock.hands.click((index, 30, 40))
        dock.answered()
    assert len(encodes) == 6


def test_the_row_is_narrow(dock) -> None:
    dock.text()
    assert dock.row.minimumSizeHint().width() < 220
    assert dock.row._ahead.focusPolicy() == Qt.FocusPolicy.TabFocus
