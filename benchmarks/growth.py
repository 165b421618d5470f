"""One napari with one large image, with the dock or without: a process of its own.

    python -m benchmarks.growth CASE ours|plain MODEL

prints what it measured, as JSON. Every image is the bundled one repeated, and the view
is the same number of pixels around the same spot of a tile: the model is asked the same
everywhere, and only the size of what lies around differs.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtWidgets import QApplication, QMessageBox

from benchmarks.measure_click import Clicker
from benchmarks.measure_commit import commit_once, show_answer
from benchmarks.measure_event_loop import gaps
from benchmarks.measure_memory import peak_mb
from benchmarks.subject import grey_image
from benchmarks.window import annotating, frame_of, rest, wait_until
from napari_sam21.layers.pyramid import level_shapes, needs_levels

TILE = 1024
ZOOM = 3.0
"""Canvas pixels for one of the image: the view is some 250 of them wide."""
SPOT = (400.0, 650.0)
"""Row and column in a tile that the view lies around: on a cell."""
QUIET_SECONDS, BUSY_SECONDS = 3.0, 8.0
PACE = 0.5
"""Seconds between a click and its commit, and to the next click: a quick user."""
BIG_MASK = 4096


@dataclass(frozen=True)
class Case:
    """A large image.

    Attributes
    ----------
    tiles : int
        Along each side of a plane.
    build : callable
        Makes the data from the tile, the number of tiles, and a folder.
    axes : tuple of int
        Sizes of the axes before the plane's.
    big : bool
        Whether a mask of `BIG_MASK` pixels a side is committed as well.
    """

    tiles: int
    build: Callable[[np.ndarray, int, Path], Any]
    axes: tuple[int, ...] = ()
    big: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the image."""
        return (*self.axes, self.tiles * TILE, self.tiles * TILE)

    @property
    def corner(self) -> int:
        """First row and column of the tile that is looked at."""
        return self.tiles // 2 * TILE


def in_memory(tile: np.ndarray, tiles: int, folder: Path) -> np.ndarray:
    """Make one level, in numpy."""
    return np.tile(tile, (tiles, tiles))


def zarr_pyramid(tile: np.ndarray, tiles: int, folder: Path) -> list[Any]:
    """Write levels in chunks down to about 1,000 pixels, and open them lazily."""
    import dask.array as da

    levels, side = [], tiles * TILE
    while side >= TILE or not levels:
        step = tiles * TILE // side
        shrunk = tile[::step, ::step]
        path = str(folder / f"{side}.zarr")
        whole = da.tile(da.from_array(shrunk), (tiles, tiles)).rechunk(TILE)
        whole.to_zarr(path, overwrite=True)
        levels.append(da.from_zarr(path))
        side //= 2
    return levels


def lazy_stack(tile: np.ndarray, tiles: int, folder: Path) -> Any:
    """Make planes when they are asked for; each one differs from the next."""
    import dask.array as da

    def plane(block_info: Any) -> np.ndarray:
        z, channel = block_info[None]["chunk-location"][:2]
        found = np.tile(np.roll(tile, 64 * z, axis=1) >> channel, (tiles, tiles))
        return found[None, None]

    chunks = ((1,) * 50, (1,) * 3, (tiles * TILE,), (tiles * TILE,))
    return da.map_blocks(plane, chunks=chunks, dtype=tile.dtype)


CASES = {
    "1k": Case(1, in_memory),
    "4k": Case(4, in_memory),
    "10k": Case(10, in_memory, big=True),
    "20k": Case(20, in_memory),
    "20k_zarr": Case(20, zarr_pyramid),
    "stack": Case(2, lazy_stack, axes=(50, 3)),
}


def look(viewer: Any, case: Case) -> None:
    """Zoom in on the spot, and let it be drawn."""
    row, column = np.add(SPOT, case.corner)
    camera = getattr(viewer, "scene", viewer).camera  # napari 0.9 has moved it
    camera.center = (0.0, row, column)
    camera.zoom = ZOOM
    rest(700)


def loop_gap(enough: Callable[[float], bool]) -> dict[str, float]:
    """Return the 99th percentile and the longest of a phase's gaps, in ms."""
    found = gaps(enough)
    return {"p99": float(np.percentile(found, 99)), "longest": float(found.max())}


class Worker:
    """A user who clicks, commits, and goes on to the next object."""

    def __init__(self, viewer: Any, controller: Any, case: Case) -> None:
        self._controller, self._case = controller, case
        self._viewer, self._last, self.objects = viewer, 0.0, 0
        self._rng = np.random.default_rng(1)

    def enough(self, seconds: float) -> bool:
        """Do the next step if it can be done; tell whether the phase is over."""
        if seconds - self._last > PACE:
            self._last = seconds
            self._step()
        return seconds > BUSY_SECONDS

    def _step(self) -> None:
        controller = self._controller
        if controller.view().can_commit:
            controller.commit()
            if controller.view().can_commit:  # all of it belongs to others already
                controller.clear()
            else:
                self.objects += 1
        elif not controller.view().busy and not controller.editor.marks:
            spot = spot_near(self._case, self._viewer, self._rng, reach=60)
            controller.editor.scene.prompts.layer.add(spot)


def ours(case: Case, data: Any, model: Path) -> dict[str, Any]:
    """Measure with the dock."""
    options = {"contrast_limits": (0, 4080), "multiscale": isinstance(data, list)}
    with annotating(data, model, **options) as (viewer, controller):
        frame, found = frame_of(viewer), {}
        start = time.perf_counter()
        look(viewer, case)
        wait_until(lambda: controller.editor.is_ready())
        found["ready"] = (time.perf_counter() - start) * 1e3
        found["region"] = list(controller.editor.region())
        clicker = Clicker(viewer, controller, lambda rng: spot_near(case, viewer, rng))
        first_object(clicker, controller)
        found |= clicks_and_commits(clicker, controller, frame)
        frame.setUpdatesEnabled(False)
        found["quiet"] = loop_gap(lambda seconds: seconds > QUIET_SECONDS)
        worker = Worker(viewer, controller, case)
        found["busy"] = loop_gap(worker.enough)
        found["objects"] = worker.objects
        controller.clear()
        found["peak"] = peak_mb()
        if case.big:
            found["big"] = big_commit(controller, case)
        frame.setUpdatesEnabled(True)
    return found


def spot_near(
    case: Case, viewer: Any, rng: np.random.Generator, reach: float = 9
) -> np.ndarray:
    """Return a point to click, close to the spot, in data coordinates."""
    hidden = viewer.dims.point[: len(case.axes)]
    off = rng.uniform(-reach, reach, 2)
    return np.array([[*hidden, *(np.add(SPOT, case.corner) + off)]])


def first_object(clicker: Clicker, controller: Any) -> None:
    """Commit one, and agree to what the plugin asks before; then take it back."""
    clicker.click(mouse=False)
    controller.commit()

    def committed() -> bool:
        for box in QApplication.topLevelWidgets():
            if isinstance(box, QMessageBox) and box.isVisible():
                box.defaultButton().click()
        made = controller.target.labels is not None
        return made and not controller.view().can_commit

    wait_until(committed)
    controller.undo()


def clicks_and_commits(
    clicker: Clicker, controller: Any, frame: Any, rounds: int = 16
) -> dict[str, list[float]]:
    """Click and commit by turns; the first round is a warm-up.

    A commit is measured as such, and another one with all that it leaves to the event
    loop, what shows it included.
    """
    found: dict[str, list[float]] = {"click": [], "commit": [], "settled": []}
    for _ in range(rounds + 1):
        for what in ("commit", "settled"):
            found["click"].append(clicker.click(mouse=False))
            settle = what == "settled"
            found[what].append(commit_once(controller, frame, settle))
    return {what: each[len(each) // (rounds + 1) :] for what, each in found.items()}


def big_commit(controller: Any, case: Case) -> dict[str, Any]:
    """Commit a disc of `BIG_MASK` pixels; return the gaps, and what one undo leaves."""
    controller.inference.cancel()
    controller.inference.prepare = lambda *_: None
    labels = controller.target.labels
    before = int(np.count_nonzero(labels.data))
    show_answer(controller, side=case.shape[-1], mask_side=BIG_MASK)
    state = {"begun": False}

    def enough(seconds: float) -> bool:
        if seconds > 0.5 and not state["begun"]:
            state["begun"] = True
            controller.commit()
        return seconds > 3

    found: dict[str, Any] = loop_gap(enough)
    found["written"] = int(np.count_nonzero(labels.data)) - before
    controller.undo()
    rest(500)
    found["left after one undo"] = int(np.count_nonzero(labels.data)) - before
    return found


def plain(case: Case, data: Any, model: Path) -> dict[str, Any]:
    """Do the same without the dock: same image, Labels, view, and a write."""
    import napari

    viewer = napari.Viewer(show=True)
    viewer.window.resize(1200, 800)
    viewer.add_image(data, contrast_limits=(0, 4080), multiscale=isinstance(data, list))
    levels = blank_labels(case)
    labels = viewer.add_labels(
        levels if len(levels) > 1 else levels[0], multiscale=len(levels) > 1
    )
    look(viewer, case)
    row, column = np.add(SPOT, case.corner).astype(int)
    hidden = tuple(int(v) for v in viewer.dims.point[:-2])
    for level, array in enumerate(levels):
        r, c, side = row >> level, column >> level, 30 >> level
        array[(*hidden, slice(r, r + side), slice(c, c + side))] = 1
    labels.refresh(thumbnail=False, extent=False, highlight=False)
    rest(500)
    frame_of(viewer).setUpdatesEnabled(False)
    found = {"quiet": loop_gap(lambda seconds: seconds > QUIET_SECONDS)}
    frame_of(viewer).setUpdatesEnabled(True)
    viewer.close()
    return found | {"peak": peak_mb()}


def blank_labels(case: Case) -> list[np.ndarray]:
    """Make what the plugin makes: several levels where a texture is too small."""
    whole = case.shape
    shapes = level_shapes(whole) if needs_levels(whole) else (whole,)
    return [np.zeros(shape, np.uint16) for shape in shapes]


SIDES = {"ours": ours, "plain": plain}


def main(name: str, side: str, model: str) -> None:
    """Measure one side of one case."""
    case = CASES[name]
    tile = grey_image().astype(np.uint16) * 16
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["NAPARI_CONFIG"] = str(Path(scratch) / "settings.yaml")
        os.environ["NAPARI_SAM21_CACHE"] = "off"
        os.environ["NAPARI_SAM21_SESSIONS"] = scratch
        data = case.build(tile, case.tiles, Path(scratch))
        found = SIDES[side](case, data, Path(model))
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
