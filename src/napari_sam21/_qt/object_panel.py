"""What is done to the object in the making: its candidates, its points, its end."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtWidgets import QGridLayout, QPushButton, QWidget

from napari_sam21._qt.choices import ChoiceRow, plain_button
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
POLARITY_TEXTS = ("● Object", "✕ Background", "■ Box")


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
        shown = f"{SHOWN_KEY['previous_candidate']} / {SHOWN_KEY['next_candidate']}"
        tips = [f"Candidate {n} and its predicted IoU ({shown})" for n in (1, 2, 3)]
        self._candidates = ChoiceRow(["–"] * 3, tips, lambda n: call("choose", n))
        key = SHOWN_KEY["switch_polarity"]
        tips = [
            f"The next point is on the object ({key})",
            f"The next point is not on the object ({key}, or Shift+click)",
            f"The next drag draws a box around the object ({SHOWN_KEY['draw_box']})",
        ]
        self._polarity = ChoiceRow(
            POLARITY_TEXTS, tips, lambda n: call("set_polarity", LABELS[n])
        )
        self.rows: tuple[tuple[str, QWidget], ...] = (
            ("Next prompt", self._polarity),
            ("Candidates", self._candidates),
        )
        self._buttons: dict[str, QPushButton] = {}
        self.actions = QGridLayout()
        for name, text, tip, row, column in ACTIONS:
            button = plain_button(f"{text} ({SHOWN_KEY[name]})", tip)
            button.clicked.connect(lambda _=False, n=name: call(n))
            self._buttons[name] = button
            self.actions.addWidget(button, row, column)

    def show_state(self, view: View) -> None:
        """Show the scores, the choice, and what can be done now."""
        texts = [f"{score:.2f}" for score in view.scores] or ["–"] * 3
        self._candidates.show_choice(view.index if view.scores else None, texts)
        self._candidates.setEnabled(bool(view.scores))
        self._polarity.show_choice(LABELS.index(view.next_label))
        self._polarity.setEnabled(view.active)
        for name, button in self._buttons.items():
            button.setEnabled(getattr(view, f"can_{name}"))
