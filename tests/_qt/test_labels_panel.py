"""Questions in windows, and the rows of the labels, with a user's hands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QFileDialog, QLineEdit, QMessageBox

from napari_sam21._qt.questions import ask, ask_place
from napari_sam21.control.questions import Question
from napari_sam21.layers import pyramid
from napari_sam21.layers.saving import open_labels

QUESTION = Question("Title", "What?", {"one": "The first", "two": "The other"})


def press(box: QMessageBox, text: str) -> None:
    button = next(each for each in box.buttons() if each.text() == text)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


@pytest.mark.parametrize(("text", "key"), [("The first", "one"), ("The other", "two")])
def test_the_answer_comes_later(qtbot: Any, text: str, key: str) -> None:
    answers: list[str | None] = []
    box = ask(QUESTION, answers.append)
    assert answers == [], "the program goes on meanwhile"
    press(box, text)
    qtbot.waitUntil(lambda: answers == [key])


def test_escape_is_none_of_them(qtbot: Any) -> None:
    answers: list[str | None] = []
    box = ask(QUESTION, answers.append)
    QTest.keyClick(box, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: answers == [None])


def test_enter_is_the_first(qtbot: Any) -> None:
    answers: list[str | None] = []
    box = ask(QUESTION, answers.append)
    QTest.keyClick(box, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: answers == ["one"])


@pytest.mark.parametrize(
    ("typed", "kind", "expected"),
    [
        ("mine", "Zarr (*.ome.zarr)", "mine.ome.zarr"),
        ("mine.tif", "TIFF (*.ome.tif)", "mine.tif"),
    ],
)
def test_a_place_has_the_suffix_of_its_kind(
    qtbot: Any, tmp_path: Path, typed: str, kind: str, expected: str
) -> None:
    found: list[Path | None] = []
    box = ask_place("Where?", tmp_path / "suggested.ome.tif", kind, found.append)
    box.selectFile(typed)
    box.done(QFileDialog.DialogCode.Accepted)
    qtbot.waitUntil(lambda: found == [tmp_path / expected])


def test_no_place(qtbot: Any, tmp_path: Path) -> None:
    found: list[Path | None] = []
    ask_place("Where?", tmp_path / "a.tif", "TIFF (*.tif)", found.append).reject()
    qtbot.waitUntil(lambda: found == [None])


def dialogs(kind: type) -> list[Any]:
    return [w for w in QApplication.topLevelWidgets() if isinstance(w, kind)]


def test_large_labels_from_click_to_file(
    open_dock, image, qtbot, monkeypatch, tmp_path
) -> None:
    monkeypatch.setattr(pyramid, "TEXTURE_LIMIT", 150)
    monkeypatch.setattr(pyramid, "COARSEST", 50)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    d = open_dock(image, show=True)
    d.ready()
    d.hands.look_at_all()
    save = d.widget._output._save
    assert not save.isEnabled()
    d.hands.click((40, 50))
    d.answered()
    d.hands.press(Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: dialogs(QMessageBox) != [])
    press(dialogs(QMessageBox)[0], "Make the labels")
    qtbot.waitUntil(lambda: d.controller.target.labels is not None)
    labels = d.controller.target.labels
    qtbot.waitUntil(lambda: labels.data[0][40, 50] == 1)
    qtbot.waitUntil(save.isEnabled)
    QTest.mouseClick(save, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: dialogs(QFileDialog) != [])
    box = dialogs(QFileDialog)[0]
    assert "image labels.ome.tif" in [e.text() for e in box.findChildren(QLineEdit)]
    box.done(QFileDialog.DialogCode.Accepted)
    qtbot.waitUntil(lambda: "is saved" in d.text(), timeout=20_000)
    found = open_labels(tmp_path / "image labels.ome.tif")
    for ours, theirs in zip(labels.data, found.data, strict=True):
        np.testing.assert_array_equal(theirs, ours)


def test_what_a_commit_does_is_chosen_in_the_dock(open_dock, image) -> None:
    d = open_dock(image)
    kind = d.widget._output.kind
    kind.value = "erase"
    assert d.controller.commits.kind == "erase"
    d.controller.commits.kind = "new"
    d.widget._show()
    assert kind.value == "new"
