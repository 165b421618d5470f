"""What a larger image costs: clicks, commits, memory and gaps from 1k² to 20k².

Each case runs in processes of its own, with the dock and without (`benchmarks.growth`),
one after another, in as many rounds as there is time for.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.growth import CASES
from benchmarks.measure_memory import child as peak_of
from benchmarks.timing import Outcome, Spread, plain, ratio

SMALL = "1k"
"""The case that others are held against."""

Found = dict[str, list[dict[str, Any]]]


def run(case: str, side: str, folder: Path) -> dict[str, Any]:
    """Measure one side of one case in a fresh process."""
    print(f"  {case}, {side} …", file=sys.stderr, flush=True)
    command = [sys.executable, "-W", "ignore", "-X", "faulthandler"]
    done = subprocess.run(
        [*command, "-m", "benchmarks.growth", case, side, str(folder)],
        cwd=Path(__file__).parent.parent,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(folder: Path, rounds: int) -> list[Outcome]:
    """Run every case, then compare."""
    folder = folder.resolve()
    with_dock: Found = {case: [] for case in CASES}
    without: Found = {case: [] for case in CASES}
    bare = [peak_of("bare", folder) for _ in range(rounds)]
    for _ in range(rounds):
        for case in CASES:
            with_dock[case].append(run(case, "ours", folder))
            without[case].append(run(case, "plain", folder))
    outcomes: list[Outcome] = []
    for case in CASES:
        outcomes += growth(case, with_dock)
        outcomes += cost(case, with_dock[case], without[case], bare)
    return outcomes + big_mask(with_dock)


def growth(case: str, found: Found) -> list[Outcome]:
    """Compare a case's clicks and commits with the small one's."""
    rows = [plain(f"ready_{case}", [each["ready"] for each in found[case]])]
    for what in ("click", "commit", "settled"):
        here, small = (_pooled(found[name], what) for name in (case, SMALL))
        rows.append(ratio(f"{what}_{case}", here, small))
    return rows


def _pooled(found: Sequence[dict[str, Any]], what: str) -> list[float]:
    return [value for each in found for value in each[what]]


def cost(
    case: str,
    ours: Sequence[dict[str, Any]],
    without: Sequence[dict[str, Any]],
    bare: Sequence[float],
) -> list[Outcome]:
    """Compare memory and gaps with a napari that has no dock."""
    peaks = [[each["peak"] for each in side] for side in (ours, without)]
    more = np.subtract(*peaks) - bare
    busy = [each["busy"]["p99"] for each in ours]
    idle = [each["quiet"]["p99"] for each in without]
    return [
        _difference(f"memory_{case}", more, peaks[0], np.add(peaks[1], bare), "MB"),
        _difference(f"loop_{case}", np.subtract(busy, idle), busy, idle, "ms"),
    ]


def _difference(key: str, values: Any, ours: Any, bare: Any, unit: str) -> Outcome:
    spread = Spread.of(values)
    sides = {"ours": Spread.of(ours), "bare": Spread.of(bare)}
    return Outcome(key, spread.median, spread, sides, unit)


def big_mask(found: Found) -> list[Outcome]:
    """Report the longest gap while a mask of 4096² pixels is committed, and undone."""
    big = [each["big"] for case in CASES for each in found[case] if "big" in each]
    return [
        plain("big_commit", [each["longest"] for each in big]),
        plain("big_undo", [each["left after one undo"] for each in big], "px"),
    ]
