"""The row of candidates: a picture, the predicted IoU and the area of each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QSize
from qtpy.QtGui import QIcon, QImage, QPixmap

from napari_sam21._qt.choices import ChoiceRow
from napari_sam21.control.keys import SHOWN_KEY
from napari_sam21.control.view import View
from napari_sam21.layers.preview import COLOR

NONE_YET = "–"
PLACES = ("Smallest candidate", "Middle candidate", "Largest candidate")
GROUND = 0xFF303640
"""Behind the masks, as ARGB: their colour is read well on it in every theme."""


class CandidateRow(ChoiceRow):
    """Three buttons, from part to whole.

    Parameters
    ----------
    chosen : callable
        Gets the number of the candidate, which is not that of the button.
    """

    def __init__(self, chosen: Callable[[int], None]) -> None:
        self._order: tuple[int, ...] = ()
        super().__init__(
            [NONE_YET] * len(PLACES),
            [_tip(place) for place in PLACES],
            lambda button: chosen(self._order[button]),
        )
        for button in self._buttons:
            button.setIconSize(QSize(20, 20))

    def show_state(self, view: View) -> None:
        """Show each candidate, and which one is chosen."""
        self._order = view.order
        self.setEnabled(bool(view.order))
        if not view.order:
            self.show_choice(None, texts=[NONE_YET] * len(PLACES))
            for button in self._buttons:
                button.setIcon(QIcon())
            return
        texts = [f"{view.scores[number]:.2f}" for number in view.order]
        self.show_choice(view.order.index(view.index), texts=texts)
        for button, place, number in zip(
            self._buttons, PLACES, view.order, strict=False
        ):
            button.setIcon(_icon(view.swatches[number]))
            button.setToolTip(_tip(place, view.scores[number], view.areas[number]))


def _tip(place: str, score: float | None = None, area: int = 0) -> str:
    keys = f"{SHOWN_KEY['previous_candidate']} / {SHOWN_KEY['next_candidate']}"
    if score is None:
        return f"{place} and its predicted IoU ({keys})"
    return f"{place}: predicted IoU {score:.2f}, about {area:,} pixels ({keys})"


def _icon(swatch: npt.NDArray[np.bool_]) -> QIcon:
    """Draw a mask in the colour of the preview."""
    ink = 0xFF000000 | int(COLOR.lstrip("#"), 16)
    pixels = np.where(swatch, ink, GROUND).astype(np.uint32)
    height, width = pixels.shape
    image = QImage(pixels.tobytes(), width, height, QImage.Format.Format_RGB32)
    return QIcon(QPixmap.fromImage(image.copy()))  # a copy that owns its pixels
