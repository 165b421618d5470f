"""Questions as windows of Qt, which do not stop the program meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QFileDialog, QMessageBox, QPushButton, QWidget

from napari_sam21.control.questions import Question


def ask(question: Question, answered: Callable[[str | None], None]) -> QMessageBox:
    """Show a question over the active window.

    Parameters
    ----------
    question : Question
    answered : callable
        Gets the answer's key, or None if the user wants none of them.
    """
    box = QMessageBox(_window())
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setWindowTitle(question.title)
    box.setText(question.text)
    box.setTextFormat(Qt.TextFormat.PlainText)
    keys: dict[QPushButton | None, str] = {}
    for key, text in question.answers.items():
        keys[box.addButton(text, QMessageBox.ButtonRole.AcceptRole)] = key
    box.addButton(QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(next(iter(keys)))
    box.finished.connect(
        lambda _: answered(
            next((k for b, k in keys.items() if b is box.clickedButton()), None)
        )
    )
    box.open()
    return box


def ask_place(
    title: str, suggested: Path, kinds: str, chosen: Callable[[Path | None], None]
) -> QFileDialog:
    """Ask for the name of a file to write.

    Parameters
    ----------
    title : str
    suggested : pathlib.Path
    kinds : str
        Such as ``"OME-TIFF (*.ome.tif);;OME-Zarr (*.ome.zarr)"``.
    chosen : callable
        Gets the file, or None.
    """
    box = QFileDialog(_window(), title, str(suggested.parent), kinds)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    box.selectFile(suggested.name)

    def finished(accepted: int) -> None:
        found = box.selectedFiles() if accepted else []
        chosen(_with_suffix(found[0], box.selectedNameFilter()) if found else None)

    box.finished.connect(finished)
    box.open()
    return box


def _window() -> QWidget | None:
    return QApplication.activeWindow()


def _with_suffix(path: str, kind: str) -> Path:
    """Add the suffix of the chosen kind, ``Name (*.suffix)``, to a name without it."""
    suffix = kind.partition("(*")[2].partition(")")[0].split(" ")[0]
    return Path(path if Path(path).suffix or not suffix else path + suffix)
