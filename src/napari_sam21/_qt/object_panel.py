"""What is done to the object in the making: its candidates, its points, its end."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtWidgets import QGridLayout, QPushButton, QWidget

from napari_sam21._qt.candidates import CandidateRow
from napari_sam21._qt.choices import ChoiceRow, plain_button
from napari_sam21._qt.cleaning_row import CleaningRow
from napari_sam21.control.keys import SHOWN_KEY
from napari_sam21.control.view import View
from napari_sam21.core.prompts import BOX, NEGATIVE, POSITIVE

ACTIONS = (
    ("commit", "Commit", "Write the mask on show into the labels", 0, 0),
    ("clear", "Clear", "Take the prompts of this object away", 0, 1),
    ("undo", "Undo", "Take back the last point or commit", 1, 0),
    ("redo", "Redo", "Do again what was undone", 1, 1),
)
"""Method of the controller, text, tooltip, row and column of each button."""

LABELS = (POSITIVE, NEGATIVE, BOX)
POLARITY_TEXTS = ("● In", "✕ Out", "■ Box", "∿ Line")
SCRIBBLE = len(LABELS)
"""Number of the button that is down together with a sign."""


class ObjectPanel:
    """The rows and buttons of the object in the making.

    Parameters
    ----------
    call : callable
        Takes the name of a controller's method, and its arguments.

    Attributes
    ----------
    rows : tuple of (str, QWidget)
        For a form: what each is called, and the row.
    actions : QGridLayout
        The buttons.
    """

    def __init__(self, call: Callable[..., None]) -> None:
        self._candidates = CandidateRow(lambda number: call("choose", number))
        self._call = call
        key = SHOWN_KEY["switch_polarity"]
        tips = [
            f"The next point is on the object ({key})",
            f"The next point is not on the object ({key}, or Shift+click)",
            f"The next drag draws a box around the object ({SHOWN_KEY['draw_box']})",
            "Drag along the object: a few points are put on the stroke; with Shift or "
            f"the right button, along what is not part of it ({SHOWN_KEY['scribble']})",
        ]
        self._polarity = ChoiceRow(POLARITY_TEXTS, tips, self._choose_prompt)
        self._cleaning = CleaningRow(lambda *wished: call("set_cleaning", *wished))
        self.rows: tuple[tuple[str, QWidget], ...] = (
            ("Next prompt", self._polarity),
            ("Candidates", self._candidates),
            ("Clean masks", self._cleaning),
        )
        self._buttons: dict[str, QPushButton] = {}
        self.actions = QGridLayout()
        for name, text, tip, row, column in ACTIONS:
            button = plain_button(f"{text} ({SHOWN_KEY[name]})", tip)
            button.clicked.connect(lambda _=False, n=name: call(n))
            self._buttons[name] = button
            self.actions.addWidget(button, row, column)

    def _choose_prompt(self, button: int) -> None:
        if button == SCRIBBLE:
            self._call("scribble")
        else:
            self._call("set_polarity", LABELS[button])

    def show_state(self, view: View) -> None:
        """Show the scores, the choice, and what can be done now."""
        self._candidates.show_state(view)
        scribble = SCRIBBLE if view.scribbling else None
        self._polarity.show_choice(LABELS.index(view.next_label), scribble)
        self._polarity.setEnabled(view.active)
        self._cleaning.show_state(view.cleaning)
        for name, button in self._buttons.items():
            button.setEnabled(getattr(view, f"can_{name}"))
