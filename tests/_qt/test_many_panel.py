"""Many objects at once, by hand: menu, dialogs, buttons and clicks."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QMenu

from napari_sam21._qt.many_dialogs import CarryDialog, Form, SeedsDialog
from napari_sam21._qt.many_panel import ManyRow
from napari_sam21.core.automatic import Filters
from napari_sam21.core.propagation import StopRules

LEFT = Qt.MouseButton.LeftButton
GRID = Filters(points_per_side=16, min_score=0.5, min_stability=0, max_share=0.2)


@pytest.fixture
def dock(open_dock, image, qtbot) -> SimpleNamespace:
    """A dock on an image, ready for a click."""
    found = open_dock(image)
    found.hands.look_at_all()
    found.ready()
    found.controller.many.filters = GRID
    found.text()
    return found


def row(dock: SimpleNamespace) -> ManyRow:
    return dock.widget._many


def choose(menu: QMenu, text: str, layer: str = "") -> None:
    """Trigger an entry of the menu, or one of its submenu."""
    action = next(each for each in menu.actions() if text in each.text())
    assert action.isEnabled(), text
    if layer:
        action = next(a for a in action.menu().actions() if layer in a.text())
    action.trigger()


def find(dock: SimpleNamespace, text: str, layer: str = "") -> None:
    """Choose what is to be found."""
    row(dock).fill_menu()
    choose(row(dock).menu, text, layer)


def found(dock: SimpleNamespace, qtbot) -> int:
    """Wait for what is found; return how many."""
    many = dock.controller.many
    qtbot.waitUntil(lambda: not many.running, timeout=30_000)
    dock.text()
    return many.tray.count


def press(dock: SimpleNamespace, qtbot, name: str) -> None:
    """Click one of the row's buttons."""
    button = getattr(row(dock), f"_{name}")
    assert not button.isHidden()
    qtbot.mouseClick(button, LEFT)
    dock.text()


def form(dock: SimpleNamespace) -> Form:
    """The dialog that is open."""
    return row(dock).findChildren(Form)[-1]


def output(dock: SimpleNamespace) -> np.ndarray:
    return np.asarray(dock.controller.target.labels.data)


def test_everything_accepted_undone_and_redone(dock, qtbot) -> None:
    find(dock, "everything here")
    count = found(dock, qtbot)
    assert count > 3
    assert row(dock)._accept.text() == f"Accept {count} objects"
    assert row(dock)._find.isHidden()
    press(dock, qtbot, "accept")
    qtbot.waitUntil(lambda: not dock.controller.many.tray.count)
    dock.text()
    assert row(dock)._accept.isHidden()
    written = output(dock).copy()
    assert len(np.unique(written)) == count + 1
    dock.hands.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert not output(dock).any()
    redo = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
    dock.hands.press(Qt.Key.Key_Z, redo)
    np.testing.assert_array_equal(output(dock), written)


def test_discard(dock, qtbot) -> None:
    names = [layer.name for layer in dock.viewer.layers]
    find(dock, "whole plane")
    assert found(dock, qtbot)
    press(dock, qtbot, "discard")
    assert [layer.name for layer in dock.viewer.layers] == names
    assert not row(dock)._find.isHidden()


def test_a_click_during_the_run_then_cancel(dock, qtbot) -> None:
    dock.controller.many.filters = Filters(points_per_side=100, min_score=0)
    find(dock, "everything here")
    dock.text()
    assert not row(dock)._find.isEnabled()
    dock.hands.click((40, 50))
    dock.answered()
    assert dock.controller.many.running
    assert not dock.widget._cancel.isHidden()
    qtbot.mouseClick(dock.widget._cancel, LEFT)
    assert "Cancelled" in dock.text()
    qtbot.wait(100)
    assert "SAM objects" not in dock.viewer.layers
    dock.hands.press(Qt.Key.Key_Enter)
    assert np.unique(output(dock)).tolist() == [0, 1]


def test_seeds_then_points(dock, qtbot) -> None:
    find(dock, "Find seeds")
    assert isinstance(form(dock), SeedsDialog)
    form(dock).diameter.setValue(30)
    qtbot.mouseClick(form(dock).go, LEFT)
    found(dock, qtbot)
    assert len(dock.viewer.layers["Seeds"].data) == 2
    find(dock, "each point of", "Seeds")
    assert found(dock, qtbot) == 2
    press(dock, qtbot, "accept")
    assert {output(dock)[40, 50], output(dock)[80, 150]} == {1, 2}


def test_only_layers_of_the_user_are_offered(dock) -> None:
    row(dock).fill_menu()
    entries = {action.text(): action for action in row(dock).menu.actions()}
    assert not entries["Refine the labels of"].isEnabled()
    dock.viewer.add_labels(np.zeros((120, 200), int), name="rough")
    row(dock).fill_menu()
    entries = {action.text(): action for action in row(dock).menu.actions()}
    offered = [each.text() for each in entries["Refine the labels of"].menu().actions()]
    assert offered == ["rough"]
    assert all(a.toolTip() != a.text() for t, a in entries.items() if t)


def test_settings_are_kept_and_restored(dock, qtbot) -> None:
    find(dock, "Settings")
    form(dock).spins["points_per_side"].setValue(20)
    qtbot.mouseClick(form(dock).go, LEFT)
    assert dock.controller.many.filters.points_per_side == 20
    qtbot.wait(20)
    find(dock, "Settings")
    form(dock)._restore()
    qtbot.mouseClick(form(dock).go, LEFT)
    assert dock.controller.many.filters is None


def test_through_slices(open_dock, image, qtbot) -> None:
    dock = open_dock(np.stack([image] * 5))
    dock.viewer.dims.set_point(0, 2)
    dock.hands.look_at_all()
    dock.ready()
    dock.hands.click((2, 40, 50))
    dock.answered()
    dock.text()
    press(dock, qtbot, "slices")
    dialog = form(dock)
    assert isinstance(dialog, CarryDialog)
    assert (dialog.before.value(), dialog.after.value()) == (2, 2)
    dialog.before.setValue(1)
    limits = {"min_score": 0, "min_overlap": 0, "max_jump": 90, "min_likeness": -1}
    for name, value in limits.items():
        dialog.spins[name].setValue(value)
    qtbot.mouseClick(dialog.go, LEFT)
    assert found(dock, qtbot) == 1
    assert "slices 1 … 4" in dock.text()
    dock.viewer.dims.set_point(0, 3)
    assert "slices 1 … 4" not in dock.text()
    assert "slices 1 … 4" in row(dock)._accept.toolTip(), "still to be read"
    press(dock, qtbot, "accept")
    assert [bool(plane.any()) for plane in output(dock)] == [False] + [True] * 4
    assert dock.controller.many.rules == StopRules(0, 0, 90, 8, -1)


def test_one_plane_has_no_slices(dock) -> None:
    assert not row(dock)._slices.isEnabled()
