"""A word on the canvas for who uses this the first time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari.components import ViewerModel

FIRST_STEPS = (
    "Click an object. Shift+click what is not part of it. Enter makes it a label."
)
SHOWN = {"text": FIRST_STEPS, "position": "top_center", "font_size": 12}


class CanvasHint:
    """Borrows napari's text overlay, unless the user has something in it.

    Parameters
    ----------
    viewer : napari.Viewer
    """

    def __init__(self, viewer: ViewerModel) -> None:
        self._overlay = text_overlay(viewer)
        self._before: dict[str, Any] = {}

    @property
    def on_show(self) -> bool:
        """Whether our word is on the canvas."""
        return bool(self._before) and self._overlay.text == FIRST_STEPS

    def show(self) -> None:
        """Write the first steps on the canvas, if nothing else is there."""
        if self._before or self._overlay.visible:
            return
        self._before = {name: getattr(self._overlay, name) for name in SHOWN}
        for name, value in SHOWN.items():
            setattr(self._overlay, name, value)
        self._overlay.visible = True

    def hide(self) -> None:
        """Give the overlay back as it was; what the user wrote meanwhile stays."""
        if self.on_show:
            self._overlay.visible = False
            for name, value in self._before.items():
                setattr(self._overlay, name, value)
        self._before = {}


def text_overlay(viewer: ViewerModel) -> Any:
    """Return the overlay for text, which napari 0.9 has moved to the canvas."""
    overlays = getattr(getattr(viewer, "canvas", None), "overlays", None)
    return viewer.text_overlay if overlays is None else overlays.text
