"""Asks what should be embedded ahead, and says before what that costs."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_sam21.control.editor import ImageEditor
from napari_sam21.control.precompute import Precompute
from napari_sam21.control.wishes import (
    plan_in_words,
    plan_of,
    region_wishes,
    slice_wishes,
)
from napari_sam21.core.errors import Sam21Error
from napari_sam21.core.geometry import Region
from napari_sam21.layers.ahead import Plan
from napari_sam21.layers.planes import Plane

INTRODUCTION = (
    "Encode now what you are going to click on, so that no click waits for it. You can "
    "go on meanwhile: your clicks come first."
)


class AheadDialog(QDialog):
    """Which slices, and what of each.

    Parameters
    ----------
    parent : QWidget
    editor : ImageEditor
        Of the image to embed.
    precompute : Precompute
        Carries it out.
    plane : Plane
        The one on show.
    region : Region
        What the model sees of it.
    capacity : int
        How many embeddings can be kept.
    """

    def __init__(
        self,
        parent: QWidget,
        editor: ImageEditor,
        precompute: Precompute,
        plane: Plane,
        region: Region,
        capacity: int,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Embed ahead")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._editor, self._precompute = editor, precompute
        self._capacity = capacity
        self._slice_wishes = slice_wishes(editor.image, plane)
        self._region_wishes = region_wishes(plane, region)
        self.slices, self.regions = QComboBox(), QComboBox()
        self.slices.addItems([wish.text for wish in self._slice_wishes])
        self.regions.addItems([wish.text for wish in self._region_wishes])
        for combo in (self.slices, self.regions):
            combo.currentIndexChanged.connect(lambda _: self._show_plan())
        self._lay_out()
        self._show_plan()

    def _lay_out(self) -> None:
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self._buttons.accepted.connect(self._start)
        self._buttons.rejected.connect(self.reject)
        self._ok = QPushButton("Embed")
        self._buttons.addButton(self._ok, QDialogButtonBox.ButtonRole.AcceptRole)
        introduction = QLabel(INTRODUCTION)
        self.words = QLabel()
        for label in (introduction, self.words):
            label.setWordWrap(True)
        self.words.setMinimumHeight(self.fontMetrics().lineSpacing() * 3)
        form = QFormLayout()
        form.addRow("Slices", self.slices)
        form.addRow("Of each", self.regions)
        layout = QVBoxLayout(self)
        layout.addWidget(introduction)
        layout.addLayout(form)
        layout.addWidget(self.words)
        layout.addWidget(self._buttons)

    def _plan(self) -> Plan:
        return plan_of(
            self._editor,
            self._slice_wishes[self.slices.currentIndex()],
            self._region_wishes[self.regions.currentIndex()],
            self._capacity,
        )

    def _show_plan(self) -> None:
        try:
            words, possible = plan_in_words(self._plan()), True
        except Sam21Error as error:
            words, possible = str(error).capitalize(), False
        self.words.setText(words)
        self._ok.setEnabled(possible)

    def _start(self) -> None:
        try:
            targets = self._plan().targets
        except Sam21Error:  # the view has changed since
            self._show_plan()
            return
        self._precompute.start([self._editor.source(*each) for each in targets])
        self.accept()
