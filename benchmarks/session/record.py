"""What a session left: its labels and corrections, in one small file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.session.user import Click

RECORD = Path(__file__).parents[2] / "tests" / "data" / "session.npz"
COMMAND = "python -m benchmarks.session record"

Labels = npt.NDArray[np.uint16]


@dataclass(frozen=True, eq=False)
class Record:
    """Of one scene.

    Attributes
    ----------
    labels : array of uint16
        In the end.
    clicks : list of (int, Click)
        The corrections, each with the place of its row.
    """

    labels: Labels
    clicks: list[tuple[int, Click]]


def write(path: Path, records: dict[str, Record]) -> None:
    """Write the records of a script by name."""
    arrays: dict[str, Any] = {}
    for name, record in records.items():
        rows = [(place, *pixel, label) for place, (pixel, label) in record.clicks]
        arrays[f"{name}_labels"] = record.labels
        arrays[f"{name}_clicks"] = np.asarray(rows, np.int32).reshape(-1, 4)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)


def read(path: Path, name: str) -> Record:
    """Read the record of a scene; a name ends in ``-short`` for the short script."""
    with np.load(path) as stored:
        clicks = [
            (int(place), ((int(row), int(column)), int(label)))
            for place, row, column, label in stored[f"{name}_clicks"]
        ]
        return Record(stored[f"{name}_labels"], clicks)


def key_of(scene: str, whole: bool) -> str:
    """Name a scene's record."""
    return scene if whole else f"{scene}-short"
