"""One peer in a process of its own: a line of JSON asks, a line answers.

python -m benchmarks.peers.serve SUBJECT MODEL_FOLDER [OPTION ...]
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers import subjects


def milliseconds(call: Callable[[], object]) -> float:
    """Time a call."""
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1e3


def peak_megabytes() -> float:
    """Peak of this process's resident memory; NaN where the kernel does not tell."""
    status = Path("/proc/self/status")
    if not status.exists():
        return float("nan")
    lines = status.read_text(encoding="utf-8").splitlines()
    found = next(line for line in lines if line.startswith("VmHWM"))
    return int(found.split()[1]) / 1024


def answer(subject: subjects.Subject, asked: dict[str, Any]) -> dict[str, Any]:
    """Do what a line asks for."""
    if asked["do"] == "encode":
        image = np.load(asked["image"])
        return {"ms": milliseconds(lambda: subject.encode(image))}
    if asked["do"] == "click":
        return {"ms": milliseconds(lambda: subject.click(*asked["at"]))}
    return {"megabytes": peak_megabytes()}


def main() -> None:
    """Load, say how long that took, then answer until the input ends."""
    out, sys.stdout = sys.stdout, sys.stderr  # what libraries print is no answer
    kind, model, *options = sys.argv[1:]
    threads = int(os.environ.get("OMP_NUM_THREADS", "0"))
    start = time.perf_counter()
    subject = getattr(subjects, kind)(Path(model), *options)
    told: dict[str, Any] = {"ms": (time.perf_counter() - start) * 1e3}
    if threads and "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)
    while True:
        print(json.dumps(told), file=out, flush=True)
        line = sys.stdin.readline()
        if not line:
            return
        told = answer(subject, json.loads(line))


if __name__ == "__main__":
    main()
