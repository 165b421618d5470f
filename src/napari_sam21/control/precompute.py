"""Fills the store ahead of an annotation session, between the user's clicks. No Qt.

The items of a plan go through the encode lane one by one, below everything that is
asked for: what the user waits for stops the running item, which is begun again after.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

from napari_sam21.control.ports import Host
from napari_sam21.core.errors import ModelError, StoreError
from napari_sam21.core.fill import Progress, how_long
from napari_sam21.inference import Inference
from napari_sam21.layers.source import Source

PAUSE_MS = 400
"""After what the user waited for; the answers to its clicks come first, too."""

ENDS = (ModelError, StoreError)
"""What goes wrong with one would go wrong with all that follow."""

NAMED = 3
"""Problems that a report tells in full."""


class Precompute:
    """One plan at a time, in one session.

    Parameters
    ----------
    inference : Inference
    host : Host
    changed : callable
        Called when something here looks different.
    say : callable
        Gets how a plan ended, and whether there is something to mend.

    Attributes
    ----------
    progress : Progress or None
        Of the plan that runs.
    report : str
        How the last one ended, for people.
    """

    def __init__(
        self,
        inference: Inference,
        host: Host,
        changed: Callable[[], None],
        say: Callable[[str, bool], None],
    ) -> None:
        self.progress: Progress | None = None
        self.report = ""
        self._inference, self._changed, self._say = inference, changed, say
        self._model: str | Path = ""
        self._begun = 0.0
        self._left: deque[Source] = deque()
        self._later = host.debounced(self._go_on, PAUSE_MS)
        inference.asked.connect(self._asked)

    @property
    def running(self) -> bool:
        """Whether a plan is being carried out."""
        return self.progress is not None

    def start(self, sources: Iterable[Source]) -> None:
        """Carry out a plan; what is in the store already is passed over."""
        self.cancel()
        self._left = deque(sources)
        self._model = self._inference.model_name
        self.progress, self.report = Progress(len(self._left)), ""
        self._inference.stop_quiet()
        self._go_on()
        self._changed()

    def cancel(self, why: str = "") -> None:
        """Stop; what was made is kept, and passed over the next time."""
        if self.progress is not None:
            self._inference.stop_quiet()
            self._end(f"Stopped. {why}".strip())

    def close(self) -> None:
        """Stop, and listen no more."""
        self._inference.asked.disconnect(self._asked)
        self._inference.stop_quiet()
        self.progress = None

    def in_words(self) -> str:
        """Say how far it is, or how it ended."""
        if self.progress is None:
            return self.report
        text = f"Embedding ahead: {self.progress.done} of {self.progress.total}"
        left = self.progress.seconds_left
        return text if left is None else f"{text}, about {how_long(left)} left"

    def _asked(self) -> None:
        if self.running:
            self._later()

    def _go_on(self) -> None:
        """Begin the next item, or the one that was stopped again."""
        if self.progress is None or self._inference.quiet:
            return
        if self._inference.model_name != self._model:
            self.cancel("Another model is in use now.")
        elif not self._left:
            self._end("")
        elif self._inference.fill_quietly(self._left[0], self._filled, self._failed):
            self._begun = time.monotonic()
        else:
            self._later()  # the user's own request is still on its way

    def _filled(self, made: bool) -> None:
        if self.progress is not None:
            seconds = time.monotonic() - self._begun
            self._pass(self.progress.after(made, seconds))

    def _failed(self, error: BaseException) -> None:
        """One that cannot be made does not stop the rest, but a model does."""
        if self.progress is not None:
            if isinstance(error, ENDS):
                self.cancel(str(error))
            else:
                where = self._left[0].plane
                self._pass(
                    self.progress.without(f"{where}: {str(error) or repr(error)}")
                )

    def _pass(self, progress: Progress) -> None:
        self._left.popleft()
        self.progress = progress
        self._go_on()
        self._changed()

    def _end(self, word: str) -> None:
        if self.progress is not None:
            problem = bool(self.progress.problems)
            self.report = f"{word} {told(self.progress)}".strip()
            self.progress = None
            self._left.clear()
            self._say(self.report, problem)


def told(progress: Progress) -> str:
    """Say what came of a plan."""
    kept = progress.made + progress.found
    text = f"{kept} of {progress.total} embeddings are ready"
    if progress.found:
        text += f" ({progress.found} were there already)"
    if not progress.problems:
        return f"{text}."
    named = "; ".join(progress.problems[:NAMED])
    more = ", …" if len(progress.problems) > NAMED else ""
    return f"{text}; {len(progress.problems)} could not be made: {named}{more}"
