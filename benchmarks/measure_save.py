"""Saving a 20k² plane of labels, over tifffile given the whole array; what it needs.

Each side runs in a fresh process, which prints seconds, MB above what the plane itself
took, and how many pixels came back wrong. The plane is dense (objects everywhere), so
that all of it is in memory and compresses as labels do.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.measure_memory import peak_mb
from benchmarks.timing import Outcome, Spread, interleaved, ratio

SIDE = 20_480
BYTES = SIDE * SIDE * 2 / (1 << 20)
"""Of the plane, in MB."""


def plane() -> npt.NDArray[np.uint16]:
    """20k² of labels: squares of 40 with a gap of 24, ids that repeat."""
    labels = np.zeros((SIDE, SIDE), np.uint16)
    grid = labels.reshape(SIDE // 64, 64, SIDE // 64, 64)
    ids = np.arange((SIDE // 64) ** 2).reshape(SIDE // 64, SIDE // 64) % 65_521
    grid[:, :40, :, :40] = ids[:, None, :, None]
    return labels


def by_ours(labels: npt.NDArray[np.uint16], folder: Path) -> Path:
    """OME-TIFF with five levels."""
    from napari_sam21.files import Results, save_ome_tiff

    return save_ome_tiff(Results.of(labels), folder / "a.ome.tif")


def by_zarr(labels: npt.NDArray[np.uint16], folder: Path) -> Path:
    """OME-Zarr with five levels."""
    from napari_sam21.files import Results, save_ome_zarr

    return save_ome_zarr(Results.of(labels), folder / "a.ome.zarr")


def by_tifffile(labels: npt.NDArray[np.uint16], folder: Path) -> Path:
    """The finest level only, tiled and compressed alike."""
    import tifffile

    path = folder / "a.tif"
    tifffile.imwrite(path, labels, tile=(512, 512), compression="zlib")
    return path


SIDES: dict[str, Callable[[npt.NDArray[np.uint16], Path], Path]] = {
    "ours": by_ours,
    "zarr": by_zarr,
    "bare": by_tifffile,
}


def run(side: str) -> dict[str, float]:
    """Save and reopen, in this process."""
    from napari_sam21.files import open_image

    labels = plane()
    before = peak_mb()
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        path = SIDES[side](labels, Path(folder))
        seconds, peak = time.perf_counter() - start, peak_mb()
        with open_image(path) as image:
            wrong = sum(
                int(np.sum(image.data[row : row + 2048] != labels[row : row + 2048]))
                for row in range(0, SIDE, 2048)
            )
    return {"seconds": seconds, "memory": peak - before, "wrong": wrong}


def child(side: str) -> dict[str, float]:
    """Run one side in a fresh process."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.measure_save", side],
        cwd=Path(__file__).parent.parent,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def measure(folder: Path, rounds: int) -> list[Outcome]:
    """Compare times in turns; report memory and wrong pixels."""
    del folder  # no model takes part
    runs: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}

    def timed(side: str) -> float:
        runs[side].append(child(side))
        return runs[side][-1]["seconds"] * 1e3

    times = interleaved(
        {side: lambda side=side: timed(side) for side in SIDES},  # type: ignore[misc]
        rounds,
        warm_up=0,
    )
    return [
        ratio("save_tiff", times["ours"], times["bare"]),
        ratio("save_zarr", times["zarr"], times["bare"]),
        _worst("save_tiff_memory", runs["ours"], "memory", 1 / BYTES),
        _worst("save_zarr_memory", runs["zarr"], "memory", 1 / BYTES),
        _worst("save_wrong", [*runs["ours"], *runs["zarr"]], "wrong"),
    ]


def _worst(
    key: str, runs: list[dict[str, Any]], what: str, factor: float = 1.0
) -> Outcome:
    values = [each[what] * factor for each in runs]
    return Outcome(key, max(values), Spread.of(values))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(sys.argv[1])) + "\n")
