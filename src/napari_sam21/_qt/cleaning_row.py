"""The row of what is done to every mask before it is a label."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QSizePolicy, QWidget

from napari_sam21.core.cleaning import Cleaning

LARGEST_TIP = "Keep the largest piece of each mask only, as the preview shows it"
HOLES_TIP = "Fill the holes of each mask, as the preview shows it"


class CleaningRow(QWidget):
    """Two boxes to tick.

    Parameters
    ----------
    chosen : callable
        Gets whether to keep the largest piece only, and whether to fill holes.
    """

    def __init__(self, chosen: Callable[[bool, bool], None]) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.largest, self.holes = QCheckBox("Largest piece"), QCheckBox("Fill holes")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for box, tip in ((self.largest, LARGEST_TIP), (self.holes, HOLES_TIP)):
            box.setToolTip(tip)
            # Qt asks for much room before napari's style is on, and keeps it then.
            box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            box.clicked.connect(
                lambda _=False: chosen(self.largest.isChecked(), self.holes.isChecked())
            )
            layout.addWidget(box)

    def show_state(self, cleaning: Cleaning) -> None:
        """Show what is chosen."""
        self.largest.setChecked(cleaning.largest_piece)
        self.holes.setChecked(cleaning.fill_holes)
