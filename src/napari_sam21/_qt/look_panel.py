"""How the model is shown the image: a choice, and the colours of a composite."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from magicgui.widgets import ComboBox
from qtpy.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from napari_sam21._qt.choices import OptionalList, follow, let_shrink
from napari_sam21.layers.look import COLOURS, COMPOSITE, MODES

if TYPE_CHECKING:
    import napari

    from napari_sam21.control.editor import ImageEditor

TIP = (
    "How the model sees the image: as you see it (contrast limits and gamma of the "
    "layer); between the 0.1 and 99.9 percentiles of the part that it sees; or up to "
    "three image layers as the colours of one picture"
)
CHANNEL_TIP = (
    "The layer that the model sees in {colour}, by that layer's contrast limits and "
    "gamma. Grey image layers of the same shape and place can be chosen, RGB ones not."
)
NO_LAYER = "–"
INKS = ("#e5484d", "#2f9e44", "#4c8dff")
"""Of the words before the channels; readable on dark and on light."""


class LookPanel:
    """The row "Model sees".

    Parameters
    ----------
    viewer : napari.Viewer
    call : callable
        Takes the name of a controller's method, and its arguments.

    Attributes
    ----------
    rows : tuple of (str, QWidget)
        For a form: what each is called, and the row.
    """

    def __init__(self, viewer: napari.Viewer, call: Callable[..., None]) -> None:
        self._viewer, self._call = viewer, call
        self._mode = ComboBox(choices=[(text, key) for key, text in MODES.items()])
        self._mode.changed.connect(self._choose_mode)
        let_shrink(self._mode.native)
        self._mode.native.setToolTip(TIP)
        self._channels = [OptionalList(NO_LAYER, self._layers) for _ in COLOURS]
        self._composite = QWidget()
        self._lay_out_channels()
        row = QWidget()
        layout = QVBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._mode.native)
        layout.addWidget(self._composite)
        self._composite.hide()
        self.rows: tuple[tuple[str, QWidget], ...] = (("Model sees", row),)

    def _lay_out_channels(self) -> None:
        """One below the other: names of channels are long, and the dock is narrow."""
        layout = QGridLayout(self._composite)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setColumnStretch(1, 1)
        for number, (colour, ink) in enumerate(zip(COLOURS, INKS, strict=True)):
            combo = self._channels[number]
            combo.changed.connect(self._choose_channels)
            let_shrink(combo.native)
            label = QLabel(f"<span style='color: {ink}'>{colour}</span>")
            for column, part in enumerate((label, combo.native)):
                part.setToolTip(CHANNEL_TIP.format(colour=colour.lower()))
                layout.addWidget(part, number, column)

    def reset_choices(self) -> None:
        """Follow the layer list."""
        for combo in self._channels:
            with combo.changed.blocked():
                combo.reset_choices()

    def show_state(self, editor: ImageEditor | None) -> None:
        """Show what is chosen for the image."""
        self._mode.native.setEnabled(editor is not None)
        if editor is None:
            self._composite.hide()
            return
        sight = editor.sight
        follow(self._mode, sight.mode)
        for combo, layer in zip(self._channels, sight.channels, strict=True):
            follow(combo, layer)
        self._composite.setVisible(sight.mode == COMPOSITE)

    def _layers(self, _: Any) -> list[tuple[str, Any]]:
        from napari.layers import Image

        images = (each for each in self._viewer.layers if isinstance(each, Image))
        return [(each.name, each) for each in images if not each.rgb]

    def _choose_mode(self, mode: str) -> None:
        self._call("set_look", mode)

    def _choose_channels(self, _: Any) -> None:
        channels = tuple(combo.value for combo in self._channels)
        self._call("set_look", COMPOSITE, channels)
