"""Gaps of Qt's event loop while encoding, against the same napari at rest.

A timer is due every `PERIOD` ms; a gap is the time from one of its calls to the next.
A timer without a period would spin on one of the encoder's cores and drown every gap
in thousands of empty turns.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import QEventLoop, Qt, QTimer

from benchmarks.subject import grey_image
from benchmarks.timing import Outcome, Spread, plain
from benchmarks.window import annotating, wait_until
from napari_sam21.core.store import MemoryStore
from napari_sam21.layers.watch import VERSIONS

PERIOD = 5
SECONDS = 5.0
"""Length of a phase; a phase of encoding also lasts `ENCODES` at least."""
ENCODES = 2


def gaps(enough: Callable[[float], bool]) -> np.ndarray:
    """Record gaps in ms until enough of a phase, given its seconds, is over."""
    loop, timer = QEventLoop(), QTimer()
    start = time.perf_counter()
    times = [start]

    def tick() -> None:
        times.append(time.perf_counter())
        if enough(times[-1] - start):
            loop.quit()

    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(tick)
    timer.start(PERIOD)
    loop.exec()
    timer.stop()
    return np.diff(times) * 1e3


class ColdEncoder:
    """Keeps the encode lane busy: every embedding is asked for as if it were new."""

    def __init__(self, controller: Any) -> None:
        self._inference = controller.inference
        self._editor = controller.editor
        self._inference._store = MemoryStore(budget=0)
        self.started = 0

    def enough(self, seconds: float) -> bool:
        """Encode again if nothing runs; tell whether the phase is over."""
        if not self._inference.encoding:
            if seconds > SECONDS and self.started >= ENCODES:
                return True
            self._editor._watch.version = next(VERSIONS)
            self._editor._embed_ahead()
            self.started += 1
        return False


def measure(folder: Path, rounds: int) -> list[Outcome]:
    """Alternate phases of rest and of encoding."""
    idle, busy = [], []
    with annotating(grey_image(), folder) as (_, controller):
        wait_until(controller.editor.is_ready)
        for _ in range(rounds):
            idle.append(gaps(lambda seconds: seconds > SECONDS))
            busy.append(gaps(ColdEncoder(controller).enough))
    at_rest, encoding = (
        [float(np.percentile(phase, 99)) for phase in phases] for phases in (idle, busy)
    )
    pooled = [float(np.percentile(np.concatenate(each), 99)) for each in (busy, idle)]
    difference = Outcome(
        "event_loop",
        pooled[0] - pooled[1],
        Spread.of(np.subtract(encoding, at_rest)),
        {"ours": Spread.of(encoding), "bare": Spread.of(at_rest)},
    )
    longest = [float(phase.max()) for phase in busy]
    return [difference, plain("event_loop_longest", longest)]
