"""Take the README's picture: a real image, prompts, preview, labels, the whole dock.

Needs a display, a virtual one will do:

    xvfb-run -a -s "-screen 0 1600x1200x24" .venv/bin/python scripts/screenshot.py
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path

import napari
import numpy as np
from qtpy.QtWidgets import QApplication
from scipy import ndimage

from napari_sam21.controller import Controller
from napari_sam21.layers.navigate import camera_of

SAMPLE = "fluorescence"
COMMITTED = 45
PICTURE = Path(__file__).parents[1] / "docs" / "images" / "screenshot.png"


def wait(condition: Callable[[], bool], seconds: float = 30) -> None:
    """Let Qt work until a condition holds."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)


def centres_rc(truth: np.ndarray) -> list[tuple[float, float]]:
    """Return the innermost point of each object, largest objects first."""
    sizes = np.bincount(truth.ravel())
    found = []
    for label in np.argsort(-sizes[1:]) + 1:
        depth = ndimage.distance_transform_edt(np.pad(truth == label, 1))[1:-1, 1:-1]
        row, column = np.unravel_index(depth.argmax(), depth.shape)
        found.append((float(row), float(column)))
    return found


def click(controller: Controller, point_rc: tuple[float, float], label: int) -> None:
    """Add a point as the mouse does, and wait for the answer."""
    if controller.editor is None:
        raise SystemExit("the dock has no image")
    controller.set_polarity(label)
    controller.editor.scene.prompts.layer.add([point_rc])
    wait(lambda: controller.view().can_commit)


def annotate(controller: Controller, truth: np.ndarray) -> None:
    """Commit some objects, and leave one in the making."""
    points = centres_rc(truth)
    for point in points[1 : COMMITTED + 1]:
        click(controller, point, 1)
        controller.commit()
    row, column = points[0]
    controller.say("")
    click(controller, (row, column), 1)
    click(controller, (row + 12, column + 20), 0)
    controller.set_polarity(1)


def main() -> None:
    """Write the picture."""
    os.environ["NAPARI_SAM21_SESSIONS"] = "off"  # nothing of it is worth keeping
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, default=PICTURE)
    out: Path = parser.parse_args().out
    viewer = napari.Viewer()
    viewer.window.resize(1200, 800)
    viewer.open_sample("napari-sam21", SAMPLE)
    truth = viewer.layers[1].data
    viewer.layers.pop(1)
    _, widget = viewer.window.add_plugin_dock_widget("napari-sam21")
    controller = widget.controller
    wait(lambda: controller.editor.is_ready())
    annotate(controller, truth)
    wait(lambda: False, 1)
    viewer.reset_view()
    camera_of(viewer).zoom *= 2.2
    wait(lambda: False, 1)
    out.parent.mkdir(parents=True, exist_ok=True)
    viewer.screenshot(str(out), canvas_only=False, flash=False)
    viewer.close()


if __name__ == "__main__":
    main()
