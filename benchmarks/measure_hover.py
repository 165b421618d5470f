"""Masks under a moving mouse: their rate over bare decodes, and the event loop.

Answers are counted with their drawing left out, with it, and with a canvas that paints.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt, QTimer
from qtpy.QtGui import QMouseEvent
from qtpy.QtWidgets import QApplication

from benchmarks.measure_event_loop import gaps
from benchmarks.subject import (
    bare_session,
    decoder_feeds,
    decoder_outputs,
    grey_image,
    ready_tensor,
    run_encoder,
)
from benchmarks.timing import Outcome, Spread, ratio, timed
from benchmarks.window import annotating, canvas_of, frame_of, place_of, rest
from benchmarks.window import wait_until as wait

PACE = 8
"""Milliseconds between two moves: a usual mouse tells of 125 a second."""
SECONDS = 2.0
"""Length of a phase."""
TURN = 2.5
"""Seconds in which the mouse goes around once."""


class Mouse:
    """Goes around in the image, without a button, while a phase lasts.

    Parameters
    ----------
    viewer : napari.Viewer
    controller : Controller
        With an embedding that is ready.

    Attributes
    ----------
    answered : list of float
        When a mask under the mouse was there to be drawn, in seconds.
    draws : bool
        Whether it is drawn, too.
    """

    def __init__(self, viewer: Any, controller: Any) -> None:
        self._viewer, self._hover = viewer, controller.hover
        self._canvas, self._frame = canvas_of(viewer), frame_of(viewer)
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._move)
        self.answered: list[float] = []
        self.draws = True
        preview = controller.editor.scene.preview
        draw = preview.draw

        def watched(*what: Any, **how: Any) -> None:
            if self.draws:
                draw(*what, **how)
            if how.get("hint"):
                self.answered.append(time.perf_counter())

        preview.draw = watched

    def phase(self, moving: bool, hover: bool, painting: bool) -> np.ndarray:
        """Return the gaps of the event loop in a phase, in ms.

        Parameters
        ----------
        moving : bool
            Whether the mouse moves.
        hover : bool
            Whether masks are shown under it.
        painting : bool
            Whether the window may paint: all of it goes through OpenGL.
        """
        self._hover.switch(hover)
        rest(200)
        self.answered.clear()
        self._frame.setUpdatesEnabled(painting)
        if moving:
            self._timer.start(PACE)
        try:
            return gaps(lambda seconds: seconds > SECONDS)
        finally:
            self._timer.stop()
            self._frame.setUpdatesEnabled(True)

    def _move(self) -> None:
        angle = 2 * np.pi * time.perf_counter() / TURN
        place = place_of(
            self._viewer, 512 + 300 * np.sin(angle), 512 + 300 * np.cos(2 * angle)
        )
        QApplication.sendEvent(self._canvas, _moved(self._canvas, place))


def _moved(canvas: Any, place: QPoint) -> QMouseEvent:
    none = Qt.MouseButton.NoButton
    where = QPointF(place), QPointF(canvas.mapToGlobal(place))
    no_key = Qt.KeyboardModifier.NoModifier
    return QMouseEvent(QEvent.Type.MouseMove, *where, none, none, no_key)


class Phases:
    """What was found, phase by phase: mean ms from mask to mask, and of a decode."""

    def __init__(self, mouse: Mouse, decode: Callable[[], object]) -> None:
        self._mouse, self._decode = mouse, timed(decode)
        self.means: dict[str, list[float]] = {
            key: [] for key in ("apart", "off", "on", "bare")
        }
        self.gaps: dict[str, list[np.ndarray]] = {}

    def turn(self) -> None:
        """Run each phase once."""
        phase = self._mouse.phase
        self._keep("idle", phase(False, True, painting=False))
        self._keep("moves", phase(True, False, painting=False))
        before = self.decodes()
        self._hover("apart", draws=False)
        self._hover("off")
        self.means["bare"].append(float(np.mean(before + self.decodes())))
        self._hover("on", painting=True)

    def _hover(self, name: str, draws: bool = True, painting: bool = False) -> None:
        self._mouse.draws = draws
        self._keep(name, self._mouse.phase(True, True, painting))
        self.means[name].append(float(np.diff(self._mouse.answered).mean() * 1e3))
        self._mouse.draws = True

    def decodes(self) -> list[float]:
        """Decode for half a phase, one run after another."""
        rest(200)
        end, found = time.perf_counter() + SECONDS / 2, []
        while time.perf_counter() < end:
            found.append(self._decode())
        return found

    def _keep(self, name: str, found: np.ndarray) -> None:
        self.gaps.setdefault(name, []).append(found)

    def loop(self, key: str, name: str) -> Outcome:
        """Compare the 99th percentile of the gaps with that at rest."""
        each, idle = (
            [float(np.percentile(found, 99)) for found in self.gaps[which]]
            for which in (name, "idle")
        )
        ours, bare = (
            float(np.percentile(np.concatenate(self.gaps[which]), 99))
            for which in (name, "idle")
        )
        sides = {"ours": Spread.of(each), "bare": Spread.of(idle)}
        return Outcome(key, ours - bare, Spread.of(np.subtract(each, idle)), sides)


def measure(folder: Path, rounds: int) -> list[Outcome]:
    """Move the mouse over an image that is ready; in turns with rest and bare runs."""
    session = bare_session(folder, "decoder")
    features = run_encoder(bare_session(folder, "encoder"), ready_tensor())
    feeds, names = decoder_feeds(features), decoder_outputs(session)
    with annotating(grey_image(), folder) as (viewer, controller):
        wait(controller.editor.is_ready)
        controller.ahead.switch(False)
        phases = Phases(Mouse(viewer, controller), lambda: session.run(names, feeds))
        phases.decodes()
        for _ in range(rounds):
            phases.turn()
        controller.ahead.switch(True)
    return [
        ratio("hover", phases.means["apart"], phases.means["bare"]),
        ratio("hover_drawing", phases.means["off"], phases.means["bare"]),
        ratio("hover_painting", phases.means["on"], phases.means["bare"]),
        phases.loop("hover_loop", "apart"),
        phases.loop("hover_loop_drawing", "off"),
        phases.loop("hover_loop_off", "moves"),
        phases.loop("hover_loop_painting", "on"),
    ]
