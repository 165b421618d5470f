"""Where objects go: the labels, what a commit does to them, and saving."""

from __future__ import annotations

from collections.abc import Callable

from magicgui.widgets import ComboBox
from qtpy.QtWidgets import QHBoxLayout, QWidget

from napari_sam21._qt.choices import let_shrink, plain_button
from napari_sam21.layers.target import ADD, ERASE, NEW

KIND_WORDS = {
    NEW: "A new label",
    ADD: "More of the selected label",
    ERASE: "Nothing: erase labels",
}
KIND_TIP = (
    "What a commit makes of the mask. The selected label is the one among the layer "
    "controls of the Labels layer"
)
SAVE_TIP = (
    "Save the labels as OME-TIFF or OME-Zarr with pixel size and levels, or as outlines"
)


class LabelsPanel:
    """The rows of the labels.

    Parameters
    ----------
    labels : QWidget
        The list of Labels layers.
    choose : callable
        Gets one of `layers.target.KINDS` when the user chose it.
    save : callable
        Called when the user wants to save.

    Attributes
    ----------
    row : QHBoxLayout
        The list, and the button that saves.
    kind : ComboBox
    """

    def __init__(
        self, labels: QWidget, choose: Callable[[str], None], save: Callable[[], None]
    ) -> None:
        self.row = QHBoxLayout()
        self._save = plain_button("Save…", SAVE_TIP)
        self._save.clicked.connect(lambda: save())
        self.row.addWidget(labels, 1)
        self.row.addWidget(self._save)
        self.kind = ComboBox(choices=[(word, key) for key, word in KIND_WORDS.items()])
        self.kind.changed.connect(choose)
        self.kind.native.setToolTip(KIND_TIP)
        let_shrink(self.kind.native)

    def show_state(self, kind: str, can_save: bool) -> None:
        """Show what a commit does, and whether there is something to save."""
        with self.kind.changed.blocked():
            self.kind.value = kind
        self._save.setEnabled(can_save)
