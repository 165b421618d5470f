"""The first steps, on the canvas, for who has not made a label yet."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_sam21.control.habits import Habits
from napari_sam21.layers.hint import CanvasHint

if TYPE_CHECKING:
    from napari.components import ViewerModel


class Welcome:
    """Shows the first steps until the first label, once and for all.

    Parameters
    ----------
    viewer : napari.Viewer
    habits : Habits
        Remembers that there was a label.
    """

    def __init__(self, viewer: ViewerModel, habits: Habits) -> None:
        self._habits = habits
        self._hint = CanvasHint(viewer)

    def begin(self) -> None:
        """An image can be clicked."""
        if not self._habits.chosen.knows_first_steps:
            self._hint.show()

    def end(self) -> None:
        """Take the word away; it may come back the next time."""
        self._hint.hide()

    def learnt(self) -> None:
        """The user made a label: nothing has to be told any more."""
        self._hint.hide()
        chosen = self._habits.chosen
        if not chosen.knows_first_steps:
            self._habits.choose(replace(chosen, knows_first_steps=True))
