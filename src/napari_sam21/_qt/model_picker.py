"""The model row of the dock: which one is asked, how it comes, what it is."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

from magicgui.widgets import ComboBox
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QMenu,
    QMessageBox,
    QProgressBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_sam21._qt.choices import let_shrink, plain_button
from napari_sam21.core.errors import Sam21Error
from napari_sam21.models.library import ABSENT, BROKEN, ModelState
from napari_sam21.models.offer import addresses, as_html, card, megabytes, offer
from napari_sam21.models.table import MODELS
from napari_sam21.shelf import Coming, ModelShelf

FILE_KINDS = "Models (*.dtmodel *.zip *.onnx);;All files (*)"
SUFFIX = {ABSENT: " · fetch {size}", BROKEN: " · broken"}
"""What the list says after a title."""


class ModelPicker(QWidget):
    """A list of models with their state, a menu, and a bar while one comes.

    It asks before anything is fetched.

    Parameters
    ----------
    shelf : callable
        Returns the shelf of models, or None while there is none.
    """

    def __init__(self, shelf: Callable[[], ModelShelf | None]) -> None:
        super().__init__()
        self._shelf = shelf
        self._in_use: str | Path = ""
        self._shown: object = None
        self.combo = ComboBox(choices=self._choices)
        self.combo.changed.connect(self._picked)
        let_shrink(self.combo.native)
        self._make_menu()
        self._bar = QProgressBar()
        self._bar.setRange(0, 100)
        self._stop = plain_button("Stop", "What has come is continued the next time")
        self._stop.clicked.connect(lambda: self._with_shelf(ModelShelf.cancel))
        self._lay_out()

    def _make_menu(self) -> None:
        menu = QMenu(self)
        for text, call in (
            ("About this model…", self._about),
            ("Import model files…", self._import_files),
            ("Import model folder…", self._import_folder),
        ):
            _add(menu, text, call)
        self._deletion = _add(menu, "Delete this model…", self._delete)
        self._more = QToolButton()
        self._more.setText("⋯")
        self._more.setToolTip("About this model; import one from files")
        self._more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._more.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._more.setMenu(menu)
        # The three dots say it; the arrow beside them would need room.
        self._more.setStyleSheet("QToolButton::menu-indicator { image: none; }")

    def _lay_out(self) -> None:
        choice, coming = QHBoxLayout(), QHBoxLayout()
        choice.addWidget(self.combo.native, 1)
        choice.addWidget(self._more)
        coming.addWidget(self._bar, 1)
        coming.addWidget(self._stop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(choice)
        layout.addLayout(coming)

    # --- from the state to the row -----------------------------------------------

    def follow(self, in_use: str | Path) -> None:
        """Show which model is asked, and what is on its way."""
        shelf = self._shelf()
        if shelf is None:
            return
        shown = (in_use, shelf.states(), shelf.coming)
        if shown == self._shown:
            return  # a click on the canvas changes nothing here
        self._in_use, self._shown = in_use, shown
        with self.combo.changed.blocked():
            self.combo.reset_choices()
            if in_use in self.combo.choices:
                self.combo.value = in_use
        state = self._state()
        own = state is not None and not state.built_in and state.folder is not None
        self._deletion.setEnabled(own)
        tip = "" if state is None else f"Licence of the weights: {state.licence}"
        self.combo.native.setToolTip(tip)
        self._show_coming(shelf.coming)

    def _show_coming(self, coming: Coming | None) -> None:
        self._bar.setVisible(coming is not None)
        self._stop.setVisible(coming is not None)
        if coming is None:
            return
        text = coming.step
        if coming.total:
            done, total = megabytes(coming.done), megabytes(coming.total)
            text += f" {done} of {total}"
        self._bar.setFormat(text)
        # Never a busy bar: each frame of one recomposes the window.
        self._bar.setValue(100 * coming.done // max(coming.total, 1))

    def _choices(self, _: Any) -> list[tuple[str, str | Path]]:
        shelf = self._shelf()
        states = () if shelf is None else shelf.states()
        found: list[tuple[str, str | Path]] = [(_words(s), s.name) for s in states]
        if isinstance(self._in_use, Path):  # a script asked for it
            found.append((f"{self._in_use.name} (from a path)", self._in_use))
        return found

    def _state(self) -> ModelState | None:
        """State of the model in use; None for one that was loaded from a path."""
        shelf = self._shelf()
        found = () if shelf is None else shelf.states()
        return next((each for each in found if each.name == self._in_use), None)

    # --- from the user to the shelf ----------------------------------------------

    def _with_shelf(self, call: Callable[[ModelShelf], object]) -> None:
        shelf = self._shelf()
        if shelf is not None:
            call(shelf)

    def _picked(self, name: str | Path) -> None:
        shelf = self._shelf()
        if shelf is None or isinstance(name, Path):
            return
        self._shown = None  # the list says what was picked, not what is in use
        try:
            state = shelf.pick(name)
            if not state.ready and self._agreed(state):
                shelf.fetch(name)
        except Sam21Error as error:  # it is gone since the list was made
            QMessageBox.warning(self, "Model", str(error))
            shelf.refresh()

    def _agreed(self, state: ModelState) -> bool:
        """Ask whether a model should be fetched."""
        buttons = QMessageBox.StandardButton
        box = QMessageBox(self)
        box.setWindowTitle(f"Fetch {state.title}?")
        size = megabytes(_size(state))
        box.setText(f"{state.title} is not on this machine. Fetch it, {size}?")
        if state.problem:
            box.setText(f"{state.problem}\nFetch it again, {size}?")
        box.setInformativeText(as_html(offer(state.name)))
        box.setDetailedText("\n".join(addresses(state.name)))
        box.setStandardButtons(buttons.Yes | buttons.Cancel)
        box.setDefaultButton(buttons.Cancel)
        fetch = box.button(buttons.Yes)
        if fetch is not None:
            fetch.setText("Fetch")
        return box.exec() == buttons.Yes

    def _about(self) -> None:
        state = self._state()
        if state is None:
            QMessageBox.information(self, "Model", f"Loaded from {self._in_use}")
        else:
            QMessageBox.information(self, state.title, as_html(card(state.name)))

    def _import_files(self) -> None:
        names, _ = QFileDialog.getOpenFileNames(
            self, "An archive, or encoder.onnx and decoder.onnx", "", FILE_KINDS
        )
        self._import([Path(name) for name in names])

    def _import_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(
            self, "A folder with encoder.onnx and decoder.onnx"
        )
        self._import([Path(name)] if name else [])

    def _import(self, paths: list[Path]) -> None:
        if paths:
            self._with_shelf(lambda shelf: shelf.take_over(paths))

    def _delete(self) -> None:
        state = self._state()
        if state is None:
            return
        buttons = QMessageBox.StandardButton
        question = (
            f"Delete {escape(state.title)} ({megabytes(state.size)}) in {state.folder}?"
        )
        wish = QMessageBox.question(self, "Delete a model", question)
        if wish == buttons.Yes:
            self._with_shelf(lambda shelf: shelf.remove(state.name))


def _add(menu: QMenu, text: str, call: Callable[[], None]) -> Any:
    action: Any = menu.addAction(text)
    action.triggered.connect(lambda _=False: call())
    return action


def _words(state: ModelState) -> str:
    size = megabytes(state.size)
    return state.title + SUFFIX.get(state.state, "").format(size=size)


def _size(state: ModelState) -> int:
    """Bytes to fetch; what is broken has another size on the disk."""
    row = MODELS.get(state.name)
    return state.size if row is None else row.size
