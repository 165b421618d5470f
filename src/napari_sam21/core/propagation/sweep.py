"""Forwards, then backwards, through the slices: one embedding a slice, all objects."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from napari_sam21.core.crops import Crop
from napari_sam21.core.embedding import Embedding
from napari_sam21.core.errors import PromptError
from napari_sam21.core.framing import region_about
from napari_sam21.core.geometry import Region
from napari_sam21.core.propagation.ask import carry
from napari_sam21.core.propagation.look import Look, likeness, look_of
from napari_sam21.core.propagation.rules import Asking, Evidence, Step, StopRules
from napari_sam21.core.runtime import Cancellation
from napari_sam21.core.sam2 import Model

FORWARDS, BACKWARDS = 1, -1

Embed = Callable[[int, Region], Embedding]
"""Gives the embedding of a slice; the region is a proposal, and may be ignored."""
Keyframes = Mapping[int, Mapping[int, Crop]]
"""By slice, then by the object's number: masks that are right."""


def propagate(
    model: Model,
    embed: Embed,
    plane_shape: tuple[int, int],
    keyframes: Keyframes,
    span: tuple[int, int],
    rules: StopRules | None = None,
    asking: Asking | None = None,
    *,
    cancel: Cancellation | None = None,
) -> Iterator[Step]:
    """Carry objects from the slices where they are known to the others.

    Each slice takes an object from its nearest keyframe: between two keyframes, both
    sides meet in the middle. Keyframes are never changed, nor returned.

    Parameters
    ----------
    model : Model
    embed : callable
        Gets a slice's index and a region that holds all objects there, returns the
        embedding: ``lambda z, region: encode_framed(model, stack[z], region)``. Called
        once for a slice in each direction (twice for a keyframe in which other objects
        arrive), and not where no object is left.
    plane_shape : (int, int)
        (H, W) of a slice.
    keyframes : mapping of int to mapping of int to Crop
        ``{slice: {number: mask}}``; `Crop.of` makes one of a mask (H, W), `crops_of`
        all of a label image.
    span : (int, int)
        First slice, and one past the last.
    rules : StopRules, optional
    asking : Asking, optional
    cancel : Cancellation, optional
        Heard between slices.

    Yields
    ------
    Step
        Slice by slice, forwards and then backwards; the last of an object tells why it
        stopped, unless it came to the end or to another keyframe.

    Raises
    ------
    PromptError
        If a keyframe is empty, or lies outside the span.
    Cancelled
        If ``cancel`` was called.
    """
    _check(keyframes, span)
    course = Course(model, embed, plane_shape, asking or Asking())
    for direction in (FORWARDS, BACKWARDS):
        yield from _sweep(
            course, keyframes, span, direction, rules or StopRules(), cancel
        )


@dataclass(frozen=True, eq=False)
class Alive:
    """An object on its way: its mask in the slice before, its look in the keyframe."""

    crop: Crop
    look: Look


@dataclass(frozen=True, eq=False)
class Course:
    """What stays the same from slice to slice."""

    model: Model
    embed: Embed
    plane_shape: tuple[int, int]
    asking: Asking
    looks: dict[tuple[int, int], Look] = field(default_factory=dict)

    def embedding(self, index: int, crops: Mapping[int, Crop]) -> Embedding:
        """Return a slice's embedding, of a region that shows these objects."""
        windows = [crop.window for crop in crops.values()]
        return self.embed(index, region_about(self.plane_shape, windows))

    def starting(self, index: int, fixed: Mapping[int, Crop]) -> dict[int, Alive]:
        """Return the objects of a keyframe, ready to go on from it."""
        missing = {n: crop for n, crop in fixed.items() if (index, n) not in self.looks}
        if missing:
            embedding = self.embedding(index, fixed)
            for number, crop in missing.items():
                self.looks[index, number] = look_of(embedding, crop)
        return {n: Alive(crop, self.looks[index, n]) for n, crop in fixed.items()}


def _check(keyframes: Keyframes, span: tuple[int, int]) -> None:
    for index, crops in keyframes.items():
        if not span[0] <= index < span[1]:
            raise PromptError(
                f"keyframe {index} lies outside the slices {span[0]} … {span[1] - 1}; "
                "widen the span, or drop it"
            )
        for number, crop in crops.items():
            if not crop:
                raise PromptError(
                    f"object {number} has an empty mask in slice {index}; give the "
                    "mask of a slice where it is, or drop it there"
                )


def _sweep(
    course: Course,
    keyframes: Keyframes,
    span: tuple[int, int],
    direction: int,
    rules: StopRules,
    cancel: Cancellation | None,
) -> Iterator[Step]:
    """Walk through once; objects come in at keyframes, and go by the rules."""
    known = _slices_of(keyframes)
    alive: dict[int, Alive] = {}
    for index in range(*span)[::direction]:
        if cancel is not None:
            cancel.raise_if_wished()
        fixed = keyframes.get(index, {})
        alive = {
            number: each
            for number, each in alive.items()
            if number not in fixed and is_nearest(known[number], index, direction)
        }
        steps = _steps(course, index, alive, fixed, rules)
        yield from steps
        alive = {
            step.number: Alive(step.crop, alive[step.number].look)
            for step in steps
            if not step.stopped
        }
        alive |= course.starting(index, fixed)


def _slices_of(keyframes: Keyframes) -> dict[int, list[int]]:
    """Return the slices in which each object is known, ascending."""
    known: dict[int, list[int]] = {}
    for index in sorted(keyframes):
        for number in keyframes[index]:
            known.setdefault(number, []).append(index)
    return known


def is_nearest(known: list[int], index: int, direction: int) -> bool:
    """Whether the keyframe behind is nearer than the one ahead; equal goes forwards.

    Parameters
    ----------
    known : list of int
        Slices of the object's keyframes, ascending, not empty; ``index`` is not one.
    index : int
    direction : int
        1 forwards, -1 backwards.
    """
    place = bisect_left(known, index)
    below = known[place - 1] if place > 0 else None
    above = known[place] if place < len(known) else None
    behind, ahead = (below, above) if direction == FORWARDS else (above, below)
    if behind is None or ahead is None:
        return behind is not None
    gap, rest = abs(index - behind), abs(index - ahead)
    return gap < rest or (gap == rest and direction == FORWARDS)


def _steps(
    course: Course,
    index: int,
    alive: Mapping[int, Alive],
    fixed: Mapping[int, Crop],
    rules: StopRules,
) -> list[Step]:
    """Find the objects of the slice before in this one, and judge what was found."""
    if not alive:
        return []
    before = {number: each.crop for number, each in alive.items()}
    embedding = course.embedding(index, before)
    found = carry(course.model, embedding, before, fixed, course.asking)
    steps = []
    for number, each in alive.items():
        if number in found:
            crop, score = found[number].crop, found[number].score
            alike = likeness(look_of(embedding, crop), each.look)
            steps.append(judged(index, number, crop, score, each.crop, alike, rules))
        else:
            nothing = each.crop.clipped((0, 0, 0, 0))
            steps.append(Step(index, number, nothing, 0.0, 0.0, 0.0, "left the region"))
    return steps


def judged(
    index: int,
    number: int,
    crop: Crop,
    score: float,
    before: Crop,
    alike: float,
    rules: StopRules,
) -> Step:
    """Return a step, with the reason to stop if a rule gives one."""
    overlap, area = crop.iou(before), crop.area
    seen = Evidence(score, overlap, area / before.area, area, alike)
    return Step(index, number, crop, score, overlap, alike, rules.reason(seen))
