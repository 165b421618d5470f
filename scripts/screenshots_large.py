r"""Take the pictures of docs/images-of-any-size.md: a slide, and a stack in µm.

Needs a display, a virtual one will do:

    xvfb-run -a -s "-screen 0 1600x1200x24" .venv/bin/python \
        scripts/screenshots_large.py
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import dask.array as da
import napari
import numpy as np
from PIL import Image
from scipy import ndimage
from screenshot import centres_rc, wait

from napari_sam21.controller import Controller
from napari_sam21.samples import read_image, read_labels

IMAGES = Path(__file__).parents[1] / "docs" / "images"
SIDE, TILE, LEVELS = 20_480, (512, 640), 5
SLICES, TIMES = 9, 4
MICROMETRES = (30.0, 2.0, 0.5, 0.5)
"""Between neighbours along time (seconds, here), depth, rows and columns."""

Deep = Any
"""A dask array."""


def opened(title: str) -> tuple[Any, Controller]:
    """Open napari with the dock, as a laptop shows it."""
    viewer = napari.Viewer(title=title)
    viewer.window.resize(1200, 800)
    _, widget = viewer.window.add_plugin_dock_widget("napari-sam21")
    controller: Controller = widget.controller
    return viewer, controller


def camera_of(viewer: Any) -> Any:
    """Return the camera: napari 0.9 has moved it."""
    return getattr(viewer, "scene", viewer).camera


def look(viewer: Any, centre_rc: tuple[float, float], zoom: float) -> None:
    """Zoom in, and let it be drawn."""
    camera_of(viewer).center = (0.0, *centre_rc)
    camera_of(viewer).zoom = zoom
    wait(lambda: False, 1.5)


def click(controller: Controller, position: tuple[float, ...]) -> None:
    """Click where the embedding is ready, and wait for the answer."""
    editor = controller.editor
    if editor is None:
        raise SystemExit("the dock has no image")
    wait(editor.is_ready)
    editor.scene.prompts.layer.add([position])
    wait(lambda: controller.view().can_commit)


def slide() -> list[Deep]:
    """Make a pyramid of 20,480² pixels of 16 bits, every level lazy."""
    tile = read_image("fluorescence")[: TILE[0], : TILE[1]].astype(np.uint16) * 16
    levels = []
    for level in range(LEVELS):
        step = 1 << level
        small = tile.reshape(TILE[0] // step, step, TILE[1] // step, step)
        small = small.mean(axis=(1, 3)).astype(np.uint16)
        levels.append(da.tile(da.from_array(small), (SIDE // TILE[0], SIDE // TILE[1])))
    return levels


def nearest(
    points: Sequence[tuple[float, float]], centre: np.ndarray
) -> list[tuple[float, float]]:
    """Sort points by their distance from a place."""
    return sorted(points, key=lambda each: float(np.hypot(*(each - centre))))


def take_slide(out: Path) -> None:
    """A slide, zoomed in: the region's outline, and a preview."""
    viewer, controller = opened("slide")
    viewer.add_image(
        slide(), multiscale=True, contrast_limits=(0, 1400), name="slide, 20,480²"
    )
    points = centres_rc(read_labels("fluorescence")[: TILE[0], : TILE[1]])
    corner, middle = SIDE // 2, np.array([256.0, 256.0])
    point = nearest(points, middle)[0]
    centre = tuple(corner + middle)
    look(viewer, centre, 3.4)
    click(controller, tuple(corner + np.asarray(point)))
    look(viewer, centre, 1.5)  # the object keeps its region: all of its outline is seen
    save(viewer, out)


def stack() -> np.ndarray:
    """Make a stack of times and depths: each depth further out of focus."""
    tile = read_image("fluorescence").astype(np.float32)
    found = np.zeros((TIMES, SLICES, *tile.shape), np.uint16)
    for time in range(TIMES):
        for depth in range(SLICES):
            blurred = ndimage.gaussian_filter(tile, 0.8 * abs(depth - SLICES // 2))
            found[time, depth] = np.roll(blurred * 16, 3 * time, axis=1)
    return found


def take_stack(out: Path) -> None:
    """A stack in micrometres: labels, a preview, and the scale bar."""
    viewer, controller = opened("stack")
    viewer.add_image(
        stack(),
        name="stack",
        scale=MICROMETRES,
        units=("s", "um", "um", "um"),
        axis_labels=("time", "depth", "y", "x"),
        contrast_limits=(0, 2600),
    )
    viewer.dims.axis_labels = ("time", "depth", "y", "x")
    viewer.dims.point = (0.0, SLICES // 2 * MICROMETRES[1], 0.0, 0.0)
    viewer.scale_bar.visible = True
    points = centres_rc(read_labels("fluorescence"))
    centre = np.median(points, axis=0)
    near = sorted(
        points, key=lambda each: float(np.hypot(*(np.subtract(each, centre))))
    )
    look(viewer, tuple(centre * MICROMETRES[2:]), 5)
    for point in near[1:7]:
        click(controller, (0.0, SLICES // 2, *point))
        controller.commit()
        wait(lambda: False, 0.3)
    click(controller, (0.0, SLICES // 2, *near[0]))
    save(viewer, out)


def save(viewer: Any, out: Path) -> None:
    """Write the window."""
    wait(lambda: False, 1)
    picture = viewer.screenshot(canvas_only=False, flash=False)[..., :3]
    out.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(out, optimize=True)
    viewer.close()


PICTURES: dict[str, Callable[[Path], None]] = {
    "large-slide.png": take_slide,
    "large-stack.png": take_stack,
}


def main() -> None:
    """Write the pictures."""
    os.environ["NAPARI_SAM21_SESSIONS"] = "off"  # nothing of it is worth keeping
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, default=IMAGES, help="folder")
    parser.add_argument("--only", nargs="+", choices=PICTURES, default=list(PICTURES))
    options = parser.parse_args()
    for name in options.only:
        PICTURES[name](options.out / name)


if __name__ == "__main__":
    main()
