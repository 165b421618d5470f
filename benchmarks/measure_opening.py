"""From an open dock to a click that would be answered, over loading bare sessions.

The image was annotated before: its embedding is stored, and the graphs are compiled.
The window does not paint. How long it takes to open the dock itself, with imports and
layers that napari makes, is told beside it. Each side is a fresh process. Run as a
module with ``ours`` or ``bare`` and a folder, it is that process, and prints seconds.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.timing import Outcome, interleaved, plain, ratio

NAME = "measured"
PLACES = {
    "NAPARI_SAM21_HOME": "home",
    "NAPARI_SAM21_CACHE": "embeddings",
    "NAPARI_SAM21_SETTINGS": "settings",
    "NAPARI_SAM21_SESSIONS": "sessions",
    "XDG_CACHE_HOME": "cache",
}
"""Folders that belong to the measurement alone."""


def open_dock() -> tuple[float, float]:
    """Open napari with an image, then the dock.

    Returns
    -------
    ready, whole : float
        Seconds to readiness since the dock was open, and since it was asked for.
    """
    import napari

    from benchmarks.subject import grey_image
    from benchmarks.window import frame_of, rest, wait_until

    viewer = napari.Viewer(show=True)
    viewer.window.resize(1200, 800)
    viewer.add_image(grey_image(), name="image")
    rest(1000)
    frame_of(viewer).setUpdatesEnabled(False)
    start = time.perf_counter()
    from napari_sam21._qt.widget import SamWidget

    widget = SamWidget(viewer)
    viewer.window.add_dock_widget(widget, name="SAM 2.1", area="right")
    opened = time.perf_counter()
    controller = widget.controller
    wait_until(lambda: controller.editor is not None and controller.editor.is_ready())
    ready = time.perf_counter()
    frame_of(viewer).setUpdatesEnabled(True)
    rest(2000)  # what is written to disk in the background
    return ready - opened, ready - start


def load_bare(folder: Path) -> float:
    """Return seconds to open both files."""
    import onnxruntime

    start = time.perf_counter()
    for part in ("encoder", "decoder"):
        onnxruntime.InferenceSession(
            folder / f"{part}.onnx", providers=["CPUExecutionProvider"]
        )
    return time.perf_counter() - start


def child(side: str, folder: Path, places: Path) -> list[float]:
    """Run one side in a fresh process; return the milliseconds that it prints."""
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
    return [1e3 * float(each) for each in done.stdout.splitlines()[-1].split()]


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
        whole: list[float] = []

        def ours() -> float:
            ready, all_of_it = child("ours", folder, places)
            whole.append(all_of_it)
            return ready

        sides = {"ours": ours, "bare": lambda: child("bare", folder, places)[0]}
        found = interleaved(sides, rounds, warm_up=1)
    return [
        ratio("opening", found["ours"], found["bare"]),
        plain("opening_whole", whole),
        plain("opening_first", [first[1]]),
    ]


def main() -> None:
    """Be the process that is measured."""
    side, folder = sys.argv[1], Path(sys.argv[2])
    if side == "prepare":
        prepare(folder)
        sys.stdout.write("0\n")
    else:
        seconds = open_dock() if side == "ours" else (load_bare(folder),)
        sys.stdout.write(" ".join(map(str, seconds)) + "\n")
        sys.stdout.flush()
        os._exit(0)  # closing windows is none of it, and Mesa may crash there


if __name__ == "__main__":
    main()
