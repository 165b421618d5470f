"""The table people read, and the JSON that stays."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.limits import LIMITS
from benchmarks.timing import Outcome, Spread

PACKAGES = ("napari-sam21", "napari", "onnxruntime", "numpy", "qtpy", "vispy")
VERDICTS = {True: "[green]kept[/]", False: "[bold red]BROKEN[/]", None: "–"}


def all_kept(outcomes: Sequence[Outcome]) -> bool:
    """Whether no limit is broken."""
    return all(LIMITS[each.key].keeps(each.value) is not False for each in outcomes)


def print_table(outcomes: Sequence[Outcome], facts: dict[str, Any]) -> None:
    """Print one row for each outcome."""
    table = Table(title=f"napari-sam21 over bare tools, model {facts['model']}")
    for title in ("measurement", "value", "quartiles", "limit", "ours", "bare"):
        table.add_column(title, justify="left" if title == "measurement" else "right")
    table.add_column("verdict")
    for each in outcomes:
        limit = LIMITS[each.key]
        quartiles = f"{each.spread.q1:.2f} – {each.spread.q3:.2f}"
        sides = [_side(each.sides.get(name), each.unit) for name in ("ours", "bare")]
        verdict = VERDICTS[limit.keeps(each.value)]
        cells = (limit.text(each.value), quartiles, limit.text(limit.most), *sides)
        table.add_row(limit.title, *cells, verdict)
    console = Console(width=None if sys.stdout.isatty() else 150)
    console.print(table)
    console.print(f"{facts['machine']} · load {facts['load']} at the start")


def _side(spread: Spread | None, unit: str) -> str:
    return "–" if spread is None else f"{spread.median:,.1f} {unit}"


def facts_of(folder: Path, share: float) -> dict[str, Any]:
    """Collect what the figures depend on, before measuring."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": folder.name,
        "share of rounds": share,
        "machine": f"{_processor()}, {os.cpu_count()} cores",
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in PACKAGES},
        "load": round(load, 2),
    }


def _processor() -> str:
    """Name the processor."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def write_json(path: Path, outcomes: Sequence[Outcome], facts: dict[str, Any]) -> None:
    """Write everything measured."""
    rows = []
    for each in outcomes:
        limit = LIMITS[each.key]
        judged = {"limit": limit.most, "kept": limit.keeps(each.value)}
        rows.append({"title": limit.title, **judged, **asdict(each)})
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({**facts, "results": rows}, indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
