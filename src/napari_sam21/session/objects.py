"""What a session tells of the objects in its labels: frozen values; no napari."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from napari_sam21.core.errors import PromptError
from napari_sam21.core.geometry import Region
from napari_sam21.core.prompts import Prompts
from napari_sam21.session.journal import Session
from napari_sam21.session.lines import Line

CHANGED = "change"
BY_PROMPTS = "prompts"

Told = Mapping[str, Any]
UNREADABLE = (LookupError, AttributeError, TypeError, ValueError, PromptError)
"""What reading plain values of another version may raise."""


@dataclass(frozen=True)
class Question:
    """One round of an object's making.

    Attributes
    ----------
    prompts : Prompts
        All there were then; plane frame.
    region : Region
        What the model was shown; plane frame.
    key : str
        Of the embedding.
    choice : int
        The candidate that was chosen in the end.
    fed_back : bool
        Whether the decoder was given the candidate of the round before.
    look : mapping or None
        How the pixels were seen; see docs/sessions.md.
    """

    prompts: Prompts
    region: Region
    key: str
    choice: int
    fed_back: bool
    look: Told | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Facts:
    """What is known of an object.

    Attributes
    ----------
    id : int
    made_by : str
        ``"prompts"``, or what found it: see docs/sessions.md.
    predicted_iou : float or None
        Of the mask that was taken.
    hidden : tuple of (int, int)
        Axes of the array that are not of its plane, and their index.
    displayed : (int, int) or None
        Axes of rows and columns.
    prompts : Prompts
        Plane frame; none if it was found in another way.
    marks : tuple of ((float, ...), int)
        The same in data coordinates: position, and 1, 0, or 2 for a corner of a box.
    model : str
        Name of the model; empty if unknown.
    told : mapping
        The whole record, as the journal has it.
    """

    id: int
    made_by: str
    predicted_iou: float | None = None
    hidden: tuple[tuple[int, int], ...] = ()
    displayed: tuple[int, int] | None = None
    prompts: Prompts = field(default_factory=Prompts)
    marks: tuple[tuple[tuple[float, ...], int], ...] = ()
    model: str = ""
    told: Told = field(default_factory=dict, compare=False, repr=False)

    @property
    def prompt_count(self) -> int:
        """How many points and boxes it took."""
        return len(self.prompts.point_labels) + (self.prompts.box_rc is not None)

    @property
    def settings(self) -> Told:
        """The choices under which it was made; see docs/sessions.md."""
        found = self.told.get("settings")
        return found if isinstance(found, dict) else {}

    @property
    def questions(self) -> tuple[Question, ...]:
        """The rounds that led to it, in order; empty if that is not told."""
        try:
            return tuple(_questions(self.told, self.prompts))
        except UNREADABLE:
            return ()


def objects(session: Session) -> dict[int, Facts]:
    """Return what is known of the objects of a session, by id.

    Of an id that was committed more than once, the last commit counts that did not only
    add to it. What was undone is left out. Pixels are not looked at: an object that was
    painted over may still be told of.
    """
    found: dict[int, Facts] = {}
    for line in in_force(session):
        facts = facts_of(line)
        if facts is None or facts.id == 0:
            continue
        added = facts.settings.get("kind") == "add"
        if not (added and facts.id in found):
            found[facts.id] = facts
    return found


def last_settings(session: Session) -> Told:
    """Return the choices under which the last object was committed; often empty."""
    for line in reversed(session.records):
        facts = facts_of(line) if line["kind"] == CHANGED else None
        if facts is not None and facts.settings and facts.made_by == BY_PROMPTS:
            return facts.settings
    return {}


def in_force(session: Session) -> list[Line]:
    """Return the changes that tell of an object and were not undone, in order."""
    lines: list[Line] = []
    undone: list[Line] = []
    for line in session.of_kind(CHANGED):
        told, cause = line.get("object"), line.get("cause")
        if not isinstance(told, dict):
            continue
        if cause == "undo" or (cause == "napari" and told.get("undone")):
            _move(told, lines, undone)
        elif cause in ("redo", "napari"):
            _move(told, undone, lines)
        else:
            lines.append(line)
    order = {id(line): number for number, line in enumerate(session.records)}
    return sorted(lines, key=lambda line: order[id(line)])


def facts_of(line: Line) -> Facts | None:
    """Read what a record tells of its object; None if that cannot be read."""
    try:
        return _facts(line["object"])
    except UNREADABLE:
        return None


def _facts(told: Told) -> Facts:
    prompts = _prompts(told)
    scores, choice = told.get("scores"), told.get("choice")
    score = told.get("predicted_iou")
    if scores is not None and choice is not None:
        score = scores[choice]
    plane = told.get("plane") or {}
    return Facts(
        id=int(told["id"]),
        made_by=str(told.get("made_by") or (BY_PROMPTS if prompts else "")),
        predicted_iou=None if score is None else float(score),
        hidden=tuple((int(a), int(i)) for a, i in plane.get("hidden", ())),
        displayed=_pair(plane.get("displayed")),
        prompts=prompts,
        marks=tuple(
            (tuple(map(float, where)), int(label))
            for where, label in told.get("marks", ())
        ),
        model=str((told.get("model") or {}).get("name", "")),
        told=MappingProxyType(dict(told)),
    )


def _move(told: Told, source: list[Line], target: list[Line]) -> None:
    """Move the last line that tells the same; napari's say whether it was undone."""
    same = {key: value for key, value in told.items() if key != "undone"}
    for line in reversed(source):
        if line["object"] == same:
            source[:] = [each for each in source if each is not line]
            target.append(line)
            return


def _prompts(told: Told) -> Prompts:
    return Prompts(
        told.get("points_rc") or (), told.get("point_labels") or (), told.get("box_rc")
    )


def _questions(told: Told, prompts: Prompts) -> Iterator[Question]:
    rounds: Iterable[Told] = told.get("rounds") or ()
    for each in rounds:
        n = int(each["points"])
        yield Question(
            Prompts(
                prompts.points_rc[:n],
                prompts.point_labels[:n],
                prompts.box_rc if each["box"] else None,
            ),
            Region(*(int(edge) for edge in each["region"])),
            str(each["embedding"]),
            int(each["choice"]),
            bool(each["fed_back"]),
            each.get("look") or told.get("look"),
        )


def _pair(values: Sequence[int] | None) -> tuple[int, int] | None:
    if values is None:
        return None
    first, second = values
    return int(first), int(second)
