"""What is known of objects beside their pixels: frozen values, and how they join."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from napari_sam21.core.prompts import Prompts
from napari_sam21.files.results import Note, NotesKey
from napari_sam21.layers.planes import Plane
from napari_sam21.layers.prompts import Mark

if TYPE_CHECKING:
    from napari_sam21.annotation import Draft


@dataclass(frozen=True)
class Part:
    """An object on one plane; None is unknown.

    Attributes
    ----------
    plane : Plane
    predicted_iou : float or None
        Of the candidate that was committed.
    prompts : int or None
        How many points and boxes it took.
    marks : tuple of Mark
        The prompts themselves: they come back when it is taken up again.
    """

    plane: Plane
    predicted_iou: float | None = None
    prompts: int | None = None
    marks: tuple[Mark, ...] = ()

    def joined(self, other: Part) -> Part:
        """Return this with more on the same plane: as good as the worse of the two."""
        return Part(
            self.plane,
            _or_other(min, self.predicted_iou, other.predicted_iou),
            _or_other(_sum, self.prompts, other.prompts),
            (*self.marks, *(m for m in other.marks if m not in self.marks)),
        )


@dataclass(frozen=True)
class Fact:
    """An object.

    Attributes
    ----------
    class_name : str
        Empty if it has none.
    parts : tuple of Part
        One for each plane on which something is known of it.
    """

    class_name: str = ""
    parts: tuple[Part, ...] = ()

    @property
    def predicted_iou(self) -> float | None:
        """That of its weakest part; None if none is known."""
        known = [p.predicted_iou for p in self.parts if p.predicted_iou is not None]
        return min(known, default=None)

    @property
    def prompts(self) -> int | None:
        """Those of all parts; None if nothing is known."""
        known = [part.prompts for part in self.parts if part.prompts is not None]
        return sum(known) if known else None

    def on(self, plane: Plane) -> Part | None:
        """Return what is known of it on a plane."""
        return next((part for part in self.parts if part.plane == plane), None)

    def with_part(self, part: Part, adds: bool = False) -> Fact:
        """Return it with a part, which takes the place of that plane's, or adds."""
        before = self.on(part.plane)
        new = before.joined(part) if adds and before is not None else part
        rest = (each for each in self.parts if each.plane != part.plane)
        return replace(self, parts=(*rest, new))

    def named(self, class_name: str) -> Fact:
        """Return it with another class."""
        return replace(self, class_name=class_name)

    def joined(self, other: Fact) -> Fact:
        """Return this object with another one merged into it."""
        found = self.named(self.class_name or other.class_name)
        for part in other.parts:
            found = found.with_part(part, adds=True)
        return found


Facts = Mapping[int, Fact]
"""By label."""


@dataclass(frozen=True)
class Told:
    """How a step changes what is known: by label, before and after it."""

    before: Mapping[int, Fact | None]
    after: Mapping[int, Fact | None]


def part_of(plane: Plane, draft: Draft, marks: tuple[Mark, ...]) -> Part:
    """Return what an object's draft tells of it."""
    answer = draft.rounds[-1].answer if draft.rounds else None
    score = None if answer is None else float(answer.scores[answer.index])
    return Part(plane, score, count_of(draft.prompts) or None, marks)


def count_of(prompts: Prompts) -> int:
    """Count points and boxes."""
    return len(prompts.points_rc) + (prompts.box_rc is not None)


def notes_of(facts: Facts) -> dict[NotesKey, Note]:
    """Return facts as files take them, plane by plane where the planes are of a file.

    A file's planes are the last two axes.
    """
    notes: dict[NotesKey, Note] = {}
    for label, fact in facts.items():
        name = fact.class_name or None
        notes[label] = Note(name)
        for part in fact.parts:
            index = _file_index(part.plane)
            if index is None:
                notes[label] = Note(name, fact.predicted_iou, fact.prompts)
            else:
                notes[label, index] = Note(name, part.predicted_iou, part.prompts)
    return notes


def _file_index(plane: Plane) -> tuple[int, ...] | None:
    if tuple(axis for axis, _ in plane.hidden) != tuple(range(plane.ndim - 2)):
        return None
    return tuple(index for _, index in plane.hidden)


# --- as a journal keeps them -----------------------------------------------------


def in_plain_values(fact: Fact | None) -> dict[str, Any] | None:
    """Return a fact in the plain values of JSON."""
    if fact is None:
        return None
    parts = [
        {
            "displayed": list(part.plane.displayed),
            "hidden": [list(each) for each in part.plane.hidden],
            "shape": list(part.plane.shape),
            "predicted_iou": part.predicted_iou,
            "prompts": part.prompts,
            "marks": [[list(mark.position), mark.label] for mark in part.marks],
        }
        for part in fact.parts
    ]
    return {"class": fact.class_name, "parts": parts}


def from_plain_values(found: Mapping[str, Any]) -> Fact:
    """Return the fact that `in_plain_values` told of.

    Raises
    ------
    KeyError, TypeError, ValueError
        If it is none.
    """
    return Fact(str(found["class"]), tuple(_part(each) for each in found["parts"]))


def _part(found: Mapping[str, Any]) -> Part:
    row, column = (int(axis) for axis in found["displayed"])
    height, width = (int(size) for size in found["shape"])
    hidden = tuple((int(axis), int(index)) for axis, index in found["hidden"])
    marks = tuple(
        Mark(tuple(map(float, position)), int(label))
        for position, label in found["marks"]
    )
    plane = Plane((row, column), hidden, (height, width))
    score, count = found["predicted_iou"], found["prompts"]
    return Part(
        plane,
        None if score is None else float(score),
        None if count is None else int(count),
        marks,
    )


def after_last(told: Iterable[Mapping[str, Any]]) -> dict[int, Fact]:
    """Return what is known after records of a journal; damaged ones are left out."""
    facts: dict[int, Fact] = {}
    for record in told:
        for label, found in record.items():
            try:
                if found is None:
                    facts.pop(int(label), None)
                else:
                    facts[int(label)] = from_plain_values(found)
            except (KeyError, TypeError, ValueError):
                continue
    return facts


def _or_other(join: Any, one: Any, other: Any) -> Any:
    if one is None or other is None:
        return one if other is None else other
    return join(one, other)


def _sum(one: int, other: int) -> int:
    return one + other
