"""What the dock costs while nobody does anything, and what many clicks leave behind.

    python -m benchmarks.measure_idle [--model starter|PATH] [--seconds 60]
        [--clicks 5000] [--json FILE]

CPU time of a napari with an image, dock and one answered click beside one without,
each a process of its own; then resident memory over many clicks. CPU seconds of a
process hardly depend on what else runs, so the two run at once.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

SETTLED = 30
"""Seconds before the measurement: the plugin tries providers after 20 s of rest."""
WARM = 500
"""Clicks before the first look at memory."""
PER_OBJECT, PER_COMMIT = 5, 50
"""Clicks for an object; every so many objects one is committed, the rest cleared."""


def idle(model: Path, seconds: float, dock: bool) -> dict[str, float]:
    """Return CPU seconds and growth of memory of this process over a rest."""
    import napari

    from benchmarks.subject import grey_image
    from benchmarks.window import annotating, rest

    if not dock:
        viewer = napari.Viewer(show=True)
        viewer.window.resize(1200, 800)
        viewer.add_image(grey_image(), name="image")
        found = _at_rest(rest, seconds)
        viewer.close()
        return found
    with annotating(grey_image(), model) as (_, controller):
        _click(controller, 300.0, 300.0)
        return _at_rest(rest, seconds)


def _at_rest(rest: Any, seconds: float) -> dict[str, float]:
    rest(SETTLED * 1000)
    process = psutil.Process()
    before, memory, start = _cpu(process), process.memory_info().rss, time.monotonic()
    rest(round(seconds * 1000))
    passed = time.monotonic() - start
    return {
        "cpu_percent_of_a_core": 100 * (_cpu(process) - before) / passed,
        "grown_mb": (process.memory_info().rss - memory) / 1e6,
        "seconds": passed,
    }


def _cpu(process: psutil.Process) -> float:
    return float(sum(process.cpu_times()[:4]))  # children included


def _click(controller: Any, row: float, column: float) -> None:
    from benchmarks.window import wait_until

    wait_until(controller.editor.is_ready)
    before = controller.editor.draft().answer
    controller.editor.scene.prompts.layer.add([[row, column]])

    def answered() -> bool:
        found = controller.editor.draft().answer
        return found is not None and found is not before

    wait_until(answered)


def clicking(model: Path, clicks: int) -> dict[str, Any]:
    """Return resident memory after the first clicks and after many more."""
    import numpy as np

    from benchmarks.subject import grey_image
    from benchmarks.window import annotating

    process, rng = psutil.Process(), np.random.default_rng(0)
    memory: list[tuple[int, float]] = []
    with annotating(grey_image(), model) as (_, controller):
        for number in range(WARM + clicks + 1):
            if number >= WARM and (number - WARM) % max(clicks // 10, 1) == 0:
                memory.append((number, process.memory_info().rss / 1e6))
            if number and number % PER_OBJECT == 0:
                _end_object(controller, number // PER_OBJECT)
            _click(controller, *rng.uniform(200, 800, 2))
    growth = memory[-1][1] / memory[0][1] - 1
    return {"clicks": clicks, "rss_mb": memory, "growth_percent": 100 * growth}


def _end_object(controller: Any, number: int) -> None:
    if number % PER_COMMIT == 0:
        controller.commit()
    controller.clear()


def _child(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.measure_idle", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="starter")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clicks", type=int, default=5000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--part", choices=("dock", "plain", "clicks"))
    asked = parser.parse_args()
    from benchmarks.subject import find_model

    folder = find_model(asked.model)
    if asked.part == "clicks":
        found: dict[str, Any] = clicking(folder, asked.clicks)
    elif asked.part:
        found = idle(folder, asked.seconds, asked.part == "dock")
    else:
        passed = ("--model", asked.model, "--seconds", str(asked.seconds))
        parts = {part: _child("--part", part, *passed) for part in ("plain", "dock")}
        found = {
            part: json.loads(each.communicate()[0]) for part, each in parts.items()
        }
        if asked.clicks:
            count = ("--model", asked.model, "--clicks", str(asked.clicks))
            found["clicks"] = json.loads(
                _child("--part", "clicks", *count).communicate()[0]
            )
    print(json.dumps(found, indent=1))
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
