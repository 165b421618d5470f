"""A host without Qt: what the threads deliver waits until the test pumps it."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from pathlib import Path

from napari_sam21.control.questions import Question


class PumpHost:
    """The test's own thread owns the layers."""

    def __init__(self) -> None:
        self._calls: queue.Queue[Callable[[], None]] = queue.Queue()
        self._restless: list[Callable[[], None]] = []
        self.answers: list[str | Path | None] = []
        """What the user will say, in order."""
        self.asked: list[str] = []
        """What the user was asked."""

    def deliver(self, call: Callable[[], None]) -> None:
        """Put a call into the queue; from any thread."""
        self._calls.put(call)

    def soon(self, call: Callable[[], None], milliseconds: int = 0) -> None:
        """Put a call into the queue, however long it may wait."""
        self._calls.put(call)

    def turn(self) -> None:
        """Run what is in the queue now."""
        while not self._calls.empty():
            self._calls.get()()

    def debounced(
        self, call: Callable[[], None], milliseconds: int
    ) -> Callable[[], None]:
        """Run the call at the next `settle`, once."""

        def later() -> None:
            if call not in self._restless:
                self._restless.append(call)

        return later

    def ask(self, question: Question, answered: Callable[[str | None], None]) -> None:
        """Answer as the test wants; one who is not told what to say says no."""
        self.asked.append(question.text)
        answer = self.answers.pop(0) if self.answers else None
        assert answer is None or answer in question.answers
        self.deliver(lambda: answered(None if answer is None else str(answer)))

    def ask_place(
        self,
        title: str,
        suggested: Path,
        kinds: str,
        chosen: Callable[[Path | None], None],
    ) -> None:
        """Name the file that the test wants."""
        self.asked.append(title)
        answer = self.answers.pop(0) if self.answers else None
        assert answer is None or isinstance(answer, Path)
        self.deliver(lambda: chosen(answer))

    def settle(self) -> None:
        """Let the view come to rest."""
        waiting, self._restless = self._restless, []
        for call in waiting:
            call()

    def until(self, condition: Callable[[], object], timeout: float = 20) -> None:
        """Run what arrives until a condition holds."""
        end = time.monotonic() + timeout
        while not condition():
            try:
                self._calls.get(timeout=0.05)()
            except queue.Empty:
                if time.monotonic() > end:
                    raise TimeoutError("the condition never held") from None
