"""The model list in the dock, in a real window."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graphs import write_model
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication, QFileDialog, QMessageBox, QWidget

from napari_sam21.models.imports import import_model
from napari_sam21.models.last import last_model


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """Press a button of the next question; gives what the question said."""

    def press(text: str) -> list[str]:
        said: list[str] = []

        def when_open() -> None:
            box: Any = QApplication.activeModalWidget()
            if box is None:
                QTimer.singleShot(20, when_open)
                return
            said.extend([box.text(), box.informativeText(), box.detailedText()])
            found = [b for b in box.buttons() if text in b.text().replace("&", "")]
            found[0].click()

        QTimer.singleShot(20, when_open)
        return said

    return press


def picker(dock: Any) -> Any:
    return dock.widget._model


def listed(dock: Any) -> list[str]:
    combo = picker(dock).combo.native
    return [combo.itemText(i) for i in range(combo.count())]


def pick(dock: Any, name: str) -> None:
    picker(dock).combo.value = name


def used(dock: Any, qtbot: Any, name: str) -> None:
    qtbot.waitUntil(
        lambda: dock.controller.inference.model_name == name, timeout=20_000
    )


def test_the_list_says_what_would_be_fetched(open_dock: Any) -> None:
    dock = open_dock(np.zeros((60, 80)))
    assert listed(dock)[:2] == ["Starter (not SAM)", "SAM 2.1 tiny · fetch 137 MB"]


def test_it_asks_and_a_no_changes_nothing(
    open_dock: Any, answer: Any, published: Path
) -> None:
    published.unlink()  # a request would fail
    dock = open_dock(np.zeros((60, 80)))
    pick(dock, "starter")
    said = answer("Cancel")
    pick(dock, "published")
    dock.text()
    assert "Fetch it," in said[0]
    assert "CC0-1.0" in said[1]
    assert "127.0.0.1" in said[1]
    assert "published.dtmodel" in said[2]
    assert dock.controller.inference.model_name == "starter"
    assert picker(dock).combo.value == "starter"
    assert dock.controller.shelf.coming is None


def test_a_fetched_model_answers_the_points_that_are_there(
    open_dock: Any, answer: Any, published: Path, qtbot: Any
) -> None:
    dock = open_dock(np.zeros((100, 100), np.uint8))
    pick(dock, "starter")
    dock.hands.look_at_all()
    dock.hands.click((50, 50))
    dock.answered()
    before = dock.controller.view().scores
    answer("Fetch")
    pick(dock, "published")
    used(dock, qtbot, "published")
    dock.answered()
    assert len(dock.controller.editor.marks) == 1
    assert before != dock.controller.view().scores
    assert dock.controller.view().scores == pytest.approx((0.6, 0.9, 0.7))
    dock.text()
    assert picker(dock).combo.value == "published"
    assert "Published" in listed(dock)
    assert last_model() == "published"


def test_a_fetch_can_be_stopped_while_one_clicks_on(
    open_dock: Any, answer: Any, published: Path, qtbot: Any, monkeypatch: Any
) -> None:
    go_on = threading.Event()
    real = QWidget.isVisible  # the bar is asked whether it is on show

    def held(*arguments: Any, **options: Any) -> Any:
        options["progress"]("Fetching", 1_000_000, 4_000_000)
        go_on.wait(10)
        options["cancel"].raise_if_wished()
        raise AssertionError("it was not stopped")

    monkeypatch.setattr("napari_sam21.shelf.fetch_model", held)
    dock = open_dock(np.zeros((100, 100), np.uint8), show=True)
    pick(dock, "starter")
    answer("Fetch")
    pick(dock, "published")
    qtbot.waitUntil(lambda: "1 MB of 4 MB" in picker(dock)._bar.text(), timeout=5000)
    assert real(picker(dock)._bar)
    dock.hands.look_at_all()
    dock.hands.click((50, 50))
    dock.answered()
    picker(dock)._stop.click()
    go_on.set()
    dock.text()
    assert not real(picker(dock)._bar)
    assert dock.controller.view().can_commit


def test_files_are_imported_and_asked(
    open_dock: Any, qtbot: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    folder = write_model(tmp_path / "cells")
    names = [str(folder / f"{part}.onnx") for part in ("encoder", "decoder")]
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: (names, ""))
    dock = open_dock(np.zeros((60, 80)))
    picker(dock)._import_files()
    used(dock, qtbot, "cells")
    dock.text()
    assert "cells" in listed(dock)


def test_a_bad_file_is_said_in_the_dock(
    open_dock: Any, qtbot: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    path = tmp_path / "bad.zip"
    path.write_bytes(b"no archive")
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(path)], ""))
    dock = open_dock(np.zeros((60, 80)))
    picker(dock)._import_files()
    qtbot.waitUntil(lambda: "bad.zip is not a readable archive" in dock.text())


def test_a_broken_model_of_ones_own_is_said(
    open_dock: Any, answer: Any, tiny_folder: Path, places: Path
) -> None:
    import_model(tiny_folder, name="mine")
    (places / "data" / "models" / "mine" / "decoder.onnx").write_bytes(b"")
    dock = open_dock(np.zeros((60, 80)))
    assert "mine · broken" in listed(dock)
    said = answer("OK")
    pick(dock, "mine")
    assert "import" in said[0]
    assert dock.controller.inference.model_name != "mine"


def test_about_names_licence_and_limitations(
    open_dock: Any, answer: Any, tiny_folder: Path
) -> None:
    dock = open_dock(np.zeros((60, 80)))
    pick(dock, "starter")
    dock.text()
    said = answer("OK")
    picker(dock)._about()
    assert "BSD-3-Clause" in said[0]
    assert "Known limitations" in said[0]
    assert not picker(dock)._deletion.isEnabled()


def test_deleting_asks(
    open_dock: Any, tiny_folder: Path, monkeypatch: Any, qtbot: Any
) -> None:
    import_model(tiny_folder, name="mine")
    dock = open_dock(np.zeros((60, 80)))
    pick(dock, "mine")
    dock.text()
    replies = [QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes]
    monkeypatch.setattr(QMessageBox, "question", lambda *_: replies.pop(0))
    picker(dock)._delete()
    assert dock.controller.inference.model_name == "mine"
    picker(dock)._delete()
    dock.text()
    assert dock.controller.inference.model_name == "starter"
    assert "mine" not in listed(dock)
