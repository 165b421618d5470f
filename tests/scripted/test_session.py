"""A session by real mouse and key events: what is saved, restored and replayed.

The script is data, in `benchmarks.session.script`. Here its short form is played, or
with ``SAM21_SCRIPT=whole`` all of it; corrections are made as `tests/data/session.npz`
has them, and the labels held against those there. ``python -m benchmarks.session
record`` records again, once the script or `starter` is another one.
"""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile
from leaving import at_work, leave
from test_cli import call

from benchmarks.session.compare import differences
from benchmarks.session.player import Player, answer, open_dock, save
from benchmarks.session.record import RECORD, key_of, read
from benchmarks.session.script import SCENES, expected_ids, rows_of
from benchmarks.session.user import Recorded
from benchmarks.window import wait_until
from napari_sam21.core.prompts import POSITIVE
from napari_sam21.session.shelf import sessions

WHOLE = os.environ.get("SAM21_SCRIPT") == "whole"
ROOT = Path(__file__).parents[2]
KILLED_AFTER = 5
"""Rows; then an object is clicked, and not committed."""


@pytest.fixture
def open_viewer(make_napari_viewer, qtbot):
    """Open a viewer with the dock, and `starter`."""
    before = at_work()

    def open_viewer() -> SimpleNamespace:
        viewer = make_napari_viewer(show=True)
        return SimpleNamespace(viewer=viewer, widget=open_dock(viewer))

    yield open_viewer
    leave(qtbot, before)


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of sessions, of this process and of those that it starts."""
    monkeypatch.setenv("NAPARI_SAM21_SESSIONS", str(tmp_path / "kept"))
    return tmp_path / "kept" / "sessions"


def player_of(desk: SimpleNamespace, scene: str) -> Player:
    known = read(RECORD, key_of(scene, WHOLE))
    return Player(desk.viewer, desk.widget, scene, Recorded(known.clicks))


def replayed(folder: Path, out: Path) -> np.ndarray:
    """Labels as the command makes them of a session."""
    done = call("replay", str(folder), str(out))
    assert done.exit_code == 0, done.output
    return tifffile.imread(out)


def restored(desk: SimpleNamespace, scene: str) -> np.ndarray:
    """Open the image again, and say yes to the question."""
    desk.viewer.add_image(
        SCENES[scene].image(), name="again", **SCENES[scene].attributes()
    )
    assert "not saved" in answer("Restore")
    target = desk.widget.controller.target
    wait_until(lambda: target.labels is not None)
    return np.asarray(target.labels.data)


def test_the_whole_script_saves_forty_objects() -> None:
    assert sum(len(expected_ids(rows_of(name, whole=True))) for name in SCENES) == 40


@pytest.mark.parametrize("scene", SCENES)
def test_what_is_saved_is_what_was_made(
    open_viewer, shelf, tmp_path: Path, scene: str
) -> None:
    """Ids and counts exactly, masks as recorded, and the journal has every bit."""
    desk, rows = open_viewer(), rows_of(scene, WHOLE)
    player = player_of(desk, scene)
    player.play(rows)
    saved = tmp_path / f"{scene}.ome.tif"
    save(desk.widget, player.hands, saved)
    recorded = read(RECORD, key_of(scene, WHOLE)).labels
    assert differences(scene, saved, rows, recorded) == []
    labels = tifffile.imread(saved)
    np.testing.assert_array_equal(labels, player.labels)
    [session] = sessions(shelf)
    again = replayed(session.folder, tmp_path / "replayed.ome.tif")
    assert again.dtype == labels.dtype
    np.testing.assert_array_equal(again, labels)


def test_a_restart_brings_back_what_was_not_saved(open_viewer, shelf) -> None:
    first = open_viewer()
    player = player_of(first, "stack")
    player.play(rows_of("stack", WHOLE)[:1])
    left = player.labels.copy()
    assert left.any()
    first.viewer.window.remove_dock_widget(first.widget)
    wait_until(lambda: first.widget.controller is None)
    first.viewer.close()
    np.testing.assert_array_equal(restored(open_viewer(), "stack"), left)


def test_kill_9_in_the_middle_loses_nothing(open_viewer, shelf, tmp_path: Path) -> None:
    """Labels come back bit for bit, and the click that was not committed as well."""
    command = [sys.executable, "-m", "benchmarks.session", "play", "--kill"]
    child = subprocess.run(
        [*command, "--rows", str(KILLED_AFTER)],
        cwd=ROOT,
        env={**os.environ, "NAPARI_CONFIG": str(tmp_path / "settings.yaml")},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert child.returncode == -signal.SIGKILL
    digest = child.stdout.split()[-1]
    desk = open_viewer()
    labels = restored(desk, "fluorescence")
    assert hashlib.sha256(labels.tobytes()).hexdigest() == digest
    assert set(np.unique(labels)) == set(range(KILLED_AFTER + 1))
    marks = desk.widget.controller.editor.marks
    assert [mark.label for mark in marks] == [POSITIVE]
    [session] = sessions(shelf)
    again = replayed(session.folder, tmp_path / "replayed.ome.tif")
    np.testing.assert_array_equal(again, labels)
