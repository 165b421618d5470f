"""The row "Runs on": what the model runs on, the user's wish, and measuring again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from magicgui.widgets import ComboBox
from qtpy.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from napari_sam21._qt.choices import follow, let_shrink, plain_button, side_by_side
from napari_sam21.control.tuning import Tuner
from napari_sam21.controller import Controller
from napari_sam21.core.providers.way import EXACT, FAST
from napari_sam21.models.choosing.wish import VARIABLE, Wish

TIP = (
    "What runs the model. Automatic: the fastest that agreed with the CPU on a test "
    "image; it is measured on this machine when you rest"
)
PRECISION_TIP = (
    "Fast: also what rounds more than float32 does, where masks came out the same. "
    "Exact float32: nothing that rounds more than the CPU"
)
PRECISIONS = {FAST: "Fast", EXACT: "Exact float32"}


class RunsOn(QWidget):
    """Two choices, a button, and a line that says how the model is run.

    Parameters
    ----------
    controller : callable
        Returns the controller, or None while there is none.
    """

    def __init__(self, controller: Callable[[], Controller | None]) -> None:
        super().__init__()
        self._controller = controller
        self._offered = [("Automatic", "automatic"), ("CPU", "cpu")]
        words = [(text, key) for key, text in PRECISIONS.items()]
        self.place = ComboBox(choices=lambda _: self._offered)
        self.precision = ComboBox(choices=words)
        for combo, tip in ((self.place, TIP), (self.precision, PRECISION_TIP)):
            combo.changed.connect(self._choose)
            let_shrink(combo.native)
            combo.native.setMinimumContentsLength(4)  # two in a row
            combo.native.setToolTip(tip)
        self.again = plain_button(
            "Measure again", "Try every way to run the model on this machine, now"
        )
        self.again.clicked.connect(lambda: self._measure())
        self.line = QLabel()
        self.line.setWordWrap(True)
        self.line.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(side_by_side(self.place.native, self.precision.native))
        layout.addLayout(side_by_side(self.line, self.again))

    def follow(self) -> None:
        """Show the wish, and how the model is run now."""
        tuner = self._tuner()
        if tuner is None:
            return
        wish = tuner.wish
        self._offer(tuner, wish)
        follow(self.place, wish.runs_on)
        follow(self.precision, wish.precision)
        for combo in (self.place, self.precision):
            combo.native.setEnabled(not wish.named)
        said = f" (set by {VARIABLE})" if wish.named else ""
        self.line.setText(tuner.in_words() + said)
        self.line.setToolTip(tuner.tip())
        self.again.setText("Stop" if tuner.running else "Measure again")

    def _offer(self, tuner: Tuner, wish: Wish) -> None:
        """List what was found; a wish for something else stays in the list."""
        offered = tuner.choices()
        if wish.runs_on not in dict((b, a) for a, b in offered):
            offered = [*offered, (wish.runs_on, wish.runs_on)]
        if offered != self._offered:
            self._offered = offered
            with self.place.changed.blocked():
                self.place.reset_choices()

    def _choose(self) -> None:
        tuner = self._tuner()
        if tuner is not None:
            chosen = replace(
                Wish(), runs_on=self.place.value, precision=self.precision.value
            )
            tuner.use(chosen)

    def _measure(self) -> None:
        tuner = self._tuner()
        if tuner is not None and not tuner.cancel():
            tuner.measure_again()

    def _tuner(self) -> Tuner | None:
        controller = self._controller()
        return None if controller is None else controller.tuner
