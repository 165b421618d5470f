"""From a click to the refreshed preview layer, over a bare decoder run.

A click is made when the button goes up. The decoder may be asked before: as soon as it
goes down, or already when the mouse came to rest there. A script that adds a point
gives no such hint; that is measured, too.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import QEventLoop, Qt, QTimer
from qtpy.QtTest import QTest

from benchmarks.subject import (
    bare_session,
    decoder_feeds,
    decoder_outputs,
    grey_image,
    ready_tensor,
    run_encoder,
)
from benchmarks.timing import Outcome, interleaved, plain, ratio, timed
from benchmarks.window import (
    TIMEOUT,
    annotating,
    canvas_of,
    frame_of,
    place_of,
    rest,
    wait_until,
)

QUIET = 200
"""Milliseconds of rest before a click: longer than the plugin's own debounce."""


HELD = 80
"""Milliseconds that a mouse button is held down for a click."""


class Clicker:
    """Adds points to the prompts layer, and knows when the preview has followed.

    Parameters
    ----------
    viewer : napari.Viewer
    controller : Controller
        With an embedding that is ready.
    where : callable
        Makes of a random generator the next point to click, data coordinates.
    """

    def __init__(
        self,
        viewer: Any,
        controller: Any,
        where: Callable[[Any], Any] = lambda rng: rng.uniform(200, 800, (1, 2)),
    ) -> None:
        self._viewer, self._where = viewer, where
        self._canvas = canvas_of(viewer)
        self._frame = frame_of(viewer)
        self._controller = controller
        self._rng = np.random.default_rng(0)
        self._loop = QEventLoop()
        self._drawn = 0.0
        preview = controller.editor.scene.preview
        draw = preview.draw

        def watched(*what: Any, **how: Any) -> None:
            draw(*what, **how)
            self._drawn = time.perf_counter()
            self._loop.quit()

        preview.draw = watched

    def click(
        self, painting: bool = False, hover: bool = True, mouse: bool = True
    ) -> float:
        """Click on a fresh object; return milliseconds to the refreshed preview.

        The event loop sleeps while the decoder runs, as in a napari at work.

        Parameters
        ----------
        painting : bool
            Whether the window may paint meanwhile. All of it goes through OpenGL,
            because the canvas does.
        hover : bool
            Whether masks are shown under the mouse before.
        mouse : bool
            Whether it is a click of the mouse; else a point is added by a call.
        """
        self._controller.clear()
        self._controller.hover.switch(hover)
        rest(QUIET)
        self._frame.setUpdatesEnabled(painting)
        try:
            return self.press() if mouse else self.add()
        finally:
            self._frame.setUpdatesEnabled(True)

    def add(self, *hidden: float) -> float:
        """Add a point on a slice now; return milliseconds to the refreshed preview."""
        points = self._controller.editor.scene.prompts.layer
        position = np.array([[*hidden, *self._where(self._rng)[0]]])
        return self._until_drawn(lambda: points.add(position))

    def press(self) -> float:
        """Press a mouse button, and let it go; return milliseconds from then on."""
        left = Qt.MouseButton.LeftButton
        position = place_of(self._viewer, *self._where(self._rng)[0])
        QTest.mouseMove(self._canvas, position)
        QTest.mousePress(self._canvas, left, pos=position)
        rest(HELD)
        return self._until_drawn(
            lambda: QTest.mouseRelease(self._canvas, left, pos=position)
        )

    def _until_drawn(self, act: Callable[[], object]) -> float:
        watchdog = QTimer()
        watchdog.setSingleShot(True)
        watchdog.timeout.connect(self._loop.quit)
        watchdog.start(TIMEOUT)
        start = time.perf_counter()
        act()
        self._loop.exec()
        if self._drawn < start:
            raise TimeoutError(f"no preview: {self._controller.view().status}")
        return (self._drawn - start) * 1e3

    def paint(self) -> float:
        """Return milliseconds of one paint of the canvas, pixels read back."""
        return timed(self._canvas.grabFramebuffer)()


def rested(run: Callable[[], float]) -> Callable[[], float]:
    """Rest before a run as before a click: both find caches and cores as cold."""

    def after_rest() -> float:
        rest(QUIET)
        return run()

    return after_rest


def measure(folder: Path, rounds: int) -> list[Outcome]:
    """Compare clicks on a ready embedding with runs of the bare decoder."""
    session = bare_session(folder, "decoder")
    features = run_encoder(bare_session(folder, "encoder"), ready_tensor())
    feeds, names = decoder_feeds(features), decoder_outputs(session)
    with annotating(grey_image(), folder) as (viewer, controller):
        wait_until(controller.editor.is_ready)
        clicker = Clicker(viewer, controller)
        sides = {
            "bare": rested(timed(lambda: session.run(names, feeds))),
            "click": clicker.click,
            "click_unseen": lambda: clicker.click(hover=False),
            "click_added": lambda: clicker.click(mouse=False),
            "click_painting": lambda: clicker.click(painting=True),
            "paint": clicker.paint,
        }
        found = interleaved(sides, rounds, warm_up=2)
    clicks = [key for key in sides if key.startswith("click")]
    compared = [ratio(key, found[key], found["bare"]) for key in clicks]
    return [*compared, plain("paint", found["paint"])]
