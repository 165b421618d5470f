"""The object table: a dock of its own, linked both ways with the labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QItemSelectionModel, QTimer
from qtpy.QtGui import QHideEvent, QShowEvent
from qtpy.QtWidgets import (
    QDockWidget,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_sam21._qt.choices import plain_button
from napari_sam21._qt.objects_model import AREA, SLICE, ObjectsModel
from napari_sam21._qt.objects_view import ObjectsView
from napari_sam21.control.keys import SHOWN_KEY
from napari_sam21.control.words import objects as counted
from napari_sam21.controller import Controller
from napari_sam21.layers.saving import calibration_of

if TYPE_CHECKING:
    import napari
    from napari.layers import Labels

TITLE = "Object table (napari-sam21)"
"""As napari names the dock when it is opened from the menu."""

CLOSED = "Open “Click to segment”: the table lists the objects of its labels."
EMPTY = "There are no labels yet: commit an object, and it is listed here."
TALL = 950
"""Pixels of a window in which the table has room below the canvas."""

TIPS = {
    "merge": "Merge the selected objects into the one with the lowest id: one step, "
    f"one undo. On the canvas: {SHOWN_KEY['merge']} merges the label under the mouse "
    "into the selected one",
    "delete": "Delete the selected objects in all slices: one step, one undo. On the "
    f"canvas: {SHOWN_KEY['delete']} deletes the label under the mouse",
    "save": "Save the table as CSV; image, model and pixel size are in its header",
}


class ObjectsTable(QWidget):
    """A row for each label of the output layer.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        Injected by napari.
    """

    def __init__(self, napari_viewer: napari.Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._controller: Controller | None = None
        self._labels: Labels | None = None
        self._following = False
        self.model = ObjectsModel(self._rename, self._color)
        self.view = ObjectsView(self.model, self._class_names)
        self.view.listen(self.delete, self._call, self._selected)
        self._word = QLabel()
        self._late = QTimer(self)
        self._late.setSingleShot(True)
        self._late.timeout.connect(self._look)
        self._lay_out()
        self.reset_choices()

    # --- parts -------------------------------------------------------------------

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        # A long name must not widen the dock: the image needs the room.
        self._word.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        row.addWidget(self._word, 1)
        self._buttons = {}
        for name, text, call in (
            ("merge", "Merge", self.merge),
            ("delete", "Delete", self.delete),
            ("save", "Save CSV…", lambda: self._call("save_table")),
        ):
            button = plain_button(text, TIPS[name])
            button.clicked.connect(lambda _=False, c=call: c())
            self._buttons[name] = button
            row.addWidget(button)
        layout = QVBoxLayout(self)
        layout.addLayout(row)
        layout.addWidget(self.view)

    # --- from the state to the table ---------------------------------------------

    def showEvent(self, event: QShowEvent | None) -> None:
        """Follow the annotation of this viewer."""
        super().showEvent(event)
        self.reset_choices()

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Let go if the dock was closed: it is hidden, and has no parent."""
        super().hideEvent(event)
        QTimer.singleShot(0, self._let_go)

    def _let_go(self) -> None:
        if self.parent() is None:
            self._attach(None)

    def _look(self) -> None:
        """Find the annotation of this viewer; its dock may have been closed."""
        self._attach(controller_of(self._viewer) if self.parent() else None)

    def reset_choices(self, event: Any = None) -> None:
        """Look for the annotation; napari calls this when layers come and go."""
        self._soon()

    def _attach(self, controller: Controller | None) -> None:
        if controller is not self._controller:
            if self._controller is not None:
                self._controller.changed.disconnect(self._soon, missing_ok=True)
                self._controller.objects.changed.disconnect(
                    self._changed, missing_ok=True
                )
            self._controller = controller
            if controller is not None:
                controller.changed.connect(self._soon)
                controller.objects.changed.connect(self._changed)
        self._follow()

    def _soon(self) -> None:
        self._late.start()

    def _follow(self) -> None:
        """Show the objects of the layer that is written to now."""
        controller = self._controller
        labels = None if controller is None else controller.target.labels
        if labels is not self._labels:
            if self._labels is not None:
                self._labels.events.selected_label.disconnect(self._picked)
            self._labels = labels
            register = None
            if labels is not None and controller is not None:
                register = controller.objects.of(labels)
                register.counting.want()
                labels.events.selected_label.connect(self._picked)
            self.model.use(register)
            self._hide_columns()
            self._picked()
        self._tell()

    def _changed(self, labels: Any, ids: frozenset[int]) -> None:
        """Some rows are others now."""
        if labels is self._labels:
            self.model.update(ids)
            if self._labels is not None and int(self._labels.selected_label) in ids:
                self._picked()
            self._soon()

    def _hide_columns(self) -> None:
        """Of a plane without a pixel size there is no slice, and no area in units."""
        labels = self._labels
        flat = labels is not None and labels.ndim == 2
        sized = labels is not None and calibration_of(labels).pixel_area() is not None
        self.view.setColumnHidden(SLICE, flat)
        self.view.setColumnHidden(AREA, not sized)

    def _tell(self) -> None:
        count, chosen = self.model.rowCount(), len(self.selected())
        word = counted(count)
        if self._controller is None:
            word = CLOSED
        elif self._labels is None:
            word = EMPTY
        else:
            counting = self._controller.objects.of(self._labels).counting
            word += "" if counting.complete else ", counting…"
        if chosen > 1:
            word += f", {chosen} selected"
        self._word.setText(word)
        self._buttons["merge"].setEnabled(chosen > 1)
        self._buttons["delete"].setEnabled(chosen > 0)
        self._buttons["save"].setEnabled(self._labels is not None)

    def _picked(self, event: Any = None) -> None:
        """Select the row of the label that is selected in napari."""
        labels, selection = self._labels, self.view.selectionModel()
        if labels is None or selection is None or self._following:
            return
        place = self.model.place_of(int(labels.selected_label))
        if place is None or self.model.label_at(place) in self.selected():
            return
        self._following = True
        index = self.model.index(place, 0)
        how = QItemSelectionModel.SelectionFlag
        selection.setCurrentIndex(index, how.ClearAndSelect | how.Rows)
        self.view.scrollTo(index)
        self._following = False
        self._tell()

    def _color(self, label: int) -> Any:
        return None if self._labels is None else self._labels.get_color(label)

    def _class_names(self) -> Sequence[str]:
        found = self._controller
        return () if found is None else found.commits.classes.names

    # --- from the table to the labels --------------------------------------------

    def selected(self) -> list[int]:
        """Return the labels of the selected rows."""
        selection = self.view.selectionModel()
        rows = [] if selection is None else selection.selectedRows()
        return [self.model.label_at(index.row()) for index in rows]

    def _selected(self) -> None:
        """The user selected rows: the last one is shown on the canvas."""
        current = self.view.currentIndex()
        chosen = self.selected()
        if self._controller is not None and not self._following and chosen:
            last = self.model.label_at(current.row()) if current.isValid() else None
            self._following = True
            self._controller.objects.show(last if last in chosen else chosen[-1])
            self._following = False
        self._tell()

    def merge(self) -> None:
        """Merge the selected objects into the one with the lowest id."""
        chosen, controller = self.selected(), self._controller
        if controller is not None and controller.image is not None and len(chosen) > 1:
            controller.objects.merge(controller.image, chosen, min(chosen))

    def delete(self) -> None:
        """Delete the selected objects."""
        chosen, controller = self.selected(), self._controller
        if controller is not None and controller.image is not None and chosen:
            controller.objects.delete(controller.image, chosen)

    def _call(self, action: str) -> None:
        if self._controller is not None:
            getattr(self._controller, action)()

    def _rename(self, label: int, class_name: str) -> None:
        """Give a class to an object; to all selected ones, if it is one of them."""
        chosen = self.selected()
        if self._controller is not None:
            ids = chosen if label in chosen else [label]
            self._controller.objects.name(ids, class_name)


def controller_of(viewer: Any) -> Controller | None:
    """Return the annotation of a viewer, if its dock is open."""
    for widget in _docked(viewer):
        found = getattr(widget, "controller", None)
        if isinstance(found, Controller):
            return found
    return None


def _docked(viewer: Any) -> list[Any]:
    """What is docked in a viewer; before napari 0.6.2 it does not say."""
    return list(getattr(viewer.window, "dock_widgets", {}).values())


def open_table(viewer: Any, window: QWidget | None = None) -> ObjectsTable:
    """Open the object table of a viewer, or bring it to the front.

    Parameters
    ----------
    viewer : napari.Viewer
    window : QWidget or None
        The viewer's window: in a low one the table becomes a tab beside the canvas.
    """
    for widget in _docked(viewer):
        if isinstance(widget, ObjectsTable):
            dock = widget.parent()
            if isinstance(dock, QDockWidget):
                dock.show()
                dock.raise_()
            return widget
    table = ObjectsTable(viewer)
    tall = window is not None and window.height() >= TALL
    place = {"area": "bottom"} if tall else {"area": "right", "tabify": True}
    viewer.window.add_dock_widget(table, name=TITLE, **place)
    return table
