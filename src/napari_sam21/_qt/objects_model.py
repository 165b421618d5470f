"""The object table as Qt's model: a row for each label, changed one by one."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt
from qtpy.QtGui import QColor

from napari_sam21.control.register import Register, Row

MANY = 4
"""So many runs of planes are listed; more are counted."""


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes
    ----------
    title, tip : str
    text : callable
        Of a row: what is shown.
    key : callable
        Of a row: what it is sorted by.
    """

    title: str
    tip: str
    text: Callable[[Row], str]
    key: Callable[[Row], Any]


def _optional(value: float | None) -> tuple[bool, float]:
    """Sort what is unknown before everything else."""
    return value is not None, value or 0.0


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def planes_in_words(planes: Sequence[tuple[int, ...]]) -> str:
    """Name planes in short: ``3``, ``3-7, 9``; of more axes ``0:3-7``; many counted."""
    runs: list[str] = []
    by_axes = groupby(planes, key=lambda index: index[:-1])
    for leading, group in by_axes:
        for first, last in _runs([index[-1] for index in group if index]):
            name = f"{first}" if first == last else f"{first}–{last}"
            runs.append(":".join((*map(str, leading), name)))
    if len(runs) > MANY:
        return f"{len(planes)} slices"
    return ", ".join(runs)


def _runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


COLUMNS = (
    Column("id", "The label", lambda row: str(row.id), lambda row: row.id),
    Column(
        "class",
        "The class of the object: double-click to write or choose one",
        lambda row: row.class_name,
        lambda row: row.class_name.casefold(),
    ),
    Column(
        "area px",
        "Pixels, of all slices together",
        lambda row: f"{row.area_px:,}".replace(",", "\u2009"),
        lambda row: row.area_px,
    ),
    Column(
        "area",
        "The same in the units of the layer; empty if it has none",
        lambda row: (
            "" if row.area_world is None else f"{row.area_world:.4g} {row.area_unit}"
        ),
        lambda row: _optional(row.area_world),
    ),
    Column(
        "IoU",
        "Predicted IoU of what was committed; of several parts that of the weakest. "
        "Empty if the label was not made here",
        lambda row: _share(row.predicted_iou),
        lambda row: _optional(row.predicted_iou),
    ),
    Column(
        "prompts",
        "Points and boxes it took",
        lambda row: "" if row.prompts is None else str(row.prompts),
        lambda row: _optional(row.prompts),
    ),
    Column(
        "slice",
        "The slices it is on, counted from 0",
        lambda row: planes_in_words(row.planes),
        lambda row: row.planes,
    ),
)
ID, CLASS, AREA, SLICE = 0, 1, 3, len(COLUMNS) - 1
LEFT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
RIGHT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight


class ObjectsModel(QAbstractTableModel):
    """Rows of one register, in the order they were sorted in.

    Only rows that changed are asked for again; a new one is put where it belongs.

    Parameters
    ----------
    rename : callable
        Gets a label, and the class that the user wrote.
    color : callable
        Returns the colour of a label, four numbers 0 … 1, or None.
    """

    def __init__(
        self,
        rename: Callable[[int, str], None],
        color: Callable[[int], Any],
    ) -> None:
        super().__init__()
        self._rename, self._color = rename, color
        self._register: Register | None = None
        self._rows: list[Row] = []
        self._places: dict[int, int] = {}
        self._column, self._descending = ID, False

    # --- from the register -------------------------------------------------------

    def use(self, register: Register | None) -> None:
        """Show other objects."""
        self.beginResetModel()
        self._register = register
        self._rows = [] if register is None else register.rows(register.ids())
        self._rows.sort(key=self._key, reverse=self._descending)
        self._number()
        self.endResetModel()

    def update(self, ids: Collection[int]) -> None:
        """Show some rows as they are now."""
        register = self._register
        if register is None or not ids:
            return
        now = {row.id: row for row in register.rows(ids)}
        gone = [label for label in ids if label in self._places and label not in now]
        new = [row for label, row in now.items() if label not in self._places]
        if len(gone) + len(new) > max(64, len(self._rows) // 4):
            self.use(register)
            return
        for row in now.values():
            self._replace(row)
        for label in gone:
            self._remove(label)
        for row in new:
            self._insert(row)

    def _replace(self, row: Row) -> None:
        place = self._places.get(row.id)
        if place is not None and self._rows[place] != row:
            self._rows[place] = row
            self.dataChanged.emit(self.index(place, 0), self.index(place, SLICE))

    def _insert(self, row: Row) -> None:
        place = self._place_of(row)
        self.beginInsertRows(QModelIndex(), place, place)
        self._rows.insert(place, row)
        self._number(place)
        self.endInsertRows()

    def _remove(self, label: int) -> None:
        place = self._places[label]
        self.beginRemoveRows(QModelIndex(), place, place)
        del self._rows[place], self._places[label]
        self._number(place)
        self.endRemoveRows()

    def _number(self, first: int = 0) -> None:
        """Note at which place each label is, from a place on."""
        if first == 0:
            self._places.clear()
        for place in range(first, len(self._rows)):
            self._places[self._rows[place].id] = place

    def _key(self, row: Row) -> Any:
        return COLUMNS[self._column].key(row)

    def _place_of(self, row: Row) -> int:
        """Where a new row belongs among sorted ones."""
        key, rows = self._key(row), self._rows
        if not self._descending:
            return bisect_left(rows, key, key=self._key)
        count = len(rows)
        return count - bisect_left(range(count), key, key=lambda n: self._key(rows[~n]))

    # --- what Qt asks ------------------------------------------------------------

    def label_at(self, place: int) -> int:
        """Return the label of a row."""
        return self._rows[place].id

    def place_of(self, label: int) -> int | None:
        """Return the row of a label."""
        return self._places.get(label)

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Count the objects."""
        return 0 if parent is not None and parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Count the columns."""
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = 0
    ) -> Any:
        """Return the title of a column, or its tooltip."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section].title
        return COLUMNS[section].tip if role == Qt.ItemDataRole.ToolTipRole else None

    def data(self, index: QModelIndex, role: int = 0) -> Any:
        """Return a cell."""
        row, column = self._rows[index.row()], index.column()
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return COLUMNS[column].text(row)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return LEFT if column in (CLASS, SLICE) else RIGHT
        if role == Qt.ItemDataRole.DecorationRole and column == ID:
            color = self._color(row.id)
            return None if color is None else QColor.fromRgbF(*map(float, color))
        return None

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        """Tell which cells can be edited: the classes."""
        flags = super().flags(index)
        return flags | Qt.ItemFlag.ItemIsEditable if index.column() == CLASS else flags

    def setData(self, index: QModelIndex, value: Any, role: int = 2) -> bool:
        """Take in the class that the user wrote."""
        if role != Qt.ItemDataRole.EditRole or index.column() != CLASS:
            return False
        self._rename(self.label_at(index.row()), str(value))
        return True

    def sort(
        self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder
    ) -> None:
        """Sort by a column; the selection stays with its labels."""
        self._column = column if 0 <= column < len(COLUMNS) else ID
        self._descending = order == Qt.SortOrder.DescendingOrder
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        labels = [self.label_at(index.row()) for index in before]
        self._rows.sort(key=self._key, reverse=self._descending)
        self._number()
        after = [
            self.index(self._places[label], index.column())
            for label, index in zip(labels, before, strict=True)
        ]
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()
