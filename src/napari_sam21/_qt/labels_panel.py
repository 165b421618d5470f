"""Where objects go: the labels, what a commit does to them, and saving."""

from __future__ import annotations

from collections.abc import Callable

from magicgui.widgets import ComboBox
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QWidget

from napari_sam21._qt.choices import let_shrink, plain_button
from napari_sam21.control.classes import ClassBook
from napari_sam21.control.keys import SHOWN_KEY
from napari_sam21.layers.target import ADD, CLASS, ERASE, NEW, REPLACE

KIND_WORDS = {
    NEW: "A new label",
    ADD: "More of the selected label",
    REPLACE: "The selected label, anew",
    CLASS: "Its class (semantic labels)",
    ERASE: "Nothing: erase labels",
}
KIND_TIP = (
    "What a commit makes of the mask. The selected label is the one among the layer "
    f"controls of the Labels layer ({SHOWN_KEY['pick']} over a label selects it); "
    "“anew” takes the place of what it was on this slice. Semantic labels: all objects "
    "of a class have one label, that of the class"
)
CLASS_TIP = (
    "The class of the objects that you commit: write a name, or choose one. It is "
    "noted with each object, and is in the object table"
)
TABLE_TIP = "Open the object table: classes, areas, merging, deleting, CSV"
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
    save, table : callable
        Called when the user wants to save, or to see the object table.
    name : callable
        Gets the class that the user wrote or chose.

    Attributes
    ----------
    row : QHBoxLayout
        The list, and the buttons that open the table and save.
    kind : ComboBox
    class_name : QComboBox
    commit_row : QHBoxLayout
        Both of them.
    """

    def __init__(
        self,
        labels: QWidget,
        choose: Callable[[str], None],
        save: Callable[[], None],
        table: Callable[[], object],
        name: Callable[[str], None],
    ) -> None:
        self.row = QHBoxLayout()
        self._save = plain_button("Save…", SAVE_TIP)
        self._save.clicked.connect(lambda: save())
        self._table = plain_button("Table…", TABLE_TIP)
        self._table.clicked.connect(lambda: table())
        self.class_name = self._make_class(name)
        self.row.addWidget(labels, 1)
        self.row.addWidget(self._table)
        self.row.addWidget(self._save)
        self.kind = ComboBox(choices=[(word, key) for key, word in KIND_WORDS.items()])
        self.kind.changed.connect(choose)
        self.kind.native.setToolTip(KIND_TIP)
        let_shrink(self.kind.native)
        self.kind.native.setMinimumContentsLength(7)
        _show_whole_words(self.kind.native)
        self.commit_row = QHBoxLayout()
        self.commit_row.addWidget(self.kind.native, 3)
        self.commit_row.addWidget(self.class_name, 2)

    def _make_class(self, name: Callable[[str], None]) -> QComboBox:
        box = QComboBox()
        box.setEditable(True)
        box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        box.setToolTip(CLASS_TIP)
        let_shrink(box)
        box.setMinimumContentsLength(5)
        box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # it is written in
        line = QLineEdit()
        line.setPlaceholderText("Class")
        line.editingFinished.connect(lambda: name(line.text()))
        box.setLineEdit(line)
        box.activated.connect(lambda _: name(box.currentText()))
        return box

    def show_classes(self, classes: ClassBook) -> None:
        """Show the classes, unless the user is writing one."""
        box, names = self.class_name, ["", *classes.names]
        if box.hasFocus():
            return
        if [box.itemText(n) for n in range(box.count())] != names:
            box.clear()
            box.addItems(names)
        if box.currentText() != classes.chosen:
            box.setCurrentText(classes.chosen)

    def show_state(self, kind: str, can_save: bool) -> None:
        """Show what a commit does, and whether there is something to save."""
        with self.kind.changed.blocked():
            self.kind.value = kind
        self._save.setEnabled(can_save)


def _show_whole_words(box: QComboBox) -> None:
    """Open a list as wide as its words, however narrow the row is."""
    view = box.view()
    if view is not None:
        view.setMinimumWidth(view.sizeHintForColumn(0) + 24)
