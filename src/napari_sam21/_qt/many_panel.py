"""Many objects at once: a menu, and two buttons for what was found."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import (
    QHBoxLayout,
    QMenu,
    QSizePolicy,
    QWidget,
)

from napari_sam21._qt.choices import plain_button
from napari_sam21._qt.many_dialogs import CarryDialog, FiltersDialog, SeedsDialog
from napari_sam21.control.many import Many
from napari_sam21.control.words import objects
from napari_sam21.controller import Controller
from napari_sam21.layers.planes import level_shape
from napari_sam21.layers.scene import is_ours

if TYPE_CHECKING:
    from napari.components import ViewerModel

TIPS = {
    "find": "Find many objects at once; you accept or discard what is found",
    "here": "Find all objects of the region that the model sees now",
    "plane": "Find all objects of the whole plane, part by part, each as large as the "
    "region that the model sees now: zoom in first if objects are small",
    "seeds": "Find the middles of round things, as points that you can correct",
    "points": "Click once on each point of a Points layer",
    "refine": "Ask the model for each label of a layer again, for instance those of "
    "another tool. Labels of the output layer keep their numbers",
    "settings": "How many points are asked, and what counts as an object",
    "slices": "Follow the object on show, or the selected label, through slices or "
    "frames",
    "accept": "Write all of these objects into the labels: one step, one undo",
    "discard": "Take these objects away; no label is changed",
}


class ManyRow(QWidget):
    """A row of the dock.

    Parameters
    ----------
    viewer : napari.Viewer
    controller : callable
        Returns the controller, or None while there is none.
    """

    def __init__(
        self, viewer: ViewerModel, controller: Callable[[], Controller | None]
    ) -> None:
        super().__init__()
        self._viewer, self._controller = viewer, controller
        self.menu = QMenu(self)
        self.menu.setToolTipsVisible(True)
        self.menu.aboutToShow.connect(self.fill_menu)
        self._find = plain_button("Find", TIPS["find"])
        self._find.setMenu(self.menu)
        self._slices = plain_button("Through slices…", TIPS["slices"])
        self._slices.clicked.connect(lambda: self._ask_carry())
        self._accept = plain_button("Accept", TIPS["accept"])
        self._accept.clicked.connect(lambda: self._with_many(lambda m: m.tray.accept()))
        self._discard = plain_button("Discard", TIPS["discard"])
        self._discard.clicked.connect(
            lambda: self._with_many(lambda m: m.tray.discard())
        )
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for each in (self._find, self._slices, self._accept, self._discard):
            each.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            each.setMinimumWidth(60)  # a long text must not widen the dock
            row.addWidget(each)
        self.follow()

    # --- from the state to the row -----------------------------------------------

    def follow(self) -> None:
        """Show what can be done now."""
        controller = self._controller()
        many = None if controller is None else controller.many
        count = 0 if many is None else many.tray.count
        for each in (self._find, self._slices):
            each.setVisible(not count)
        for each in (self._accept, self._discard):
            each.setVisible(bool(count))
        self._accept.setText(f"Accept {objects(count)}")
        words = "" if many is None else many.tray.words
        self._accept.setToolTip(f"{words}\n{TIPS['accept']}".strip())
        editor = None if controller is None else controller.editor
        plane = None if editor is None else editor.shown()
        idle = many is not None and not many.running and plane is not None
        self._find.setEnabled(idle)
        shape = () if editor is None else level_shape(editor.image)
        deep = plane is not None and any(shape[axis] > 1 for axis, _ in plane.hidden)
        self._slices.setEnabled(idle and deep)

    def fill_menu(self) -> None:
        """List what can be found, and in which layers."""
        from napari.layers import Labels, Points

        menu = self.menu
        menu.clear()
        self._add(menu, "Segment everything here", "here", lambda m: m.everything())
        self._add(
            menu,
            "Segment everything on the whole plane",
            "plane",
            lambda m: m.everything(whole_plane=True),
        )
        menu.addSeparator()
        self._add(menu, "Find seeds…", "seeds", self._ask_seeds)
        self._add_layers(
            "One object for each point of", "points", Points, Many.one_for_each_point
        )
        self._add_layers("Refine the labels of", "refine", Labels, Many.refine)
        menu.addSeparator()
        self._add(menu, "Settings…", "settings", self._ask_filters)

    def _add(
        self, menu: QMenu, text: str, tip: str, call: Callable[[Many], object]
    ) -> None:
        action: Any = menu.addAction(text)
        action.setToolTip(TIPS[tip])
        action.triggered.connect(lambda _=False: self._with_many(call))

    def _add_layers(
        self,
        text: str,
        tip: str,
        kind: type[Any],
        call: Callable[[Many, Any], None],
    ) -> None:
        """Add a menu of the user's layers of a kind."""
        sub: Any = self.menu.addMenu(text)
        sub.setToolTipsVisible(True)
        sub.menuAction().setToolTip(TIPS[tip])
        layers = list(self._layers(kind))
        sub.setEnabled(bool(layers))
        for layer in layers:
            self._add(sub, layer.name, tip, partial(_on, layer, call))

    def _layers(self, kind: type[Any]) -> Iterable[Any]:
        found = (each for each in self._viewer.layers if isinstance(each, kind))
        return (each for each in found if not is_ours(each))

    # --- from the user -----------------------------------------------------------

    def _with_many(self, call: Callable[[Many], object]) -> None:
        controller = self._controller()
        if controller is not None:
            call(controller.many)

    def _ask_filters(self, many: Many) -> None:
        FiltersDialog(self, many).open()

    def _ask_seeds(self, many: Many) -> None:
        SeedsDialog(self, many).open()

    def _ask_carry(self) -> None:
        controller = self._controller()
        editor = None if controller is None else controller.editor
        plane = None if editor is None else editor.shown()
        if controller is not None and editor is not None and plane is not None:
            CarryDialog(self, controller.many, editor.image, plane).open()


def _on(layer: Any, call: Callable[[Many, Any], None], many: Many) -> None:
    call(many, layer)
