"""Qt as the host of a controller: its thread, and its timers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qtpy.QtCore import QTimer
from superqt.utils import ensure_main_thread, qdebounced

from napari_sam21._qt import questions
from napari_sam21.control.questions import Question


class QtHost:
    """Calls reach the GUI thread through Qt's event loop."""

    def deliver(self, call: Callable[[], None]) -> object:
        """Run a call in the GUI thread, soon; from any thread."""
        return _in_main_thread(call)

    def soon(self, call: Callable[[], None], milliseconds: int = 0) -> None:
        """Run a call at the next turn of the event loop, or a while later."""
        QTimer.singleShot(milliseconds, call)

    def debounced(
        self, call: Callable[[], None], milliseconds: int
    ) -> Callable[[], object]:
        """Return a call that runs once its callers were quiet for a while."""
        return qdebounced(call, timeout=milliseconds)

    def ask(self, question: Question, answered: Callable[[str | None], None]) -> None:
        """Ask in a window; the program goes on meanwhile."""
        questions.ask(question, answered)

    def ask_place(
        self,
        title: str,
        suggested: Path,
        kinds: str,
        chosen: Callable[[Path | None], None],
    ) -> None:
        """Ask for a file to write in a window; the program goes on meanwhile."""
        questions.ask_place(title, suggested, kinds, chosen)


@ensure_main_thread
def _in_main_thread(call: Callable[[], None]) -> None:
    call()
