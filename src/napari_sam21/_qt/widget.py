"""The dock: choices, the state in words, candidates, actions. Thin: no decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox
from qtpy.QtCore import Qt, QTimer
from qtpy.QtGui import QHideEvent, QShowEvent
from qtpy.QtWidgets import (
    QCheckBox,
    QFormLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from napari_sam21._qt.choices import (
    OptionalList,
    follow,
    heading,
    let_shrink,
    plain_button,
    problem_color,
    side_by_side,
)
from napari_sam21._qt.closing import CloseGuard
from napari_sam21._qt.embeddings_row import EmbeddingsRow
from napari_sam21._qt.host import QtHost
from napari_sam21._qt.keys_panel import KeysPanel
from napari_sam21._qt.labels_panel import LabelsPanel
from napari_sam21._qt.look_panel import LookPanel
from napari_sam21._qt.many_panel import ManyRow
from napari_sam21._qt.model_picker import ModelPicker
from napari_sam21._qt.object_panel import ObjectPanel
from napari_sam21._qt.objects_table import open_table
from napari_sam21._qt.runs_on import RunsOn
from napari_sam21._qt.settings_dialog import SettingsButton
from napari_sam21.control.habits import REMEMBERED
from napari_sam21.control.keys import SHOWN_KEY
from napari_sam21.controller import Controller
from napari_sam21.layers.field import MODES
from napari_sam21.layers.scene import is_ours
from napari_sam21.shelf import ModelShelf

if TYPE_CHECKING:
    import napari
    from napari.layers import Layer

NEW_LABELS = "New labels layer"
POLICY_WORDS = {
    "keep": "Keep labels that are there",
    "overwrite": "Overwrite labels that are there",
    "inside": "Only inside the selected label",
}
REGION_TIP = (
    "What the model sees of the image: the part that you look at (a blue frame shows "
    "it), the whole image, or the part that it sees now"
)


class SamWidget(QWidget):
    """Click an object, get a label.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        Injected by napari.
    """

    def __init__(self, napari_viewer: napari.Viewer) -> None:
        super().__init__()
        self._viewer = napari_viewer
        self._guard: CloseGuard | None = None
        self.controller: Controller | None = None
        # Several changes of one gesture are shown once, when the gesture is over.
        self._late_show = QTimer(self)
        self._late_show.setSingleShot(True)
        self._late_show.timeout.connect(self._show)
        self._make_choices()
        self._make_state()
        self._look = LookPanel(napari_viewer, self._call)
        self._object = ObjectPanel(self._call)
        self._embeddings = EmbeddingsRow(lambda: self.controller)
        self._many = ManyRow(napari_viewer, lambda: self.controller)
        self._runs_on = RunsOn(lambda: self.controller)
        self._lay_out()
        self._open()

    # --- life --------------------------------------------------------------------

    def _open(self) -> None:
        """Start with the image that is active, or the topmost one."""
        from napari.layers import Image

        self.controller = controller = Controller(self._viewer, QtHost())
        controller.changed.connect(self._show_soon)
        controller.habits.join_page()
        self.destroyed.connect(lambda: controller.close(gone=True))
        active = self._viewer.layers.selection.active
        images = self._layers(Image)
        topmost = images[-1] if images else None
        controller.set_image(active if active in images else topmost)
        controller.start()  # who opens the dock wants to click
        self.reset_choices()

    def _close(self) -> None:
        if self.controller is not None and self.parent() is None:
            self.controller.close()
            self.controller = None
            self._embeddings.leave()
            if self._guard is not None:
                self._guard.remove()
                self._guard = None

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Leave the viewer if the dock was closed: it is hidden, and has no parent."""
        super().hideEvent(event)
        QTimer.singleShot(0, self._close)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Come back to a viewer that was left, and watch its window."""
        super().showEvent(event)
        if self.controller is None:
            self._open()
        window = self.window()
        if self._guard is None and window is not None and window is not self:
            self._guard = CloseGuard(window, self._open_objects, self._commit)

    def _open_objects(self) -> int:
        return 0 if self.controller is None else self.controller.open_objects()

    def _commit(self) -> None:
        if self.controller is not None:
            self.controller.commit()

    # --- parts -------------------------------------------------------------------

    def _make_choices(self) -> None:
        policies = [(text, key) for key, text in POLICY_WORDS.items()]
        fields = [(text, key) for key, text in MODES.items()]
        self._image = ComboBox(choices=self._image_choices)
        self._model = ModelPicker(self._shelf)
        self._labels = OptionalList(NEW_LABELS, self._labels_choices)
        self._output = LabelsPanel(
            self._labels.native,
            self._set_kind,
            lambda: self._call("save_labels"),
            lambda: open_table(self._viewer, self.window()),
            self._set_class,
        )
        self._policy = ComboBox(choices=policies)
        self._field = ComboBox(choices=fields)
        self._region = QLabel()
        self._pin = plain_button("Pin", "Stay with this image when others are selected")
        self._pin.setCheckable(True)
        self._pin.toggled.connect(self._set_pin)
        for combo, call in (
            (self._image, self._set_image),
            (self._labels, self._set_labels),
            (self._policy, self._set_policy),
            (self._field, self._set_field),
        ):
            combo.changed.connect(call)
            let_shrink(combo.native)
        self._labels.native.setMinimumContentsLength(5)  # beside it are two buttons
        self._field.native.setMinimumContentsLength(8)  # beside it stands how large
        self._field.native.setToolTip(REGION_TIP)
        self._region.setToolTip(REGION_TIP)

        self._hover = QCheckBox("Show the mask of a click")
        tip = "The mask that a click would give, in white, as the mouse moves"
        self._hover.setToolTip(f"{tip} ({SHOWN_KEY['toggle_hover']})")
        self._hover.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._hover.clicked.connect(lambda: self._call("toggle_hover"))
        safe = {key: POLICY_WORDS[key] for key in REMEMBERED}
        self._settings = SettingsButton(lambda: self.controller, safe)
        self._keys = plain_button("Keys…", "All keys, in a window of their own")
        self._keys.clicked.connect(lambda: KeysPanel(self).show())

    def _make_state(self) -> None:
        self._status = QLabel()
        self._status.setTextFormat(Qt.TextFormat.PlainText)
        self._status.setWordWrap(True)
        self._status.setMinimumHeight(self.fontMetrics().lineSpacing() * 3)
        self._status.setAlignment(Qt.AlignmentFlag.AlignTop)
        # No animated bar: every frame of one recomposes the window, canvas included.
        self._cancel = plain_button("Cancel", "Stop encoding")
        self._cancel.clicked.connect(lambda: self._call("cancel"))
        self._start = plain_button(
            "Start clicking", "Select the prompts layer, ready for a click"
        )
        self._start.clicked.connect(lambda: self._call("start"))

    def _lay_out(self) -> None:
        wait = side_by_side(self._cancel, self._start)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.addRow("Image", side_by_side(self._image.native, self._pin))
        form.addRow("Model", self._model)
        form.addRow(heading("The object"))
        for name, row in self._object.rows:
            form.addRow(name, row)
        form.addRow(self._object.actions)
        form.addRow(heading("The labels"))
        form.addRow("Labels", self._output.row)
        form.addRow("Commit as", self._output.commit_row)
        form.addRow("Overlap", self._policy.native)
        form.addRow("Many objects", self._many)
        form.addRow(heading("What the model sees"))
        for name, row in self._look.rows:
            form.addRow(name, row)
        form.addRow("Region", side_by_side(self._field.native, self._region))
        form.addRow("Embeddings", self._embeddings)
        form.addRow("Runs on", self._runs_on)
        form.addRow("Under mouse", self._hover)
        layout = QVBoxLayout(self)
        layout.addWidget(self._status)
        layout.addLayout(wait)
        layout.addLayout(form)
        layout.addStretch(1)
        layout.addLayout(side_by_side(QWidget(), self._keys, self._settings))

    # --- from the state to the dock ----------------------------------------------

    def reset_choices(self, event: Any = None) -> None:
        """Follow the layer list; napari calls this when it changes."""
        for combo in (self._image, self._labels):
            with combo.changed.blocked():
                combo.reset_choices()
        self._look.reset_choices()
        self._show()

    def _show_soon(self) -> None:
        self._late_show.start()

    def _show(self) -> None:
        """Show the state, all of it."""
        controller = self.controller
        if controller is None:
            return
        view = controller.view()
        follow(self._image, controller.image)
        follow(self._labels, controller.target.labels)
        self._model.follow(controller.inference.model_name)
        follow(self._policy, controller.commits.policy)
        labelled = controller.target.labels is not None
        self._output.show_state(controller.commits.kind, labelled)
        self._output.show_classes(controller.commits.classes)
        if controller.editor is not None:
            follow(self._field, controller.editor.field.mode)
        self._look.show_state(controller.editor)
        self._region.setText(view.region)
        self._pin.setChecked(controller.pinned)
        self._hover.setChecked(controller.hover.enabled)
        self._status.setText(view.status)
        self._mark_problem(view.problem)
        self._cancel.setVisible(view.busy)
        self._start.setVisible(not view.clickable and controller.image is not None)
        self._object.show_state(view)
        self._embeddings.follow()
        self._many.follow()
        self._runs_on.follow()

    def _mark_problem(self, problem: bool) -> None:
        """Colour the status; a style sheet is slow to set, so only on a change."""
        style = f"color: {problem_color(self._viewer.theme)}" if problem else ""
        if self._status.styleSheet() != style:
            self._status.setStyleSheet(style)

    # --- from the dock to the controller -----------------------------------------

    def _layers(self, kind: type[Layer]) -> list[Layer]:
        return [layer for layer in self._viewer.layers if isinstance(layer, kind)]

    def _image_choices(self, _: Any) -> list[tuple[str, Any]]:
        from napari.layers import Image

        found = [(layer.name, layer) for layer in self._layers(Image)]
        chosen = self.controller is not None and self.controller.image is not None
        return found if chosen and found else [("No image", None), *found]

    def _labels_choices(self, _: Any) -> list[tuple[str, Any]]:
        from napari.layers import Labels

        found = [layer for layer in self._layers(Labels) if not is_ours(layer)]
        return [(layer.name, layer) for layer in found]

    def _call(self, action: str, *values: Any) -> None:
        if self.controller is not None:
            getattr(self.controller, action)(*values)

    def _set_image(self, image: Any) -> None:
        if self.controller is not None:
            self.controller.set_image(image)

    def _set_pin(self, pinned: bool) -> None:
        if self.controller is not None:
            self.controller.pinned = pinned

    def _shelf(self) -> ModelShelf | None:
        return None if self.controller is None else self.controller.shelf

    def _set_labels(self, labels: Any) -> None:
        if self.controller is not None:
            self.controller.set_output(labels)

    def _set_field(self, mode: str) -> None:
        if self.controller is not None:
            self.controller.set_field(mode)

    def _set_kind(self, kind: str) -> None:
        if self.controller is not None:
            self.controller.commits.kind = kind

    def _set_class(self, name: str) -> None:
        if self.controller is not None:
            self.controller.commits.classes.choose(name)

    def _set_policy(self, policy: str) -> None:
        if self.controller is not None:
            self.controller.commits.policy = policy
