"""What the project asks of its model, as a table."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass

from training.evaluation.bootstrap import MACRO
from training.evaluation.result import MOST, Result, drop

SIGNS: dict[str, Callable[[float, float], bool]] = {"≥": operator.ge, "≤": operator.le}


@dataclass(frozen=True)
class Target:
    """One demand.

    Attributes
    ----------
    text : str
        For people.
    sign : str
        A key of `SIGNS`.
    bound : float
    value : callable
        Reads the figure from a result; None if it was not measured.
    form : str
        How the figure is written.
    """

    text: str
    sign: str
    bound: float
    value: Callable[[Result], float | None]
    form: str = ".3f"

    @property
    def wanted(self) -> str:
        """The demand, written as the figure is."""
        return f"{self.sign} {self.bound:{self.form}}"

    def met(self, value: float) -> bool:
        """Whether a figure fulfils the demand."""
        return SIGNS[self.sign](value, self.bound)


def figure(name: str, group: str = "all") -> Callable[[Result], float | None]:
    """Read a mean."""
    return lambda result: result.mean(name, group)


def cost(name: str) -> Callable[[Result], float | None]:
    """Read a time, a ratio or a size."""
    return lambda result: result.cost(name)


def largest_drop(result: Result) -> float | None:
    """Read the largest loss between two clicks, of the ten that all objects get."""
    return drop(result.curve("iou", MOST))


TARGETS = (
    Target("IoU after 1 click", "≥", 0.84, figure("iou_1")),
    Target("IoU after 3 clicks", "≥", 0.89, figure("iou_3")),
    Target("IoU after 5 clicks", "≥", 0.91, figure("iou_5")),
    Target("IoU after 1 click, macro average", "≥", 0.77, figure("iou_1", MACRO)),
    Target("NoC@80, at most 20", "≤", 2.3, figure("noc_80"), ".2f"),
    Target("80 % never reached", "≤", 0.06, figure("never_80"), ".1%"),
    Target("cost of a jittered click", "≤", 0.03, figure("jitter_cost")),
    Target("largest drop between clicks", "≤", 0.0, largest_drop, ".4f"),
    Target("best is best, within .01", "≥", 0.85, figure("agreement"), ".1%"),
    Target("error of predicted IoU", "≤", 0.08, figure("score_error")),
    Target("both files, MB", "≤", 12.0, cost("files_mb"), ".1f"),
    Target("encode / true SAM 2.1 tiny", "≤", 1 / 8, cost("encode_of_reference")),
    Target("decode / true SAM 2.1 tiny", "≤", 1 / 2, cost("decode_of_reference")),
)
