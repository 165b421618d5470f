"""Choices: a row of buttons of which one is down, and lists that stay narrow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from magicgui.widgets import ComboBox
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QWidget,
)


class ChoiceRow(QWidget):
    """Buttons side by side; the host sets which one is down.

    Parameters
    ----------
    texts : sequence of str
    tooltips : sequence of str
    chosen : callable
        Gets the number of the button the user pressed.
    """

    def __init__(
        self,
        texts: Sequence[str],
        tooltips: Sequence[str],
        chosen: Callable[[int], None],
    ) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        self._buttons = [QPushButton(text) for text in texts]
        for number, (button, tip) in enumerate(
            zip(self._buttons, tooltips, strict=True)
        ):
            button.setCheckable(True)
            button.setToolTip(tip)
            # One that a click gives the focus would swallow Space and Enter.
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setMinimumWidth(40)
            # Qt asks for much room before napari's style is on, and keeps it then.
            button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            button.clicked.connect(lambda _=False, n=number: self._press(n, chosen))
            layout.addWidget(button)

    def show_choice(
        self, *down: int | None, texts: Sequence[str] | None = None
    ) -> None:
        """Set which buttons are down, and optionally what the buttons say."""
        for number, button in enumerate(self._buttons):
            button.setChecked(number in down)
            if texts is not None:
                button.setText(texts[number])

    def _press(self, number: int, chosen: Callable[[int], None]) -> None:
        self.show_choice(number)
        chosen(number)


class OptionalList(ComboBox):
    """A list of choices that begins with none of them; that, too, is told.

    Parameters
    ----------
    none : str
        What people read for None.
    choices : callable
        As magicgui takes it; without None.
    """

    def __init__(self, none: str, choices: Callable[[Any], list[Any]]) -> None:
        self.null_string = none  # magicgui reads it while it is made
        super().__init__(choices=choices, nullable=True)


def follow(combo: ComboBox, value: Any) -> None:
    """Show a value in a list of choices, without telling anybody."""
    with combo.changed.blocked():
        # Before 0.7 napari does not tell docks that a layer was renamed.
        renamed = combo.current_choice != getattr(combo.value, "name", None)
        if value not in combo.choices or (renamed and hasattr(value, "name")):
            combo.reset_choices()
        if value in combo.choices and combo.value != value:
            combo.value = value


def let_shrink(combo: QComboBox) -> None:
    """Long names must not widen the dock: the image needs the room."""
    combo.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    combo.setSizeAdjustPolicy(
        QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
    )
    combo.setMinimumContentsLength(12)
    combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)


def plain_button(text: str, tip: str) -> QPushButton:
    """Make a button that leaves the keyboard to the canvas, unless Tab comes to it."""
    button = QPushButton(text)
    button.setToolTip(tip)
    # One that a click gives the focus would swallow Space and Enter.
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button


def side_by_side(first: QWidget, *others: QWidget) -> QHBoxLayout:
    """Lay widgets out in a row; the first gets the room that is left."""
    row = QHBoxLayout()
    row.addWidget(first, 1)
    for each in others:
        row.addWidget(each)
    return row


def problem_color(theme: str) -> str:
    """Return a colour for a word about something to mend, readable in a theme."""
    from napari.utils.theme import get_theme

    red, green, blue = get_theme(theme).background.as_rgb_tuple()[:3]
    is_dark = 0.3 * red + 0.59 * green + 0.11 * blue < 128
    return "#ffb347" if is_dark else "#9a4a00"


def heading(text: str) -> QLabel:
    """Make the title of a group of rows."""
    title = QLabel(f"<b>{text}</b>")
    title.setContentsMargins(0, 6, 0, 0)
    return title
