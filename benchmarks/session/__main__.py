"""Play the script from the command line; needs a display, a virtual one will do.

python -m benchmarks.session record            both scripts, into tests/data
python -m benchmarks.session check             the whole script, against the record
python -m benchmarks.session play --rows 5 --kill
                                               a part, then kill -9 in the middle
"""

from __future__ import annotations

import argparse
import hashlib
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.session.compare import differences
from benchmarks.session.player import Player, open_dock, save
from benchmarks.session.record import RECORD, Record, key_of, read, write
from benchmarks.session.script import SCENES, rows_of
from benchmarks.session.user import Live, Recorded
from benchmarks.window import rest, wait_until

FIRST = "fluorescence"


@contextmanager
def desk() -> Iterator[tuple[Any, Any]]:
    """Open napari and the dock."""
    import napari

    viewer = napari.Viewer(show=True)
    widget = open_dock(viewer)
    try:
        yield viewer, widget
    finally:
        viewer.window.remove_dock_widget(widget)
        rest(100)
        viewer.close()
        rest(100)


@contextmanager
def own_places() -> Iterator[Path]:
    """Keep sessions and napari's settings of the person who runs this out of it."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NAPARI_CONFIG"] = str(Path(folder) / "settings.yaml")
        os.environ["NAPARI_SAM21_SESSIONS"] = folder
        os.environ["NAPARI_SAM21_CACHE"] = "off"
        yield Path(folder)


def record(out: Path) -> int:
    """Have the simulated user annotate everything, and keep what they did."""
    records = {}
    for whole in (False, True):
        for scene in SCENES:
            user = Live()
            with desk() as (viewer, widget):
                player = Player(viewer, widget, scene, user)
                player.play(rows_of(scene, whole))
                records[key_of(scene, whole)] = Record(player.labels, user.noted)
            say(f"{key_of(scene, whole)}: {len(user.noted)} corrections")
    write(out, records)
    say(f"{out}: {out.stat().st_size:,} bytes")
    return 0


def check() -> int:
    """Play the whole script as it was recorded; 1 if something differs."""
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for scene in SCENES:
            known, rows = read(RECORD, scene), rows_of(scene, whole=True)
            with desk() as (viewer, widget):
                player = Player(viewer, widget, scene, Recorded(known.clicks))
                player.play(rows)
                path = Path(folder) / f"{scene}.ome.tif"
                save(widget, player.hands, path)
                wrong += differences(scene, path, rows, known.labels)
    for word in wrong:
        say(word)
    say(f"{len(wrong)} differences")
    return int(bool(wrong))


def play(rows: int, kill: bool) -> int:
    """Play the first rows of the first scene; print the digest of the labels."""
    known = read(RECORD, key_of(FIRST, whole=False))
    script = rows_of(FIRST, whole=False)
    with desk() as (viewer, widget):
        player = Player(viewer, widget, FIRST, Recorded(known.clicks))
        player.play(script[:rows])
        say(hashlib.sha256(player.labels.tobytes()).hexdigest())
        player.begin(script[rows].target)
        wait_until(lambda: True)
        if kill:
            os.kill(os.getpid(), signal.SIGKILL)
    return 0


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.session")
    parser.add_argument("command", choices=("record", "check", "play"))
    parser.add_argument("--out", type=Path, default=RECORD, help="of record")
    parser.add_argument("--rows", type=int, default=5, help="of play")
    parser.add_argument("--kill", action="store_true", help="of play")
    options = parser.parse_args(arguments)
    if options.command == "play":  # its sessions are the caller's
        return play(options.rows, options.kill)
    with own_places():
        return record(options.out) if options.command == "record" else check()


if __name__ == "__main__":
    raise SystemExit(main())
