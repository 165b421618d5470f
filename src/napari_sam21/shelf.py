"""The models within reach, and the one that comes: fetched or imported in a lane.

Knows no napari and no Qt. Nothing is fetched unless `ModelShelf.fetch` is called, and
that is for who asked the user first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_sam21.core.errors import Sam21Error
from napari_sam21.core.lanes import Deliver, Lane
from napari_sam21.core.runtime import Cancellation
from napari_sam21.models.fetch import fetch_model
from napari_sam21.models.imports import import_model
from napari_sam21.models.install import Progress
from napari_sam21.models.last import FIRST, last_model, remember_model
from napari_sam21.models.library import ModelState, remove, state_of, states

TELL_SECONDS = 0.5
"""Progress is told so often: each time the window is drawn anew."""

Job = Callable[[Progress, Cancellation], str]


@dataclass(frozen=True)
class Coming:
    """A model on its way.

    Attributes
    ----------
    step : str
        What goes on, in words.
    done, total : int
        Bytes; ``total`` is 0 where there is nothing to count.
    """

    step: str
    done: int = 0
    total: int = 0


class ModelShelf:
    """Which models there are, and what can be done with them.

    Parameters
    ----------
    deliver : callable
        Runs a call in the thread that owns the layers.
    changed : callable
        Called when something here looks different.
    use : callable
        Gets the name of a model to ask from now on.
    failed : callable
        Gets what went wrong.
    """

    def __init__(
        self,
        deliver: Deliver,
        changed: Callable[[], None],
        use: Callable[[str], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._lane = Lane("sam21-models", deliver)
        self._deliver, self._changed = deliver, changed
        self._use, self._failed = use, failed
        self._states: tuple[ModelState, ...] | None = None
        self.coming: Coming | None = None

    def states(self) -> tuple[ModelState, ...]:
        """Return the state of every model; looked up once, until something changes."""
        if self._states is None:
            self._states = states()
        return self._states

    def first(self) -> str:
        """Return the model to begin with: the last one used, if it is still there."""
        name = last_model()
        try:
            return name if state_of(name).ready else FIRST
        except Sam21Error:
            return FIRST

    def pick(self, name: str) -> ModelState:
        """Use a model if it is here; what its state is, the caller may act upon."""
        state = state_of(name)
        if state.ready:
            remember_model(name)
            self._use(name)
        self.refresh()
        return state

    def fetch(self, name: str) -> None:
        """Fetch a model, then use it. Ask the user first."""
        self._bring(
            lambda tell, cancel: fetch_model(name, progress=tell, cancel=cancel).name
        )

    def take_over(self, paths: Sequence[Path], *, replace: bool = False) -> None:
        """Import a model from files, then use it."""
        self._bring(
            lambda tell, _: import_model(*paths, replace=replace, progress=tell)
        )

    def remove(self, name: str) -> None:
        """Delete a model; the one in use makes way for the embedded one first."""
        self._use(FIRST)
        remember_model(FIRST)
        try:
            remove(name)
        except Sam21Error as error:
            self._failed(error)
        self.refresh()

    def cancel(self) -> None:
        """Stop what is on its way; what has come is continued the next time."""
        self._lane.cancel()
        self.coming = None
        self.refresh()

    def close(self) -> None:
        """Cancel, and let the thread end."""
        self._lane.close()

    def refresh(self) -> None:
        """Look at the disk again."""
        self._states = None
        self._changed()

    def _bring(self, job: Job) -> None:
        self.coming = Coming("Preparing")

        def run(cancel: Cancellation) -> str:
            return job(_Teller(self._deliver, self._told, cancel), cancel)

        self._lane.submit(run, self._came, self._did_not_come)
        self._changed()

    def _told(self, coming: Coming) -> None:
        if self._lane.busy:  # a late word of a job that is over
            self.coming = coming
            self._changed()

    def _came(self, name: str) -> None:
        self.coming = None
        self.pick(name)

    def _did_not_come(self, error: BaseException) -> None:
        self.coming = None
        self.refresh()
        self._failed(error)


class _Teller:
    """Passes progress on to the thread that owns the layers, now and then."""

    def __init__(
        self,
        deliver: Deliver,
        told: Callable[[Coming], None],
        cancel: Cancellation,
    ) -> None:
        self._deliver, self._told, self._cancel = deliver, told, cancel
        self._step, self._last = "", 0.0

    def __call__(self, step: str, done: int, total: int) -> None:
        self._cancel.raise_if_wished()
        now = time.monotonic()
        if step != self._step or now - self._last >= TELL_SECONDS:
            self._step, self._last = step, now
            self._deliver(lambda: self._told(Coming(step, done, total)))
