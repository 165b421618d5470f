"""Tries one way to run a model; run in a process of its own by `child`.

    python -m napari_sam21.models.choosing.trial FOLDER

``FOLDER/request.json`` names a plugin to be asked for its ways, or a model and a pair
of ways to be tried. ``answer.json`` is written beside it.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import psutil

from napari_sam21.core.embedding import Embedding
from napari_sam21.core.errors import Sam21Error
from napari_sam21.core.providers.plugins import plugin_ways
from napari_sam21.core.providers.way import CPU
from napari_sam21.core.sam2 import Model
from napari_sam21.models.choosing import exam
from napari_sam21.models.choosing.result import Pair, Timing, Trial, pair_from
from napari_sam21.models.parts import Part, Parts
from napari_sam21.models.weights import model_parts

T = TypeVar("T")
Call = Callable[[], object]

LEAST, BUDGET = 3, 8.0
"""Runs of each of two that are compared, and seconds after which that is enough."""


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Answer a request.

    Raises
    ------
    Sam21Error
        If the plugin or the model cannot be used.
    """
    if "plugin" in request:
        return {"ways": [way.as_dict() for way in plugin_ways(request["plugin"])]}
    named = request["model"]
    model = Path(named["path"]) if "path" in named else str(named["name"])
    parts, pair = model_parts(model), pair_from(request["pair"])
    return try_out(parts, pair, int(request["most"])).as_dict()


def try_out(parts: Parts, pair: Pair, most: int) -> Trial:
    """Compare a pair of ways with the CPU: what they find, then how fast they are.

    Raises
    ------
    Sam21Error
        If it cannot be opened or run.
    """
    reference, tried = parts.open(Pair()), parts.open(pair)
    picture = exam.picture()
    exact = reference.encode_input(picture)
    features = exact if pair.encoder == CPU else tried.encode_input(picture)
    agreement = exam.agreement(
        (features, exact),
        exam.answers(tried, features),
        exam.answers(reference, exact),
    )
    problem = agreement.problem(_precision(pair))
    trial = Trial(pair, problem, None, agreement)
    if problem or trial.part == "both":
        return trial
    timing = _timing(parts, trial, (tried, reference), exact, most)
    return replace(trial, timing=timing)


def _precision(pair: Pair) -> str:
    """The promise to be kept: exact if both parts are to be."""
    precisions = {pair.encoder.precision, pair.decoder.precision}
    return "exact" if precisions == {"exact"} else "fast"


def _timing(
    parts: Parts,
    trial: Trial,
    models: tuple[Model, Model],
    embedding: Embedding,
    most: int,
) -> Timing:
    """Time the part that was tried, and the CPU's, in turns."""
    part: Part = getattr(parts, trial.part)
    way = getattr(trial.pair, trial.part)
    # What can be kept for the next time was kept when it was opened before.
    load, cpu_load = timed(lambda: part.open(way))[1], timed(lambda: part.open(CPU))[1]

    def call(model: Model) -> Call:
        if trial.part == "encoder":
            return lambda: model.encode_input(exam.picture())
        return lambda: model.decode(embedding, exam.clicks()[0].prompts)

    ours, cpu = in_turns(call(models[0]), call(models[1]), most)
    return Timing(median(ours), median(cpu), len(ours), load, cpu_load)


def in_turns(first: Call, second: Call, most: int) -> tuple[list[float], list[float]]:
    """Time two calls in turns, so that whatever else runs slows both."""
    times: tuple[list[float], list[float]] = ([], [])
    start = time.perf_counter()
    while len(times[0]) < most:
        for call, noted in zip((first, second), times, strict=True):
            noted.append(timed(call)[1])
        if len(times[0]) >= LEAST and time.perf_counter() - start > BUDGET:
            break
    return times


def timed(call: Callable[[], T]) -> tuple[T, float]:
    """Return the result of a call, and its seconds."""
    start = time.perf_counter()
    result = call()
    return result, time.perf_counter() - start


def main(folder: Path) -> None:
    """Answer the request in a folder; end with the parent, and let others go first."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    lower = getattr(psutil, "BELOW_NORMAL_PRIORITY_CLASS", 5)
    psutil.Process().nice(lower)
    request = json.loads((folder / "request.json").read_text(encoding="utf-8"))
    try:
        found = answer(request)
    except Sam21Error as error:
        found = {"error": str(error)}
    (folder / "answer.json").write_text(json.dumps(found), encoding="utf-8")
    sys.stdout.flush()
    # Libraries of providers may crash while they are torn down; the answer stands.
    os._exit(0)


def _end_with_parent() -> None:
    # Nothing comes: it ends when the parent does. Not through `sys.stdin`, whose lock
    # would be missed when the interpreter ends.
    os.read(0, 1)
    os._exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
