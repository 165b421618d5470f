"""Carries one object through slices, in a thread of its own, and says how it went."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from napari_sam21.control.many_jobs import Site, Work
from napari_sam21.core.crops import Crop
from napari_sam21.core.embedding import Embedding
from napari_sam21.core.geometry import Region
from napari_sam21.core.propagation import Step, StopRules, propagate
from napari_sam21.layers.ahead import moved
from napari_sam21.layers.batch import Batch, Piece
from napari_sam21.layers.source import elsewhere


@dataclass(frozen=True)
class Course:
    """How far an object is to be carried.

    Attributes
    ----------
    axis : int
        Of the image's data: the one that is walked along.
    span : (int, int)
        First slice, and one past the last.
    rules : StopRules
    """

    axis: int
    span: tuple[int, int]
    rules: StopRules


@dataclass(frozen=True)
class Carried:
    """An object in the slices to which it was carried.

    Attributes
    ----------
    batch : Batch
        One object.
    words : str
        How far, and why it ended there.
    """

    batch: Batch
    words: str


def carried(
    work: Work, site: Site, crop: Crop, course: Course, label: int | None
) -> Carried:
    """Carry an object of the plane to other slices.

    Parameters
    ----------
    work : Work
    site : Site
        The slice where it is known; the source may be of any region.
    crop : Crop
        Its mask there.
    course : Course
    label : int or None
        Its label; None if it has none yet: then the mask here belongs to the result.
    """
    here, number = dict(site.plane.hidden)[course.axis], label or 1
    steps = list(_walk(work, site, {here: {number: crop}}, course))
    pieces = [
        Piece(
            number, moved(site.plane, {course.axis: step.index}), step.crop, step.score
        )
        for step in steps
        if not step.stopped and step.crop
    ]
    if pieces and label is None:
        pieces.append(Piece(number, site.plane, crop))
    known = {} if label is None else {number: label}
    batch = Batch(tuple(pieces), known, whole=False)
    return Carried(batch, told(steps, here))


def _walk(
    work: Work, site: Site, keys: dict[int, dict[int, Crop]], course: Course
) -> Iterator[Step]:
    """Go through the slices; what lies beyond the plane is cut off."""

    def embed(index: int, region: Region) -> Embedding:
        plane = moved(site.plane, {course.axis: index})
        return work.embed(elsewhere(site.source, plane, region))

    first, last = course.span
    shape = site.plane.shape
    steps = propagate(
        work.model, embed, shape, keys, course.span, course.rules, cancel=work.cancel
    )
    for done, step in enumerate(steps, 1):
        work.progress(done, last - first - 1)
        yield replace(step, crop=step.crop.clipped((0, 0, *shape)))


def told(steps: Sequence[Step], here: int) -> str:
    """Say how far an object was carried, and why it ended there."""
    reached = [step.index for step in steps if not step.stopped] + [here]
    text = f"It is in slices {min(reached)} … {max(reached)}."
    if len(reached) == 1:
        text = f"It is in slice {here} only."
    for stop in (step for step in steps if step.stopped):
        side = "After" if stop.index > here else "Before"
        edge = stop.index - 1 if stop.index > here else stop.index + 1
        text += f" {side} {edge} it ends: {stop.stopped}{_figure(stop)}."
    return text


def _figure(step: Step) -> str:
    """The number that a rule went by."""
    shown = {
        "predicted IoU too low": step.score,
        "too little overlap": step.overlap,
        "looks like something else": step.likeness,
    }
    value = shown.get(step.stopped)
    return "" if value is None else f" ({value:.2f})"
