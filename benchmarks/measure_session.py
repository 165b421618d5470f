"""Gestures and seconds an object, over the scripted session; polygons beside it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import napari
import numpy as np
import numpy.typing as npt

from benchmarks.session import polygon
from benchmarks.session.player import Played, Player, ScriptError, open_dock
from benchmarks.session.script import SCENES, Gesture, expected_ids, rows_of
from benchmarks.session.user import Live
from benchmarks.timing import Outcome, Spread, plain
from benchmarks.window import rest
from training.clicks import iou

STACK = "stack"


@dataclass(frozen=True)
class Object:
    """One that was saved.

    Attributes
    ----------
    gestures, seconds : float
        Of all rows that are about it.
    drawn : int
        Gestures that polygons as good would have taken.
    reached : float
        IoU with the truth.
    """

    gestures: float
    seconds: float
    drawn: int
    reached: float


def measure(folder: Path, rounds: int) -> list[Outcome]:
    """Have the simulated user annotate all three images; once, whatever the rounds."""
    found: dict[str, list[Object]] = {}
    spent = 0
    for scene in SCENES:
        try:
            played, labels = annotated(scene, folder)
        except (ScriptError, TimeoutError) as error:
            print(f"session: not with this model ({error})", file=sys.stderr)
            return []
        spent += sum(row.gestures for row in played)
        found[scene] = objects(scene, played, labels)
    flat = [each for name, own in found.items() if name != STACK for each in own]
    every = [each for own in found.values() for each in own]
    return [
        Outcome("session_script", spent / len(every), Spread.of([spent / len(every)])),
        _compared("session", flat),
        _compared("session_stack", found[STACK]),
        plain("session_seconds", [each.seconds for each in flat], "s"),
        plain("session_stack_seconds", [each.seconds for each in found[STACK]], "s"),
        _mean("session_iou", [each.reached for each in flat]),
        _mean("session_stack_iou", [each.reached for each in found[STACK]]),
    ]


def annotated(scene: str, model: Path) -> tuple[list[Played], npt.NDArray[np.uint16]]:
    """Play the whole script of an image; return what it took, and the labels."""
    viewer = napari.Viewer(show=True)
    widget = open_dock(viewer, model)
    try:
        rest(300)
        player = Player(viewer, widget, scene, Live())
        played = player.play(rows_of(scene, whole=True))
        return played, player.labels.copy()
    finally:
        widget.controller.clear()
        viewer.window.remove_dock_widget(widget)
        rest(100)
        viewer.close()
        rest(100)


def objects(
    scene: str, played: list[Played], labels: npt.NDArray[np.uint16]
) -> list[Object]:
    """Sum up what each saved object took."""
    truth, rows = SCENES[scene].truth(), [each.row for each in played]
    wrong = {Gesture.MISTAKE, Gesture.DELETE}
    targets = {r.label: r.target for r in rows if r.target and r.gesture not in wrong}
    found = []
    for label in sorted(expected_ids(rows)):
        own = [each for each in played if each.row.label == label]
        real, ours = truth == targets[label], labels == label
        found.append(
            Object(
                sum(each.gestures for each in own),
                sum(each.seconds for each in own),
                polygon.gestures(real, ours),
                iou(ours, real),
            )
        )
    return found


def _compared(key: str, found: list[Object]) -> Outcome:
    """Compare mean gestures; the spread is of the ratios of each object."""
    ours, drawn = ([getattr(o, n) for o in found] for n in ("gestures", "drawn"))
    sides = {"ours": Spread.of(ours), "bare": Spread.of(drawn)}
    value = float(np.mean(ours) / np.mean(drawn))
    return Outcome(key, value, Spread.of(np.divide(ours, drawn)), sides, "gestures")


def _mean(key: str, values: list[float]) -> Outcome:
    return Outcome(key, float(np.mean(values)), Spread.of(values))
