"""Clicks while embeddings are made ahead, over the same clicks while none are."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure_click import Clicker
from benchmarks.subject import grey_image
from benchmarks.timing import Outcome, Spread, interleaved, ratio
from benchmarks.window import annotating, rest, wait_until

SLICES = 400
STEP = 5
"""Further than neighbours reach: each click finds new ones to be embedded."""

MIDDLE = 150
"""Milliseconds after the begin of an encode, so that a click meets it in the middle."""

IDLE = 2000
"""Milliseconds of which the processor time is taken."""


class Reader:
    """Goes to a fresh slice of a stack, and clicks there.

    Parameters
    ----------
    viewer : napari.Viewer
    controller : Controller
    """

    def __init__(self, viewer: Any, controller: Any) -> None:
        self._viewer, self._controller = viewer, controller
        self._clicker = Clicker(viewer, controller)
        self._slice = 0

    def _arrive(self, neighbours: bool) -> None:
        self._controller.clear()
        self._controller.ahead.switch(neighbours)
        self._slice += STEP
        self._viewer.dims.set_point(0, self._slice)
        rest(300)
        wait_until(self._controller.editor.is_ready)

    def _click(self) -> float:
        return self._clicker.press()

    def at_rest(self) -> float:
        """Click while nothing else is done."""
        self._arrive(neighbours=False)
        rest(1200)
        return self._click()

    def with_neighbours(self) -> float:
        """Click while a neighbour is being encoded."""
        self._arrive(neighbours=True)
        wait_until(lambda: self._controller.inference.quiet)
        rest(MIDDLE)
        return self._click()

    def with_plan(self) -> float:
        """Click while a plan is carried out."""
        self._arrive(neighbours=False)
        editor, precompute = self._controller.editor, self._controller.precompute
        plane, region = editor.plane(), editor.region()
        hidden = [((0, self._slice + step),) for step in (1, 2)]
        planes = [type(plane)(plane.displayed, h, plane.shape) for h in hidden]
        precompute.start([editor.source(each, region) for each in planes])
        rest(MIDDLE)
        took = self._click()
        precompute.cancel()
        return took

    def idle(self, neighbours: bool) -> float:
        """Return processor time at rest, in ms a second, all neighbours being there."""
        self._arrive(neighbours)
        rest(1500)
        wait_until(lambda: not self._controller.inference.quiet)
        rest(1500)
        start = time.process_time()
        rest(IDLE)
        return (time.process_time() - start) * 1e6 / IDLE


def measure(folder: Path, rounds: int) -> list[Outcome]:
    """Compare clicks on ready slices of a stack, and what is left running after."""
    plane = grey_image()
    rng = np.random.default_rng(0)
    # Each slice is another one, and none takes memory.
    stack = np.lib.stride_tricks.as_strided(
        np.pad(plane, ((0, SLICES), (0, 0))) + rng.integers(0, 2, dtype=plane.dtype),
        (SLICES, *plane.shape),
        (plane.strides[0], *plane.strides),
    )
    with annotating(stack, folder) as (viewer, controller):
        wait_until(controller.editor.is_ready)
        reader = Reader(viewer, controller)
        found = interleaved(
            {
                "rest": reader.at_rest,
                "ahead": reader.with_neighbours,
                "ahead_plan": reader.with_plan,
            },
            rounds,
        )
        idle = interleaved(
            {
                "off": lambda: reader.idle(False),
                "on": lambda: reader.idle(True),
            },
            max(rounds // 4, 1),
            warm_up=0,
        )
    more = np.asarray(idle["on"]) - np.asarray(idle["off"])
    sides = {"ours": Spread.of(idle["on"]), "bare": Spread.of(idle["off"])}
    spread = Spread.of(more)
    return [
        *(ratio(key, found[key], found["rest"]) for key in ("ahead", "ahead_plan")),
        Outcome("ahead_idle", spread.median, spread, sides, "ms/s"),
    ]
