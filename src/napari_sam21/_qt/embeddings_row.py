"""The row of embeddings: how much is kept, what is being made ahead, and a menu."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QMenu,
    QMessageBox,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_sam21._qt.ahead_dialog import AheadDialog
from napari_sam21._qt.choices import plain_button
from napari_sam21._qt.host import QtHost
from napari_sam21.control.storeroom import GB, Storeroom
from napari_sam21.controller import Controller
from napari_sam21.core.errors import Sam21Error
from napari_sam21.models import keeping

AHEAD_TIP = "Encode slices or regions of this image before you click on them"


class EmbeddingsRow(QWidget):
    """What is kept, a button to make more, and a line while they are made.

    Parameters
    ----------
    controller : callable
        Returns the controller, or None while there is none.
    """

    def __init__(self, controller: Callable[[], Controller | None]) -> None:
        super().__init__()
        self._controller = controller
        self._followed: Controller | None = None
        self._room: Storeroom | None = None
        self.kept, self.progress = QLabel(), QLabel()
        self.kept.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.progress.setWordWrap(True)
        self._ahead = plain_button("Ahead…", AHEAD_TIP)
        self._ahead.clicked.connect(lambda: self._ask_ahead())
        self._cancel = plain_button("Stop", "Stop; what was made is kept")
        self._cancel.clicked.connect(lambda: self._stop())
        self._make_menu()
        self._lay_out()

    def _make_menu(self) -> None:
        menu = QMenu(self)
        menu.aboutToShow.connect(self._show_menu)
        self._on_disk = _add(menu, "Keep on disk", self._switch)
        self._folder = _add(menu, "Choose folder…", self._choose_folder)
        _add(menu, "Room on disk…", self._choose_room)
        _add(menu, "Delete all…", self._delete)
        menu.addSeparator()
        self._neighbours = _add(menu, "Embed neighbours at rest", self._switch_ahead)
        for action in (self._on_disk, self._neighbours):
            action.setCheckable(True)
        self._more = QToolButton()
        self._more.setText("⋯")
        self._more.setToolTip("Where embeddings are kept, and how many")
        self._more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._more.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._more.setMenu(menu)
        self._more.setStyleSheet("QToolButton::menu-indicator { image: none; }")

    def _lay_out(self) -> None:
        kept, running = QHBoxLayout(), QHBoxLayout()
        kept.addWidget(self.kept, 1)
        kept.addWidget(self._ahead)
        kept.addWidget(self._more)
        running.addWidget(self.progress, 1)
        running.addWidget(self._cancel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(kept)
        layout.addLayout(running)

    # --- from the state to the row -----------------------------------------------

    def follow(self) -> None:
        """Show what is kept, and what is being made."""
        controller = self._controller()
        if controller is not self._followed:
            self._enter(controller)
        if controller is None or self._room is None:
            return
        self._room.look()
        self._show_kept()
        precompute = controller.precompute
        self._ahead.setEnabled(not precompute.running and controller.editor is not None)
        for each in (self.progress, self._cancel):
            each.setVisible(precompute.running)
        self.progress.setText(precompute.in_words())

    def _enter(self, controller: Controller | None) -> None:
        """Begin with a dock that was opened, or end with one that was closed."""
        if self._room is not None:
            self._room.close()
        self._followed, self._room = controller, None
        if controller is not None:
            store, deliver = controller.inference.store, QtHost().deliver
            room = Storeroom(store, deliver, self._show_kept, controller.failed)
            self.destroyed.connect(lambda: room.close())
            self._room = room
            controller.ahead.enabled = keeping.chosen().ahead

    def leave(self) -> None:
        """The dock was closed: let the thread end."""
        self._enter(None)

    def _show_kept(self) -> None:
        if self._room is not None:
            self.kept.setText(self._room.in_words())
            self.kept.setToolTip(self._room.tip())

    def _show_menu(self) -> None:
        room, controller = self._room, self._controller()
        if room is None or controller is None:
            return
        room.look(soon=True)
        self._on_disk.setChecked(room.on_disk)
        self._neighbours.setChecked(controller.ahead.enabled)
        suffix = f" ({room.fixed})" if room.fixed else ""
        self._on_disk.setText(f"Keep on disk{suffix}")
        for action in (self._on_disk, self._folder):
            action.setEnabled(not room.fixed)

    # --- from the user -----------------------------------------------------------

    def _with_room(self, call: Callable[[Storeroom], object]) -> None:
        if self._room is not None:
            try:
                call(self._room)
            except Sam21Error as error:
                QMessageBox.warning(self, "Embeddings", str(error))

    def _switch(self) -> None:
        wanted = self._on_disk.isChecked()
        self._with_room(lambda room: room.keep_on_disk(wanted))

    def _choose_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Keep embeddings in")
        if name:
            self._with_room(lambda room: room.move(Path(name)))

    def _choose_room(self) -> None:
        text = "GB on disk at most (an embedding has 0.017):"
        now = (keeping.chosen().budget or 4 * GB) / GB
        size, agreed = QInputDialog.getDouble(
            self, "Room for embeddings", text, now, 0.1, 10_000, 1
        )
        if agreed:
            self._with_room(lambda room: room.give(round(size * GB)))

    def _delete(self) -> None:
        buttons = QMessageBox.StandardButton
        question = (
            f"Delete all embeddings ({self.kept.text()})? Images that you come back to "
            "are then encoded anew. Labels and images stay."
        )
        wish = QMessageBox.question(self, "Delete all embeddings", question)
        if wish == buttons.Yes:
            self._with_room(Storeroom.delete_all)

    def _switch_ahead(self) -> None:
        controller = self._controller()
        if controller is not None:
            wanted = self._neighbours.isChecked()
            keeping.remember_ahead(wanted)
            controller.ahead.switch(wanted)

    def _ask_ahead(self) -> None:
        controller = self._controller()
        editor = None if controller is None else controller.editor
        plane = None if editor is None else editor.shown()
        region = None if editor is None else editor.region()
        if controller is None or editor is None or plane is None or region is None:
            return
        capacity = controller.inference.store.capacity
        dialog = AheadDialog(
            self, editor, controller.precompute, plane, region, capacity
        )
        dialog.open()

    def _stop(self) -> None:
        controller = self._controller()
        if controller is not None:
            controller.precompute.cancel()


def _add(menu: QMenu, text: str, call: Callable[[], None]) -> Any:
    action: Any = menu.addAction(text)
    action.triggered.connect(lambda _=False: call())
    return action
