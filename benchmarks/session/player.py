"""Plays the script in a napari window, and holds each row against what it expects."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QApplication,
    QDialogButtonBox,
    QFileDialog,
    QLineEdit,
    QMessageBox,
)

from benchmarks.session.hands import CONTROL, LEFT, NO_KEY, SHIFT, Hands, QTest
from benchmarks.session.script import SCENES, Gesture, Row
from benchmarks.session.user import Mask, RowColumn, User, box_of, first_click
from benchmarks.window import rest, wait_until
from napari_sam21.core.prompts import NEGATIVE

SELECT_KEY, MERGE_KEY = Qt.Key.Key_C, Qt.Key.Key_I
"""What selects the label under the mouse, and what merges it into the selected one."""


class ScriptError(Exception):
    """A row of the script had another effect than it says."""


@dataclass(frozen=True)
class Played:
    """What one row took.

    Attributes
    ----------
    row : Row
    gestures : int
        Clicks, drags, keys and buttons.
    seconds : float
        From the first of them until their effect was there.
    """

    row: Row
    gestures: int
    seconds: float


def open_dock(viewer: Any, model: Path | str = "starter") -> Any:
    """Put the dock into a viewer; return the widget."""
    from napari_sam21._qt.widget import SamWidget

    viewer.window.resize(1200, 800)
    widget: Any = SamWidget(viewer)
    viewer.window.add_dock_widget(widget, name="SAM 2.1", area="right")
    widget.controller.set_model(model)
    return widget


class Player:
    """One scene of the script, in a viewer with the dock.

    Parameters
    ----------
    viewer : napari.Viewer
    widget : SamWidget
    scene : str
        A key of `script.SCENES`.
    user : User
    """

    def __init__(self, viewer: Any, widget: Any, scene: str, user: User) -> None:
        self._viewer, self._widget, self._user = viewer, widget, user
        self.hands = Hands(viewer)
        self._scene = SCENES[scene]
        self._truth = self._scene.truth()
        pixels = self._scene.image()
        self._image = viewer.add_image(pixels, name=scene, **self._scene.attributes())
        self._states = [np.zeros(self._truth.shape, np.uint16)]
        self._place = 0
        self.controller = widget.controller
        # Regions must not depend on how large the window of this machine is.
        self.controller.set_field("whole")

    @property
    def labels(self) -> npt.NDArray[Any]:
        """The labels as they are."""
        layer = self.controller.target.labels
        return self._states[0] if layer is None else np.asarray(layer.data)

    def play(self, rows: Sequence[Row]) -> list[Played]:
        """Play rows, and check the effect of each.

        Raises
        ------
        ScriptError
            If a row has another effect than the script says.
        """
        return [self._play(row) for row in rows]

    def _play(self, row: Row) -> Played:
        self._go_to(row.target)
        before, start = self.hands.made, time.perf_counter()
        DEEDS[row.gesture](self, row)
        took = time.perf_counter() - start
        self._states.append(self.labels.copy())
        self._place += 1
        if problem := self._problem(row):
            raise ScriptError(f"row {self._place}, {row}: {problem}")
        return Played(row, self.hands.made - before, took)

    def begin(self, target: int) -> None:
        """Click an object, and leave it at that."""
        self._go_to(target)
        self._click(self._inside(target), 1)

    # --- deeds -------------------------------------------------------------------

    def click(self, row: Row) -> None:
        """Click in the middle, correct, commit."""
        self._click(self._inside(row.target), 1)
        self._correct_and_commit(row)

    def box(self, row: Row) -> None:
        """Drag a box around it, correct, commit."""
        start, end = box_of(self._plane(row.target))
        self.hands.press(Qt.Key.Key_W)
        self.hands.drag(self._world(start), self._world(end))
        self._answered(0)
        self._correct_and_commit(row)

    def edit(self, row: Row) -> None:
        """Take a label up again, add a point in its middle, correct, commit."""
        self._take_up(row.label)
        self._click(self._inside(row.target), 1)
        self._correct_and_commit(row)

    def delete(self, row: Row) -> None:
        """Take a label up, and let it go."""
        self._take_up(row.label)
        self.hands.press(Qt.Key.Key_Escape)

    def mistake(self, row: Row) -> None:
        """Commit something, and take that back."""
        self._click(self._inside(row.target), 1)
        self._commit(row.label)
        self.hands.press(Qt.Key.Key_Z, CONTROL)
        rest(20)
        self.hands.press(Qt.Key.Key_Escape)
        wait_until(lambda: not self._marks())

    def undo(self, row: Row) -> None:
        """Take steps back."""
        for _ in range(row.times):
            self.hands.press(Qt.Key.Key_Z, CONTROL)
            rest(20)

    def redo(self, row: Row) -> None:
        """Do them again."""
        for _ in range(row.times):
            self.hands.press(Qt.Key.Key_Z, CONTROL | SHIFT)
            rest(20)

    def merge(self, row: Row) -> None:
        """Merge one label into another."""
        for label, key in ((row.label, SELECT_KEY), (row.with_label, MERGE_KEY)):
            self._point_at_label(label)
            self.hands.press(key)
            rest(20)
        wait_until(lambda: row.with_label not in self.labels)

    def carry(self, row: Row) -> None:
        """Click it in this slice, carry it through the others, accept."""
        from napari_sam21._qt.many_dialogs import CarryDialog

        many = self._widget._many
        self._click(self._inside(row.target), 1)
        wait_until(many._slices.isEnabled)
        self.hands.push(many._slices)
        self.hands.push(_dialog(CarryDialog).go)
        wait_until(lambda: self.controller.many.tray.count == 1)
        wait_until(many._accept.isVisible)
        self.hands.push(many._accept)
        wait_until(lambda: row.label in self.labels)

    # --- parts of them -----------------------------------------------------------

    def _click(self, pixel: RowColumn, label: int) -> None:
        known = len(self._marks())
        modifier = SHIFT if label == NEGATIVE else NO_KEY
        self.hands.click(self._world(pixel), modifier)
        self._answered(known + 1)

    def _answered(self, marks: int) -> None:
        wait_until(
            lambda: len(self._marks()) >= marks and self.controller.view().can_commit
        )

    def _correct_and_commit(self, row: Row) -> None:
        truth, clicks = self._plane(row.target), 1
        while click := self._user.correct(self._place, self._mask(), truth, clicks):
            self._click(*click)
            clicks += 1
        self._commit(row.label)

    def _commit(self, label: int) -> None:
        self.hands.press(Qt.Key.Key_Return)
        wait_until(lambda: label in self.labels)
        wait_until(lambda: not self._marks())

    def _take_up(self, label: int) -> None:
        self._point_at_label(label)
        self.hands.press(Qt.Key.Key_T)
        wait_until(lambda: label not in self.labels)
        wait_until(lambda: self.controller.view().can_commit)

    def _point_at_label(self, label: int) -> None:
        pixel = first_click(self._shown(self.labels) == label)
        self._look_at(pixel)
        self.hands.point_at(self._world(pixel))

    # --- where -------------------------------------------------------------------

    def _go_to(self, target: int) -> None:
        """Look at an object, in the middle of its slices; wait until it is ready."""
        if target:
            slices = np.flatnonzero((self._truth == target).any(axis=(-2, -1)))
            if self._truth.ndim == 3:
                where = self._image.data_to_world((slices[len(slices) // 2], 0, 0))
                self._viewer.dims.set_point(0, where[0])
            self._look_at(first_click(self._plane(target)))
        wait_until(lambda: self.controller.editor.is_ready())

    def _look_at(self, pixel: RowColumn) -> None:
        self.hands.look_at(self._world(pixel), float(self._image.scale[-1]))

    def _inside(self, target: int) -> RowColumn:
        return first_click(self._plane(target))

    def _shown(self, volume: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the slice on show."""
        if volume.ndim == 2:
            return volume
        here = self._image.world_to_data(self._viewer.dims.point)
        return np.asarray(volume[round(here[0])])

    def _plane(self, target: int) -> Mask:
        return np.asarray(self._shown(self._truth) == target)

    def _world(self, pixel: RowColumn) -> Any:
        if self._truth.ndim == 2:
            return self._image.data_to_world(pixel)
        here = self._image.world_to_data(self._viewer.dims.point)[0]
        return self._image.data_to_world((here, *pixel))

    def _mask(self) -> Mask:
        """Return what the preview shows, as the user sees it."""
        crop, (row, column) = self.controller.editor.draft().answer.crop()
        mask = np.zeros(self._truth.shape[-2:], bool)
        mask[row : row + crop.shape[0], column : column + crop.shape[1]] = crop
        return mask

    def _marks(self) -> Sequence[Any]:
        found: Sequence[Any] = self.controller.editor.marks
        return found

    # --- what came of it ---------------------------------------------------------

    def _problem(self, row: Row) -> str:
        """Say what is not as the row says; empty if all is."""
        now, before = self._states[-1], self._states[-2]
        if row.back:
            same = np.array_equal(now, self._states[-1 - row.back])
            return "" if same else f"the labels differ from those {row.back} rows ago"
        gone = {Gesture.DELETE: row.label, Gesture.MERGE: row.with_label}
        ids = set(np.unique(before)) | {row.label, 0}
        ids.discard(gone.get(row.gesture, -1))
        if set(np.unique(now)) != ids:
            return f"the labels are {np.unique(now)}, expected {sorted(ids)}"
        inner = first_click(self._plane(row.target)) if row.target else None
        if inner is not None and self._shown(now)[inner] != row.label:
            return f"{row.label} is not where the object is"
        return ""


DEEDS: dict[Gesture, Callable[[Player, Row], None]] = {
    gesture: getattr(Player, gesture.value) for gesture in Gesture
}


def save(widget: Any, hands: Hands, path: Path) -> None:
    """Save by the dock's button and its file dialog."""
    button = widget._output._save
    wait_until(button.isEnabled)
    hands.push(button)
    dialog = _dialog(QFileDialog)
    # Typed, the name would meet a list of completions that may take the Enter key.
    dialog.findChild(QLineEdit, "fileNameEdit").setText(str(path))
    kind = QDialogButtonBox.StandardButton.Save
    accept = dialog.findChild(QDialogButtonBox).button(kind)
    wait_until(accept.isEnabled)
    hands.push(accept)
    wait_until(lambda: path.exists() and not widget.controller.files.busy)
    every = QApplication.topLevelWidgets
    wait_until(lambda: not any(isinstance(each, QFileDialog) for each in every()))
    rest(20)


def answer(text: str) -> str:
    """Press a button of the question that is asked; return the question."""
    box = _dialog(QMessageBox)
    asked = str(box.text())
    button = next(each for each in box.buttons() if each.text() == text)
    QTest.mouseClick(button, LEFT)
    rest(20)
    return asked


def _dialog(kind: type) -> Any:
    """Wait for a window of a kind, and return it."""

    def there() -> list[Any]:
        every = QApplication.topLevelWidgets()
        return [each for each in every if isinstance(each, kind) and each.isVisible()]

    wait_until(lambda: bool(there()))
    return there()[0]
