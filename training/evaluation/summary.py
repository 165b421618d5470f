"""From what was found on all images to the figures of one model, as plain JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from training.evaluation.bootstrap import MACRO, Row, Table, averages
from training.evaluation.scenes import Scene
from training.evaluation.scores import calibration
from training.evaluation.sitting import Found
from training.evaluation.tallies import tally

Measured = Sequence[tuple[Scene, dict[str, Found]]]


def summarise(measured: Measured) -> dict[str, Any]:
    """Return ``counts``, ``figures``, ``calibration`` and ``images``.

    ``figures[subset][name]`` is ``[mean, low, high]``; ``counts[subset]`` is images and
    objects; ``calibration`` has a row for each bin of the first click's predicted IoU;
    ``images[group][name]`` is the mean IoU after one click.
    """
    table = averages([Row(scene.group, tally(found)) for scene, found in measured])
    return {
        "counts": counts(measured, table),
        "figures": {
            subset: {n: [f.mean, f.low, f.high] for n, f in figures.items()}
            for subset, figures in table.items()
        },
        "calibration": [asdict(row) for row in calibrated(measured)],
        "images": by_image(measured),
    }


def by_image(measured: Measured) -> dict[str, dict[str, float]]:
    """Return the mean IoU after one click of each image that has objects, by group."""
    found: dict[str, dict[str, float]] = {}
    for scene, parts in measured:
        total, count = tally(parts).get("iou_1", (0.0, 0))
        if count:
            found.setdefault(scene.group, {})[scene.name] = round(total / count, 4)
    return found


def counts(measured: Measured, table: Table) -> dict[str, dict[str, int]]:
    """Count images and objects of each subset."""
    found = {}
    for subset in table:
        if subset != MACRO:
            mine = [
                objects(parts)
                for scene, parts in measured
                if subset in ("all", scene.group)
            ]
            found[subset] = {"images": len(mine), "objects": sum(mine)}
    return found


def objects(parts: dict[str, Found]) -> int:
    """Count the objects of an image that were prompted."""
    return max((len(part.get("ious", ())) for part in parts.values()), default=0)


def calibrated(measured: Measured) -> list[Any]:
    """Compare what first clicks predicted with what they reached; [] if nothing."""
    first = [
        each
        for _, parts in measured
        for name in ("curve", "quick")
        for each in parts.get(name, {}).get("first", ())
        if each["scores"]
    ]
    said = [each["scores"][each["best"]] for each in first]
    got = [each["candidates"][each["best"]] for each in first]
    return list(calibration(said, got)) if first else []
