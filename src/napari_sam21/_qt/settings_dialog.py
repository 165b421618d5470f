"""Asks how the user likes the dock; what is said there is remembered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QLabel,
    QMessageBox,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_sam21._qt.choices import plain_button
from napari_sam21._qt.host import QtHost
from napari_sam21.control.storeroom import GB, Storeroom
from napari_sam21.controller import Controller
from napari_sam21.core.errors import Sam21Error
from napari_sam21.models import home, keeping
from napari_sam21.models.keeping import Keeping
from napari_sam21.models.preferences import MOST_THREADS, Preferences

FIRST_ROOM = 4.0
"""GB on disk for embeddings, until the user says otherwise."""


class SettingsButton(QWidget):
    """A button that opens the settings.

    Parameters
    ----------
    controller : callable
        Returns the controller, or None while there is none.
    policies : mapping of str to str
        What becomes of labels that are there, and what people read.
    """

    def __init__(
        self, controller: Callable[[], Controller | None], policies: Mapping[str, str]
    ) -> None:
        super().__init__()
        self._controller, self._policies = controller, policies
        self.button = plain_button("Settings…", "How the dock begins, what it keeps")
        self.button.clicked.connect(lambda: self._ask())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.button)

    def _ask(self) -> None:
        controller = self._controller()
        if controller is not None:
            SettingsDialog(self, controller, self._policies).open()


class SettingsDialog(QDialog):
    """All settings; nothing changes before OK.

    Parameters
    ----------
    parent : QWidget
    controller : Controller
    policies : mapping of str to str
        See `SettingsButton`.
    """

    def __init__(
        self, parent: QWidget, controller: Controller, policies: Mapping[str, str]
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Settings of Click to segment")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._habits, self._failed = controller.habits, controller.failed
        self._store = controller.inference.store
        self._policies = policies
        self._folder = ""
        self._make_fields()
        self._lay_out()
        self._habits.read_again()
        self._show(self._habits.now(), keeping.chosen())
        self._fix()

    def _make_fields(self) -> None:
        self.policy = QComboBox()
        for key, words in self._policies.items():
            self.policy.addItem(words, key)
        self.hover = QCheckBox("Show the mask of a click")
        self.ahead = QCheckBox("Encode neighbours while you rest")
        self.journal = QCheckBox("Keep a journal, so that nothing is lost")
        self.journal.setToolTip("From the next opening of the dock on")
        self.threads = QSpinBox()
        self.threads.setRange(0, MOST_THREADS)
        self.threads.setSpecialValueText("All cores")
        self.threads.setToolTip("From the next loading of a model on")
        self.on_disk = QCheckBox("Keep them on disk")
        self.room = QDoubleSpinBox()
        self.room.setRange(0.1, 10_000)
        self.room.setDecimals(1)
        self.room.setSuffix(" GB at most")
        self.folder = plain_button("", "Choose another folder for embeddings")
        self.folder.clicked.connect(lambda: self._choose_folder())

    def _lay_out(self) -> None:
        form = QFormLayout()
        for name, field in (
            ("Overlap", self.policy),
            ("Under mouse", self.hover),
            ("At rest", self.ahead),
            ("Sessions", self.journal),
            ("Threads", self.threads),
            ("Embeddings", self.on_disk),
            ("", self.room),
            ("", self.folder),
        ):
            form.addRow(name, field)
        kinds = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(kinds.Ok | kinds.Cancel | kinds.RestoreDefaults)
        buttons.accepted.connect(self._take)
        buttons.rejected.connect(self.reject)
        first = buttons.button(kinds.RestoreDefaults)
        if first is not None:
            first.clicked.connect(lambda: self._show(Preferences(), Keeping()))
        self.words = QLabel()
        self.words.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.words)
        layout.addWidget(buttons)

    # --- from what is chosen to the fields ---------------------------------------

    def _show(self, chosen: Preferences, kept: Keeping) -> None:
        self.policy.setCurrentIndex(max(self.policy.findData(chosen.policy), 0))
        self.hover.setChecked(chosen.hover)
        self.journal.setChecked(chosen.journal)
        self.threads.setValue(chosen.threads)
        self.ahead.setChecked(kept.ahead)
        self.on_disk.setChecked(kept.on_disk)
        self.room.setValue(kept.budget / GB if kept.budget else FIRST_ROOM)
        self._show_folder(kept.folder)

    def _show_folder(self, folder: str) -> None:
        self._folder = folder
        shown = Path(folder).name if folder else "your cache folder"
        self.folder.setText(f"In {shown}…")
        self.folder.setToolTip(folder or str(home.own_cache()))

    def _fix(self) -> None:
        """What the environment says cannot be changed here."""
        words = []
        if keeping.environment():
            words.append(f"Embeddings: {home.CACHE_VARIABLE} is set.")
            for field in (self.on_disk, self.folder):
                field.setEnabled(False)
        if home.sessions_folder() is None:
            words.append(f"Sessions: {home.SESSIONS_VARIABLE} is off.")
            self.journal.setEnabled(False)
        if home.settings_folder() is None:
            words.append(f"{home.SETTINGS_VARIABLE} is off: nothing is remembered.")
        self.words.setText(" ".join(words))
        self.words.setVisible(bool(words))

    # --- from the fields to what is chosen ---------------------------------------

    def _choose_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Keep embeddings in")
        if name:
            self._show_folder(name)

    def _take(self) -> None:
        try:
            self._take_embeddings(keeping.chosen())
        except Sam21Error as error:
            QMessageBox.warning(self, "Settings", str(error))
            return
        wanted = replace(
            self._habits.now(),
            policy=str(self.policy.currentData()),
            hover=self.hover.isChecked(),
            journal=self.journal.isChecked(),
            threads=self.threads.value(),
        )
        self._habits.choose(wanted, self.ahead.isChecked())
        self.accept()

    def _take_embeddings(self, kept: Keeping) -> None:
        """Change where embeddings are kept, only where that was asked for."""
        room = Storeroom(self._store, QtHost().deliver, _nothing, self._failed)
        budget = round(self.room.value() * GB)
        try:
            if self._folder != kept.folder and self._folder:
                room.move(Path(self._folder))
            elif self._folder != kept.folder:
                room.move_back()
            if self.on_disk.isChecked() != keeping.chosen().on_disk:
                room.keep_on_disk(self.on_disk.isChecked())
            if budget != round(kept.budget or FIRST_ROOM * GB):
                room.give(budget)
        finally:
            room.close()


def _nothing() -> None:
    """The row of embeddings looks by itself."""
