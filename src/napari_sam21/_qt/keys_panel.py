"""All keys in a window that can stay open beside the image."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDialog, QLabel, QVBoxLayout, QWidget

from napari_sam21.control.keys import GROUPS, KEYS

TITLE = "Keys of napari-sam21"
MOUSE = (
    ("Click", "A point on the object"),
    ("Shift+click, right-click", "A point that is not on it"),
    ("Space and drag", "Move the view"),
    ("Tab", "Go through the dock's controls"),
)
WHERE = (
    "They work while <i>SAM prompts</i> or <i>SAM preview</i> is the selected layer "
    "and the canvas has the keyboard."
)


class KeysPanel(QDialog):
    """What each key does.

    Parameters
    ----------
    parent : QWidget
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(TITLE)
        text = QLabel(in_words())
        text.setTextFormat(Qt.TextFormat.RichText)
        text.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.addWidget(text)


def in_words() -> str:
    """Return a table of all keys, as rich text."""
    tables = [_table("Mouse and canvas", MOUSE)]
    for group in GROUPS:
        mine = [key for key in KEYS if key.group == group]
        rows = [
            (", ".join(key.shown for key in same), what)
            for what, same in groupby(mine, lambda key: key.what)
        ]
        tables.append(_table(group, rows))
    return "".join(tables) + f"<p>{WHERE}</p>"


def _table(title: str, rows: Sequence[tuple[str, str]]) -> str:
    lines = "".join(
        f"<tr><td><b>{keys}</b>&nbsp;&nbsp;</td><td>{what}</td></tr>"
        for keys, what in rows
    )
    return f"<h4>{title}</h4><table>{lines}</table>"
