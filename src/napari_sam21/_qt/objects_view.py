"""How the object table looks, and what its keys do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from qtpy.QtCore import QModelIndex, Qt
from qtpy.QtGui import QKeyEvent, QKeySequence
from qtpy.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QStyledItemDelegate,
    QTableView,
    QWidget,
)

from napari_sam21._qt.objects_model import CLASS, COLUMNS, ObjectsModel

WIDTHS = (56, 96, 60, 84, 40, 58, 60)
"""Of the columns: together they fit beside the canvas."""

KEYS = QKeySequence.StandardKey


class ClassDelegate(QStyledItemDelegate):
    """Edits a class: written, or chosen from those that are known.

    Parameters
    ----------
    names : callable
        Returns the classes.
    """

    def __init__(self, names: Callable[[], Sequence[str]], parent: QWidget) -> None:
        super().__init__(parent)
        self._names = names

    def createEditor(
        self, parent: QWidget | None, option: Any, index: QModelIndex
    ) -> QWidget:
        """Make the list."""
        box = QComboBox(parent)
        box.setEditable(True)
        box.addItems(["", *self._names()])
        return box

    def setEditorData(self, editor: QWidget | None, index: QModelIndex) -> None:
        """Show the class as it is."""
        if isinstance(editor, QComboBox):
            editor.setCurrentText(str(index.data()))

    def setModelData(
        self, editor: QWidget | None, model: Any, index: QModelIndex
    ) -> None:
        """Take the class."""
        if isinstance(editor, QComboBox):
            model.setData(index, editor.currentText(), Qt.ItemDataRole.EditRole)


class ObjectsView(QTableView):
    """Rows of one height, of which some can be selected.

    Parameters
    ----------
    model : ObjectsModel
    names : callable
        Returns the classes.
    """

    def __init__(self, model: ObjectsModel, names: Callable[[], Sequence[str]]) -> None:
        super().__init__()
        self._calls: dict[Any, Callable[[], None]] = {}
        self.setModel(model)
        self.setItemDelegateForColumn(CLASS, ClassDelegate(names, self))
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setWordWrap(False)
        self.setSortingEnabled(True)
        self.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        self._set_sizes()

    def listen(
        self,
        delete: Callable[[], None],
        call: Callable[[str], None],
        selected: Callable[[], None],
    ) -> None:
        """Say what keys and selections do.

        Parameters
        ----------
        delete : callable
            Deletes the selected objects.
        call : callable
            Takes the name of a controller's method.
        selected : callable
            Called when other rows are selected.
        """
        self._calls = {
            KEYS.Delete: delete,
            KEYS.Backspace: delete,
            KEYS.Undo: lambda: call("undo"),
            KEYS.Redo: lambda: call("redo"),
        }
        selection = self.selectionModel()
        if selection is not None:
            selection.selectionChanged.connect(lambda *_: selected())

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Do what a key is for; Qt's own keys stay."""
        if event is None:
            return
        for key, call in self._calls.items():
            if event.matches(key):
                call()
                return
        super().keyPressEvent(event)

    def _set_sizes(self) -> None:
        rows, columns = self.verticalHeader(), self.horizontalHeader()
        if rows is None or columns is None:
            return
        rows.setVisible(False)
        # Rows of one height: Qt need not ask each of thousands for its own.
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(self.fontMetrics().height() + 6)
        columns.setHighlightSections(False)
        columns.setMinimumSectionSize(40)
        for number in range(len(COLUMNS)):
            columns.resizeSection(number, WIDTHS[number])
        columns.setSectionResizeMode(CLASS, QHeaderView.ResizeMode.Stretch)
