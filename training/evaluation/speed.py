"""Time and memory, through the same interface; a reference is timed in turns."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import napari_sam21 as sam
from training.evaluation.segmenters import Segmenter, absolute, open_segmenter

ENCODES, DECODES = 9, 25
SIDE = 1024
"""Of the image that memory is measured with, in pixels."""
STATUS = Path("/proc/self/status")
ROOT = Path(__file__).parents[2]

Sides = Mapping[str, Segmenter]


def latency(sides: Sides, image: npt.NDArray[Any]) -> dict[str, float]:
    """Return median milliseconds by ``<side>_encode_ms`` and ``<side>_decode_ms``.

    Decoding is one positive click in the middle with the last answer fed back. The
    sides take turns, so that a busy machine is as busy for each.

    Parameters
    ----------
    sides : mapping of str to Segmenter
    image : array, shape (H, W) or (H, W, 3)
    """
    middle = sam.Prompts([(image.shape[0] // 2, image.shape[1] // 2)], [1])
    embeddings = {side: each.encode(image) for side, each in sides.items()}
    replies = {
        side: each.decode(embeddings[side], middle, None)
        for side, each in sides.items()
    }
    encodes = {side: _encoding(each, image) for side, each in sides.items()}
    decodes = {
        side: _decoding(each, embeddings[side], middle, replies[side])
        for side, each in sides.items()
    }
    times = medians(encodes, ENCODES, "encode_ms")
    return times | medians(decodes, DECODES, "decode_ms")


def _encoding(segmenter: Segmenter, image: npt.NDArray[Any]) -> Callable[[], object]:
    return lambda: segmenter.encode(image)


def _decoding(
    segmenter: Segmenter, embedding: Any, prompts: sam.Prompts, previous: Any
) -> Callable[[], object]:
    return lambda: segmenter.decode(embedding, prompts, previous)


def medians(
    calls: Mapping[str, Callable[[], object]], rounds: int, what: str
) -> dict[str, float]:
    """Run the calls in turns, and return the median of each in milliseconds."""
    times: dict[str, list[float]] = {side: [] for side in calls}
    for _ in range(rounds):
        for side, call in calls.items():
            start = time.perf_counter()
            call()
            times[side].append(time.perf_counter() - start)
    return {
        f"{side}_{what}": round(float(np.median(each)) * 1000, 1)
        for side, each in times.items()
    }


def compared(
    model: str, reference: str | None, image: npt.NDArray[Any]
) -> dict[str, float]:
    """Return a model's times and, given a reference, that one's and the ratios."""
    sides = {"model": open_segmenter(model)}
    if reference:
        sides["reference"] = open_segmenter(reference)
    found = latency(sides, image)
    times = {name.removeprefix("model_"): value for name, value in found.items()}
    for what in ("encode", "decode") if reference else ():
        part = found[f"model_{what}_ms"] / found[f"reference_{what}_ms"]
        times[f"{what}_of_reference"] = round(part, 4)
    return times | {"cores": _cores(), "load": _load()}


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _load() -> float:
    """Processes that wanted to run in the last minute: how busy the machine was."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else -1.0


def peak_mb() -> float:
    """Return this process's own peak of resident memory, in MB.

    On Linux the kernel's high-water mark of this program: `ru_maxrss` starts from what
    the parent had when it forked.
    """
    if STATUS.exists():
        lines = STATUS.read_text(encoding="ascii").splitlines()
        return next(int(x.split()[1]) for x in lines if x.startswith("VmHWM")) / 1024
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def memory(model: str) -> dict[str, float]:
    """Return the peak of a fresh process that loads, encodes and decodes, in MB.

    ``working_set_mb`` is what loading, encoding a grey image of 1024 × 1024 pixels and
    three clicks add to a process that has imported everything.
    """
    command = [sys.executable, "-m", "training.evaluation.speed", absolute(model)]
    done = subprocess.run(
        command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def use(model: str) -> dict[str, float]:
    """Do what `memory` tells of, in this process."""
    import onnxruntime  # noqa: F401  its import is not the model's doing

    before = peak_mb()
    segmenter = open_segmenter(model)
    image = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE), np.uint8)
    embedding, reply = segmenter.encode(image), None
    for count in (1, 2, 3):
        points = [(SIDE // 2, SIDE // 2 + 9 * i) for i in range(count)]
        reply = segmenter.decode(embedding, sam.Prompts(points, [1] * count), reply)
        reply.crop()
    peak = peak_mb()
    return {"peak_mb": round(peak), "working_set_mb": round(peak - before)}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(use(sys.argv[1])))
