"""Repeat, interleave, summarise: the same for every measurement."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

PAUSE = 0.05
"""Seconds between two runs: a default session's threads spin on for a while."""


@dataclass(frozen=True)
class Spread:
    """Median and quartiles of repeated measurements."""

    median: float
    q1: float
    q3: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Summarise values."""
        q1, median, q3 = np.percentile(np.asarray(values, float), (25, 50, 75))
        return cls(float(median), float(q1), float(q3), len(values))


@dataclass(frozen=True)
class Outcome:
    """One row of the table.

    Attributes
    ----------
    key : str
        Of `limits.LIMITS`.
    value : float
        What is held against the limit.
    spread : Spread
        Of the value over the rounds.
    sides : dict of str to Spread
        What was compared, in `unit`.
    unit : str
        Of the sides.
    """

    key: str
    value: float
    spread: Spread
    sides: dict[str, Spread] = field(default_factory=dict)
    unit: str = "ms"


def timed(call: Callable[[], object]) -> Callable[[], float]:
    """Return a call that gives the milliseconds another one takes."""

    def run() -> float:
        start = time.perf_counter()
        call()
        return (time.perf_counter() - start) * 1e3

    return run


def interleaved(
    sides: Mapping[str, Callable[[], float]], rounds: int, warm_up: int = 1
) -> dict[str, list[float]]:
    """Run every side once a round, in alternating order, so that noise hits all.

    Parameters
    ----------
    sides : mapping of str to callable
        Each measures itself once and returns the value.
    rounds : int
    warm_up : int
        Rounds run before, and thrown away.
    """
    values: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(-warm_up, rounds):
        names = list(sides)[:: 1 if number % 2 else -1]
        for name in names:
            time.sleep(PAUSE)
            value = sides[name]()
            if number >= 0:
                values[name].append(value)
    return values


def ratio(
    key: str, ours: Sequence[float], bare: Sequence[float], unit: str = "ms"
) -> Outcome:
    """Compare medians; the spread is of the ratios within each round."""
    spread = Spread.of(np.asarray(ours) / np.asarray(bare))
    sides = {"ours": Spread.of(ours), "bare": Spread.of(bare)}
    return Outcome(
        key, sides["ours"].median / sides["bare"].median, spread, sides, unit
    )


def plain(key: str, values: Sequence[float], unit: str = "ms") -> Outcome:
    """Report values that are compared with nothing."""
    spread = Spread.of(values)
    return Outcome(key, spread.median, spread, {}, unit)
