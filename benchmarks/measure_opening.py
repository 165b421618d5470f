"""From opening the dock to a click that would be answered, over loading bare sessions.

The image was annotated before: its embedding is stored, and the graphs are compiled.
Each side is a fresh process that imports what it needs. Run as a module with ``ours``
or ``bare`` and a folder, it is that process, and prints seconds.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.timing import Outcome, interleaved, ratio

NAME = "measured"
PLACES = {
    "NAPARI_SAM21_HOME": "home",
    "NAPARI_SAM21_CACHE": "embeddings",
    "NAPARI_SAM21_SETTINGS": "settings",
    "NAPARI_SAM21_SESSIONS": "sessions",
    "XDG_CACHE_HOME": "cache",
}
"""Folders that belong to the measurement alone."""


def open_dock() -> float:
    """Open napari with an image; return seconds from opening the dock to readiness."""
    import napari

    from benchmarks.subject import grey_image
    from benchmarks.window import rest, wait_until

    viewer = napari.Viewer(show=True)
    viewer.window.resize(1200, 800)
    viewer.add_image(grey_image(), name="image")
    rest(1000)
    start = time.perf_counter()
    from napari_sam21._qt.widget import SamWidget

    widget = SamWidget(viewer)
    viewer.window.add_dock_widget(widget, name="SAM 2.1", area="right")
    controller = widget.controller
    wait_until(lambda: controller.editor is not None and controller.editor.is_ready())
    seconds = time.perf_counter() - start
    rest(2000)  # what is written to disk in the background
    viewer.window.remove_dock_widget(widget)
    viewer.close()
    return seconds


def load_bare(folder: Path) -> float:
    """Return seconds to import onnxruntime and to open both files."""
    start = time.perf_counter()
    import onnxruntime

    for part in ("encoder", "decoder"):
        onnxruntime.InferenceSession(
            folder / f"{part}.onnx", providers=["CPUExecutionProvider"]
        )
    return time.perf_counter() - start


def child(side: str, folder: Path, places: Path) -> float:
    """Run one side in a fresh process."""
    own = {name: str(places / place) for name, place in PLACES.items()}
    command = [sys.executable, "-m", "benchmarks.measure_opening", side, str(folder)]
    done = subprocess.run(
        command,
        cwd=Path(__file__).parent.parent,
        env=os.environ | own,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return float(done.stdout.split()[-1])


def prepare(folder: Path) -> None:
    """Bring the model to where this process keeps models, as the one used last."""
    from napari_sam21.models.imports import import_model
    from napari_sam21.models.last import remember_model

    import_model(folder, name=NAME)
    remember_model(NAME)


def measure(folder: Path, rounds: int) -> list[Outcome]:
    """Open once as the first time; then compare later openings."""
    folder = folder.resolve()
    with tempfile.TemporaryDirectory() as scratch:
        places = Path(scratch)
        child("prepare", folder, places)
        first = child("ours", folder, places)
        sides = {
            "ours": lambda: child("ours", folder, places),
            "bare": lambda: child("bare", folder, places),
        }
        found = interleaved(sides, rounds, warm_up=1)
    later = {side: [1e3 * each for each in times] for side, times in found.items()}
    return [
        ratio("opening", later["ours"], later["bare"]),
        ratio("opening_first", [1e3 * first] * len(later["bare"]), later["bare"]),
    ]


def main() -> None:
    """Be the process that is measured."""
    side, folder = sys.argv[1], Path(sys.argv[2])
    if side == "prepare":
        prepare(folder)
        sys.stdout.write("0\n")
    else:
        seconds = open_dock() if side == "ours" else load_bare(folder)
        sys.stdout.write(f"{seconds}\n")


if __name__ == "__main__":
    main()
