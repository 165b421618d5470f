"""Saved labels against the script and the record."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.session.script import Row, expected_ids
from training.clicks import iou

SAME = 0.98
"""IoU of a mask with the recorded one, at least."""


def differences(
    scene: str, path: Path, rows: Sequence[Row], recorded: npt.NDArray[Any]
) -> list[str]:
    """Say how saved labels differ from what is expected; empty if they do not."""
    import tifffile

    labels = tifffile.imread(path)
    if labels.shape != recorded.shape:
        return [f"{scene}: shape {labels.shape}, expected {recorded.shape}"]
    ids, expected = set(np.unique(labels).tolist()) - {0}, expected_ids(rows)
    wrong = [] if ids == expected else [f"{scene}: {ids ^ expected} are not as said"]
    for number in sorted(ids & expected):
        found = iou(labels == number, recorded == number)
        if found < SAME:
            wrong.append(
                f"{scene}: IoU of {number} with the recorded one is {found:.3f}"
            )
    return wrong
