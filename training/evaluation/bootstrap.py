"""Means over objects, by group, all, and macro, with intervals over images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.evaluation.tallies import Tally

DRAWS = 2000
SEED = 0
LEVEL = 95
"""Per cent of the draws that an interval holds."""
ALL, MACRO = "all", "macro average"

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Figure:
    """A mean, and the interval that 95 % of resampled sets of images give."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Row:
    """What one image adds: its group, and sums and counts."""

    group: str
    sums: Tally


Table = dict[str, dict[str, Figure]]
"""Figures by subset of images (a group, `ALL`, `MACRO`) and name."""


def averages(rows: Sequence[Row], draws: int = DRAWS, seed: int = SEED) -> Table:
    """Average over all objects, within each group, and over the groups' means.

    Images are drawn with replacement within their group, so that every group keeps its
    size: an interval tells what other images of the same kinds would have given. Where
    a group holds a handful of images it tells little.

    Parameters
    ----------
    rows : sequence of Row
        One for each image.
    draws : int
    seed : int
        The same seed gives the same intervals.
    """
    names = sorted({name for row in rows for name in row.sums})
    groups = sorted({row.group for row in rows})
    rng = np.random.default_rng(seed)
    sums = {
        group: resampled([r.sums for r in rows if r.group == group], names, draws, rng)
        for group in groups
    }
    ratios = {group: ratio(each) for group, each in sums.items()}
    subsets = {ALL: ratio(np.sum(list(sums.values()), axis=0)), **ratios}
    if len(groups) > 1:
        subsets[MACRO] = np.mean(list(ratios.values()), axis=0)
    return {key: figures(names, values) for key, values in subsets.items()}


def resampled(
    sums: Sequence[Tally], names: Sequence[str], draws: int, rng: np.random.Generator
) -> Floats:
    """Return sums and counts [1 + draws, names, 2]; the first is as measured."""
    array = np.array([[each.get(name, (0.0, 0)) for name in names] for each in sums])
    count = len(array)
    often = rng.multinomial(count, np.full(count, 1 / count), size=draws)
    weights = np.vstack([np.ones(count), often])
    found: Floats = np.einsum("di,ink->dnk", weights, array.reshape(count, -1, 2))
    return found


def ratio(sums: Floats) -> Floats:
    """Divide sums by counts [draws, names]; NaN where nothing was counted."""
    counts = sums[..., 1]
    found = np.full(counts.shape, np.nan)
    np.divide(sums[..., 0], counts, out=found, where=counts > 0)
    return found


def figures(names: Sequence[str], values: Floats) -> dict[str, Figure]:
    """Read means and intervals off the draws; what was not measured is left out."""
    tail = (100 - LEVEL) / 2
    found = {}
    for number, name in enumerate(names):
        mean = values[0, number]
        if not np.isnan(mean):
            low, high = np.nanpercentile(values[:, number], (tail, 100 - tail))
            found[name] = Figure(*(round(float(x), 4) for x in (mean, low, high)))
    return found
