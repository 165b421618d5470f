"""The JSON of one model on one set of images, read back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from training.evaluation.bootstrap import ALL

NONE = "–"
"""Stands for what was not measured."""
MOST = 10
"""Clicks of the curve."""


@dataclass(frozen=True, eq=False)
class Result:
    """The JSON of one model on one set of images."""

    facts: dict[str, Any]

    @property
    def model(self) -> str:
        """What tables call the model."""
        return str(self.facts["model"])

    @property
    def data(self) -> str:
        """What tables call the images."""
        return str(self.facts["data"])

    @property
    def groups(self) -> list[str]:
        """Subsets of the images: all, the groups, the macro average."""
        return list(self.facts["figures"])

    @property
    def scored(self) -> bool:
        """Whether the model predicts IoU."""
        return bool(self.facts["calibration"])

    def mean(self, name: str, group: str = ALL) -> float | None:
        """Return a figure; None if it was not measured."""
        found = self.facts["figures"].get(group, {}).get(name)
        return None if found is None else float(found[0])

    def ends(self, name: str, group: str = ALL) -> str:
        """Write a figure with its interval."""
        found = self.facts["figures"].get(group, {}).get(name)
        return NONE if found is None else "{:.3f} ({:.3f} … {:.3f})".format(*found)

    def cost(self, name: str) -> float | None:
        """Return a time, a ratio or a size; None if it was not measured."""
        found = self.facts["cost"].get(name)
        return None if found is None else float(found)

    def curve(self, name: str, most: int, group: str = ALL) -> list[float]:
        """Return means after 1, 2, … clicks, as far as they were measured."""
        found = (self.mean(f"{name}_{n}", group) for n in range(1, most + 1))
        return [value for value in found if value is not None]


def read(files: Iterable[Path]) -> list[Result]:
    """Read the JSON files that `training.evaluate` wrote."""
    return [Result(json.loads(path.read_text("utf-8"))) for path in files]


def drop(curve: Sequence[float]) -> float | None:
    """Return the largest loss from one click to the next; 0 if there is none."""
    if len(curve) < 2:
        return None
    return max(0.0, *(before - after for before, after in pairwise(curve)))
