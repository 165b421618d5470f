"""The object table in a real window, with a user's hands."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QItemSelectionModel, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QComboBox

from napari_sam21._qt.objects_model import (
    COLUMNS,
    ObjectsModel,
    planes_in_words,
)
from napari_sam21._qt.objects_table import TITLE, ObjectsTable, open_table
from napari_sam21.control.register import Row

LEFT = Qt.MouseButton.LeftButton
CTRL = Qt.KeyboardModifier.ControlModifier


def shown(table: ObjectsTable) -> list[list[str]]:
    model = table.model
    return [
        [model.index(row, column).data() for column in range(model.columnCount())]
        for row in range(model.rowCount())
    ]


def ids(table: ObjectsTable) -> list[int]:
    return [int(row[0]) for row in shown(table)]


def choose(table: ObjectsTable, *labels: int) -> None:
    """Select rows as clicks with Ctrl do; the last one is the current one."""
    selection = table.view.selectionModel()
    how = QItemSelectionModel.SelectionFlag
    selection.clearSelection()
    for label in labels:
        index = table.model.index(table.model.place_of(label), 0)
        selection.setCurrentIndex(index, how.Select | how.Rows)


@pytest.fixture
def at_table(open_dock: Any, qtbot: Any) -> Any:
    """A dock over labels of another tool, and the table beside it."""

    def open_at(data: np.ndarray, image: np.ndarray, **options: Any) -> SimpleNamespace:
        d = open_dock(image, **options)
        place = {k: v for k, v in options.items() if k != "show"}
        d.labels = d.viewer.add_labels(data, **place)
        d.controller.set_image(d.images[0])
        d.controller.set_output(d.labels)
        d.table = open_table(d.viewer)
        counting = d.controller.objects.of(d.labels).counting
        qtbot.waitUntil(lambda: counting.complete)
        d.ready()  # what still runs at the end of a test keeps the viewer
        return d

    return open_at


@pytest.fixture
def open_three(at_table: Any, image: np.ndarray) -> Any:
    """The same over three objects; a function, so that no fixture keeps the viewer."""

    def open_three() -> SimpleNamespace:
        data = np.zeros(image.shape, np.uint16)
        data[20:60, 30:70], data[70:100, 120:180], data[5:15, 150:190] = 1, 2, 9
        return at_table(data, image, scale=(0.5, 0.5), units=("µm", "µm"), show=True)

    return open_three


def test_rows_and_columns(open_three) -> None:
    three = open_three()
    assert [row[:5] for row in shown(three.table)] == [
        ["1", "", "1\u2009600", "400 µm²", ""],
        ["2", "", "1\u2009800", "450 µm²", ""],
        ["9", "", "400", "100 µm²", ""],
    ]
    assert three.table.view.isColumnHidden(len(COLUMNS) - 1), "there are no slices"
    assert "3 objects" in three.table._word.text()


def test_a_commit_adds_a_row_and_undo_takes_it(open_three, qtbot) -> None:
    three = open_three()
    three.ready()
    three.controller.editor.scene.prompts.layer.add([[110.0, 20.0]])
    three.answered()
    three.controller.commit()
    qtbot.waitUntil(lambda: ids(three.table) == [1, 2, 9, 10])
    assert shown(three.table)[-1][5] == "1"
    three.controller.undo()
    qtbot.waitUntil(lambda: ids(three.table) == [1, 2, 9])


def test_linked_both_ways(open_three, qtbot) -> None:
    three = open_three()
    choose(three.table, 9)
    assert three.labels.selected_label == 9
    three.labels.selected_label = 2  # as napari's picker does
    assert three.table.selected() == [2]
    three.labels.selected_label = 77
    assert three.table.selected() == [2], "there is no such row"
    three.ready()


def test_sorting_keeps_the_selection(open_three) -> None:
    three = open_three()
    choose(three.table, 9)
    three.table.view.sortByColumn(2, Qt.SortOrder.DescendingOrder)
    assert ids(three.table) == [2, 1, 9]
    assert three.table.selected() == [9]


def test_merge_and_delete_by_the_buttons(open_three, qtbot) -> None:
    three = open_three()
    before = three.labels.data.copy()
    merge, delete = (three.table._buttons[name] for name in ("merge", "delete"))
    three.table.view.clearSelection()
    assert not merge.isEnabled()
    assert not delete.isEnabled()
    choose(three.table, 9, 1)
    QTest.mouseClick(merge, LEFT)
    assert np.array_equal(three.labels.data == 1, (before == 1) | (before == 9))
    qtbot.waitUntil(lambda: ids(three.table) == [1, 2])
    choose(three.table, 2)
    QTest.mouseClick(delete, LEFT)
    qtbot.waitUntil(lambda: ids(three.table) == [1])
    choose(three.table, 1)
    QTest.keyClick(three.table.view, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: ids(three.table) == [])
    for _ in range(3):
        QTest.keyClick(three.table.view, Qt.Key.Key_Z, CTRL)
    assert np.array_equal(three.labels.data, before)
    qtbot.waitUntil(lambda: ids(three.table) == [1, 2, 9])


def test_a_class_is_written_in_the_table(open_three, qtbot) -> None:
    three = open_three()
    three.controller.commits.classes.choose("nucleus")
    choose(three.table, 2, 9)
    three.table.view.edit(three.table.model.index(1, 1))
    box = three.table.view.findChild(QComboBox)
    assert [box.itemText(n) for n in range(box.count())] == ["", "nucleus"]
    box.setCurrentText("dead")
    QTest.keyClick(box, Qt.Key.Key_Return)
    qtbot.waitUntil(
        lambda: [row[1] for row in shown(three.table)] == ["", "dead", "dead"]
    )
    assert three.controller.commits.classes.names == ("nucleus", "dead")
    three.controller.undo()
    assert [row[1] for row in shown(three.table)] == ["", "", ""]


def test_a_class_is_chosen_in_the_dock(open_three, qtbot) -> None:
    three = open_three()
    box = three.widget._output.class_name
    assert not box.hasFocus(), "keys are the canvas's until the user goes there"
    box.setFocus()
    QTest.keyClicks(box.lineEdit(), "mitotic")
    QTest.keyClick(box.lineEdit(), Qt.Key.Key_Return)
    assert three.controller.commits.classes.chosen == "mitotic"
    box.clearFocus()
    three.widget._show()
    assert [box.itemText(n) for n in range(box.count())] == ["", "mitotic"]


@pytest.mark.parametrize("key", [Qt.Key.Key_Delete, Qt.Key.Key_Backspace])
def test_delete_over_the_canvas(open_three, qtbot, key) -> None:
    three = open_three()
    three.hands.look_at_all()
    three.controller.start()
    before = three.labels.data.copy()
    three.hands.move((20, 25))
    three.hands.press(key)
    qtbot.waitUntil(lambda: not (three.labels.data == 1).any())
    qtbot.waitUntil(lambda: ids(three.table) == [2, 9])
    three.hands.press(Qt.Key.Key_Z, CTRL)
    qtbot.waitUntil(lambda: ids(three.table) == [1, 2, 9])
    assert np.array_equal(three.labels.data, before)


def test_delete_removes_points_that_are_selected(open_three, qtbot) -> None:
    three = open_three()
    three.hands.look_at_all()
    three.ready()
    points = three.controller.editor.scene.prompts.layer
    points.add([[110.0, 20.0]])
    three.answered()
    three.controller.start()
    points.mode = "select"
    points.selected_data = {0}
    three.hands.move((20, 25))
    three.hands.press(Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: len(points.data) == 0)
    assert (three.labels.data == 1).any()


def test_merge_over_the_canvas(open_three, qtbot) -> None:
    three = open_three()
    three.hands.look_at_all()
    three.controller.start()
    three.hands.move((20, 25))
    three.hands.press(Qt.Key.Key_C)
    assert three.labels.selected_label == 1
    assert three.table.selected() == [1]
    three.hands.move((42, 75))
    three.hands.press(Qt.Key.Key_I)
    qtbot.waitUntil(lambda: ids(three.table) == [1, 9])


def test_a_row_brings_its_slice_into_view(at_table) -> None:
    data = np.zeros((6, 60, 80), np.uint16)
    data[1, 5:20, 5:20], data[3:5, 30:, 40:] = 3, 4
    d = at_table(data, np.zeros(data.shape, np.uint8))
    assert [row[-1] for row in shown(d.table)] == ["1", "3–4"]
    assert not d.table.view.isColumnHidden(len(COLUMNS) - 1)
    d.viewer.dims.set_point(0, 0)
    choose(d.table, 4)
    assert round(d.viewer.dims.point[0]) == 3
    choose(d.table, 3)
    assert round(d.viewer.dims.point[0]) == 1


def test_a_row_brings_its_place_into_view(open_three, qtbot) -> None:
    three = open_three()
    three.viewer.camera.zoom = 40
    three.viewer.camera.center = (0, 10, 25)
    qtbot.wait(100)  # before 0.9 only a drawing tells what is on show
    choose(three.table, 9)
    assert np.allclose(three.viewer.camera.center[-2:], (5, 85), atol=1)
    qtbot.wait(200)
    three.ready()


def test_the_button_opens_one_table(open_dock, image, qtbot) -> None:
    d = open_dock(image)
    for _ in range(2):
        QTest.mouseClick(d.widget._output._table, LEFT)
    found = [
        w for w in d.viewer.window.dock_widgets.values() if type(w) is ObjectsTable
    ]
    assert len(found) == 1
    assert TITLE in d.viewer.window.dock_widgets
    qtbot.waitUntil(lambda: "no labels yet" in found[0]._word.text())


def test_from_the_menu_it_waits_for_the_dock(make_napari_viewer, qtbot) -> None:
    viewer = make_napari_viewer()
    _, table = viewer.window.add_plugin_dock_widget("napari-sam21", "Object table")
    assert isinstance(table, ObjectsTable)
    assert open_table(viewer) is table
    qtbot.waitUntil(lambda: "Open “Click to segment”" in table._word.text())
    _, widget = viewer.window.add_plugin_dock_widget("napari-sam21", "Click to segment")
    viewer.add_image(np.zeros((30, 30), np.uint8))
    qtbot.waitUntil(lambda: "no labels yet" in table._word.text())
    viewer.window.remove_dock_widget(widget)
    qtbot.waitUntil(lambda: "Open “Click to segment”" in table._word.text())


def test_a_closed_table_lets_go(open_three, qtbot) -> None:
    three = open_three()
    three.viewer.window.remove_dock_widget(three.table)
    qtbot.waitUntil(lambda: three.table._controller is None)
    three.labels.paint((50, 100), 30)
    qtbot.wait(50)
    assert three.table.model.rowCount() == 0
    assert open_table(three.viewer) is not three.table


@pytest.mark.parametrize(
    ("planes", "words"),
    [
        ([()], ""),
        ([(3,)], "3"),
        ([(1,), (2,), (3,), (7,)], "1–3, 7"),
        ([(0, 1), (0, 2), (2, 5)], "0:1–2, 2:5"),
        ([(2 * n,) for n in range(9)], "9 slices"),
    ],
)
def test_planes_in_words(planes, words: str) -> None:
    assert planes_in_words(planes) == words


class Made:
    """A register of so many objects."""

    def __init__(self, count: int) -> None:
        self.made = {
            n: Row(n, "", 10 * n, None, "", None, None, ((),)) for n in range(1, count)
        }

    def ids(self) -> tuple[int, ...]:
        return tuple(self.made)

    def rows(self, ids: Any) -> list[Row]:
        return [self.made[n] for n in ids if n in self.made]


def test_a_change_of_one_row_asks_for_no_other(qtbot) -> None:
    """And takes no longer, however many rows there are."""

    def seconds(count: int) -> float:
        register: Any = Made(count)
        model = ObjectsModel(lambda *_: None, lambda _: None)
        model.use(register)
        asked: list[Any] = []
        rows = register.rows
        register.rows = lambda ids: (asked.extend(ids), rows(ids))[1]
        start = time.perf_counter()
        for n in range(200):
            new = count + n
            register.made[new] = Row(new, "", 5, None, "", None, None, ((),))
            model.update(frozenset({new}))
        taken = time.perf_counter() - start
        assert asked == list(range(count, count + 200))
        assert model.rowCount() == count + 199
        return taken

    assert seconds(5000) < 10 * seconds(50)
