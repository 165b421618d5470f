"""Nothing the user made is lost by closing the window without a question."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QMessageBox, QWidget


class CloseGuard(QObject):
    """Asks before a window with uncommitted work is closed by its user.

    A program that closes the window (a test, a script) is not asked: it could not
    answer.

    Parameters
    ----------
    window : QWidget
        Watched from now on.
    open_objects : callable
        How many objects are not committed.
    commit : callable
        Commits the one on show.
    """

    def __init__(
        self,
        window: QWidget,
        open_objects: Callable[[], int],
        commit: Callable[[], None],
    ) -> None:
        super().__init__(window)
        self._window = window
        self._open_objects = open_objects
        self._commit = commit
        window.installEventFilter(self)

    def remove(self) -> None:
        """Stop watching."""
        self._window.removeEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Stop a close event if the user wants to go back."""
        if event is None:
            return False
        closing = event.type() == QEvent.Type.Close and event.spontaneous()
        if closing and self._open_objects() and not self._may_close():
            event.ignore()
            return True
        return False

    def _may_close(self) -> bool:
        buttons = QMessageBox.StandardButton
        count = self._open_objects()
        answer = QMessageBox.question(
            self._window,
            "Objects not committed",
            f"{count} clicked object{'s are' if count > 1 else ' is'} not a label yet. "
            "Save commits the one on show and stays here, so that you can save the "
            "labels; Discard closes without it.",
            buttons.Save | buttons.Discard | buttons.Cancel,
            buttons.Save,
        )
        if answer == buttons.Save:
            self._commit()
        return bool(answer == buttons.Discard)
