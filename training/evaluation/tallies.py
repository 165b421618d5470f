"""From what the protocols found to sums and counts, one row for each image.

Every figure is a sum over objects (or images) divided by a count, so that groups,
averages and resampled sets of images are only other sums of the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from training.evaluation.protocols import PROTOCOLS, Curve
from training.evaluation.scores import agrees, clicks_to
from training.evaluation.sitting import Found

Tally = dict[str, tuple[float, int]]
"""Sum and count by the figure's name."""
GOALS = (80, 85, 90)
COLLAPSED = 0.5
"""A mask has collapsed at half of the best IoU that it had had."""


def tally(found: dict[str, Found]) -> Tally:
    """Add up what was found on one image, by protocol's name."""
    sums: Tally = {}
    for name, part in found.items():
        sums |= TALLIES[name.removeprefix("box-")](name, part)
    curve = found.get("curve") or found.get("quick")
    if curve and "jitter" in found:
        firsts = [ious[0] for ious in curve["ious"]]
        sums["jitter_cost"] = total(np.subtract(firsts, found["jitter"]["ious"]))
    return sums


def total(values: Sequence[float] | np.ndarray) -> tuple[float, int]:
    """Return the sum and the number of some values."""
    return float(np.sum(values)), len(values)


def of_curve(name: str, found: Found) -> Tally:
    """Mean IoU by click, NoC and its failures, mSA, and what the first click said."""
    protocol = PROTOCOLS[name]
    if not isinstance(protocol, Curve):
        raise TypeError(f"protocol {name!r} has no curve")
    ious, most = found["ious"], protocol.most
    sums: Tally = {
        f"iou_{n}": total([row[n - 1] for row in ious])
        for n in range(1, protocol.every + 1)
    }
    if most > protocol.every:
        for goal in GOALS:
            counts = [clicks_to(row, goal / 100, most) for row in ious]
            sums[f"noc_{goal}"] = total([clicks for clicks, _ in counts])
            sums[f"never_{goal}"] = total([never for _, never in counts])
    for n, value in found["msa"].items():
        sums[f"msa_{n}"] = (value, 1) if ious else (0.0, 0)
    return sums | of_first([first for first in found["first"] if first["scores"]])


def of_first(first: Sequence[Found]) -> Tally:
    """How the predicted IoU of the first click ranks and tells; needs predictions."""
    chosen = [(f["scores"][f["best"]], f["candidates"][f["best"]]) for f in first]
    every = [
        pair for f in first for pair in zip(f["scores"], f["candidates"], strict=True)
    ]
    return {
        "agreement": total([agrees(f["candidates"], f["best"]) for f in first]),
        "ideal_1": total([max(f["candidates"]) for f in first]),
        "score_error": total([abs(said - got) for said, got in chosen]),
        "score_bias": total([said - got for said, got in chosen]),
        "score_error_all": total([abs(said - got) for said, got in every]),
    }


def of_jitter(_: str, found: Found) -> Tally:
    """Mean IoU after one displaced click."""
    return {"jitter_1": total(found["ious"])}


def of_box(_: str, found: Found) -> Tally:
    """Mean IoU and mSA from exact boxes."""
    shown = (found["msa"], 1) if found["ious"] else (0.0, 0)
    return {"box": total(found["ious"]), "msa_box": shown}


def of_scatter(_: str, found: Found) -> Tally:
    """Mean IoU by random click, the share that collapsed, and all clicks at once."""
    ious = found["ious"]
    clicks = len(ious[0]) if ious else 0
    sums: Tally = {
        f"scatter_{n}": total([row[n - 1] for row in ious])
        for n in range(1, clicks + 1)
    }
    fallen = [row[-1] < COLLAPSED * max(row) for row in ious]
    sums["scatter_collapsed"] = total(fallen)
    sums["scatter_at_once"] = total(found["at_once"])
    return sums


def of_grid(_: str, found: Found) -> Tally:
    """Mean IoU of true masks after the grid."""
    return {"grid": total(found["ious"])}


def of_rounds(name: str, found: Found) -> Tally:
    """Return mSA of micro-sam's rounds."""
    start = "box" if name.startswith("box") else "point"
    return {f"rounds_{start}_{n}": (value, 1) for n, value in enumerate(found["msa"])}


TALLIES: dict[str, Callable[[str, Found], Tally]] = {
    "curve": of_curve,
    "quick": of_curve,
    "jitter": of_jitter,
    "box": of_box,
    "scatter": of_scatter,
    "grid": of_grid,
    "rounds": of_rounds,
}
