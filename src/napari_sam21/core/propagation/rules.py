"""When an object ends, and how its next slice is asked for: values, adjustable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from napari_sam21.core.crops import Crop
from napari_sam21.core.errors import PromptError


@dataclass(frozen=True)
class StopRules:
    """When an object is taken to have ended; the first rule that holds is named.

    Parameters
    ----------
    min_score : float
        Predicted IoU, 0 … 1.
    min_overlap : float
        IoU with the mask of the slice before, 0 … 1.
    max_jump : float
        Factor by which the area may grow or shrink from one slice to the next.
    min_area : int
        In pixels.
    min_likeness : float
        Cosine between the mean feature of the object here and in its keyframe, -1 … 1
        (-1: never a reason). It tells the end of an object where the decoder, given a
        mask and a box, goes on to find something; with `starter`, .80 to .88 were best.

    Raises
    ------
    PromptError
        If a number is out of its range.
    """

    min_score: float = 0.5
    min_overlap: float = 0.3
    max_jump: float = 2.5
    min_area: int = 8
    min_likeness: float = 0.8

    def __post_init__(self) -> None:
        for name in ("min_score", "min_overlap"):
            if not 0 <= getattr(self, name) <= 1:
                raise PromptError(
                    f"{name} is {getattr(self, name)}; give a number from 0 to 1"
                )
        if not self.max_jump >= 1:
            raise PromptError(
                f"max_jump is {self.max_jump}; give a factor of 1 or more"
            )

    def reason(self, seen: Evidence) -> str:
        """Return why an object ends here, in words; empty if it goes on."""
        return next((text for ends, text in _RULES if ends(self, seen)), "")


@dataclass(frozen=True)
class Evidence:
    """What the rules judge of one object in one slice.

    Attributes
    ----------
    score : float
        Predicted IoU.
    overlap : float
        IoU with the slice before.
    jump : float
        Area over the area before.
    area : int
        In pixels.
    likeness : float
        With the keyframe.
    """

    score: float
    overlap: float
    jump: float
    area: int
    likeness: float


Ends = Callable[[StopRules, Evidence], bool]
_RULES: tuple[tuple[Ends, str], ...] = (
    (lambda rule, seen: seen.area < max(rule.min_area, 1), "nothing left of it"),
    (lambda rule, seen: seen.score < rule.min_score, "predicted IoU too low"),
    (lambda rule, seen: seen.overlap < rule.min_overlap, "too little overlap"),
    (lambda rule, seen: seen.jump > rule.max_jump, "area grew too much"),
    (lambda rule, seen: seen.jump * rule.max_jump < 1, "area shrank too much"),
    (lambda rule, seen: seen.likeness < rule.min_likeness, "looks like something else"),
)


@dataclass(frozen=True)
class Asking:
    """What the decoder is told of the slice before.

    Parameters
    ----------
    feedback : bool
        Its mask, as logits.
    box_growth : float or None
        Its box, grown on each side by this share of its size; None for no box.
    points : int
        Points inside it at most: the deepest, and in a large object others.
    negatives : int
        Points inside neighbours that touch its box, at most.
    """

    feedback: bool = True
    box_growth: float | None = 0.1
    points: int = 3
    negatives: int = 4


@dataclass(frozen=True, eq=False)
class Step:
    """One object in one slice.

    Attributes
    ----------
    index : int
        Of the slice.
    number : int
        Of the object.
    crop : Crop
        Its mask; if it stopped, what was refused.
    score : float
        Predicted IoU.
    overlap : float
        IoU with the slice before.
    likeness : float
        With the keyframe; see `StopRules`.
    stopped : str
        Why it ends before this slice; empty if it goes on.
    """

    index: int
    number: int
    crop: Crop
    score: float
    overlap: float
    likeness: float
    stopped: str = ""
