"""Every limit, in one table."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Limit:
    """What a measured value may be at most.

    Attributes
    ----------
    title : str
        What is compared with what.
    unit : str
        Of the value: "×" for a ratio of medians, "ms" for a difference.
    most : float or None
        None: reported, not judged.
    """

    title: str
    unit: str
    most: float | None = None

    def keeps(self, value: float) -> bool | None:
        """Whether a value is within the limit; None if there is none."""
        return None if self.most is None else value <= self.most

    def text(self, value: float | None) -> str:
        """Write a value in this unit."""
        if value is None:
            return "–"
        return f"{value:.2f} ×" if self.unit == "×" else f"{value:.1f} {self.unit}"


LIMITS = MappingProxyType(
    {
        "encode_grey": Limit("encode 1024² grey / bare encoder run", "×", 1.10),
        "encode_rgb": Limit("encode 1040×1388 RGB / bare encoder run", "×", 1.10),
        "click": Limit("click → preview refreshed / bare decoder run", "×", 2.0),
        "click_painting": Limit("the same while the canvas paints (software GL)", "×"),
        "paint": Limit("one paint of the canvas (software GL)", "ms"),
        "event_loop": Limit("event loop p99 gap, encoding − idle", "ms", 15.0),
        "event_loop_longest": Limit("event loop longest gap, encoding", "ms"),
        "commit": Limit("commit 512² into 10k² uint16 / data_setitem", "×", 2.0),
        "commit_settled": Limit("the same, and all it leaves to the event loop", "×"),
        "memory": Limit("peak memory, load + encode + decode / bare", "×", 1.3),
    }
)
