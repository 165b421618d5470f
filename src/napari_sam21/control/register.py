"""What is known of the objects of one Labels layer: counted, and told by our steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from napari_sam21.control.facts import Fact, Told, part_of
from napari_sam21.control.ports import Host
from napari_sam21.control.steps import (
    CommitStep,
    LabelStep,
    ManyStep,
    RelabelStep,
    TellStep,
    parts_of,
)
from napari_sam21.core.census import Index
from napari_sam21.layers.counting import Counting
from napari_sam21.layers.planes import Plane
from napari_sam21.layers.prompts import Mark
from napari_sam21.layers.relabel import box_of
from napari_sam21.layers.saving import calibration_of
from napari_sam21.layers.target import ADD, CLASS

if TYPE_CHECKING:
    from napari.components import Dims
    from napari.layers import Labels

UNKNOWN = Fact()


@dataclass(frozen=True)
class Row:
    """An object as a table shows it; None is unknown.

    Attributes
    ----------
    id : int
    class_name : str
    area_px : int
        Pixels, of all planes together.
    area_world : float or None
        The same in `area_unit`; None if the pixels have no size.
    area_unit : str
    predicted_iou : float or None
        That of its weakest part.
    prompts : int or None
        Points and boxes it took.
    planes : tuple of tuple of int
        Planes it is on (the last two axes are the plane), in order.
    """

    id: int
    class_name: str
    area_px: int
    area_world: float | None
    area_unit: str
    predicted_iou: float | None
    prompts: int | None
    planes: tuple[Index, ...]


class Register:
    """The objects of one Labels layer.

    Parameters
    ----------
    labels : Labels
    dims : Dims
    host : Host
    changed : callable
        Gets the labels of which a row is another one now.
    failed : callable
        Gets the exception of a count that failed.

    Attributes
    ----------
    facts : dict of int to Fact
        What our own steps told, by label.
    counting : Counting
        Where labels are, and how large.
    """

    def __init__(
        self,
        labels: Labels,
        dims: Dims,
        host: Host,
        changed: Callable[[frozenset[int]], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self.labels = labels
        self.facts = session_facts().setdefault(labels.unique_id, {})
        self.counting = Counting(labels, dims, host, changed, failed)
        self._changed = changed
        self._told: WeakKeyDictionary[LabelStep | TellStep, Told] = WeakKeyDictionary()

    def close(self) -> None:
        """Stop counting."""
        self.counting.close()

    # --- what is there -----------------------------------------------------------

    def ids(self) -> tuple[int, ...]:
        """Return the labels that are there, as far as they are counted."""
        return self.counting.census.ids()

    def rows(self, ids: Iterable[int]) -> list[Row]:
        """Return the rows of some labels; one that is not there has none."""
        area = calibration_of(self.labels).pixel_area()
        census = self.counting.census
        return [self._row(label, area) for label in ids if label in census]

    def _row(self, label: int, pixel: tuple[float, str] | None) -> Row:
        areas = self.counting.census.areas(label)
        fact, pixels = self.facts.get(label, UNKNOWN), sum(areas.values())
        return Row(
            id=label,
            class_name=fact.class_name,
            area_px=pixels,
            area_world=None if pixel is None else pixels * pixel[0],
            area_unit="" if pixel is None else pixel[1],
            predicted_iou=fact.predicted_iou,
            prompts=fact.prompts,
            planes=tuple(areas),
        )

    def marks_of(self, label: int, plane: Plane) -> tuple[Mark, ...]:
        """Return the prompts that made a label on a plane, as far as they are known."""
        part = self.facts.get(label, UNKNOWN).on(plane)
        return () if part is None else part.marks

    # --- what happens ------------------------------------------------------------

    def heard(self, step: LabelStep | TellStep, cause: str) -> dict[int, Fact | None]:
        """Follow a step that was done, undone or redone.

        Parameters
        ----------
        step : LabelStep or TellStep
        cause : str
            "undo", "redo", or anything else: it was done.

        Returns
        -------
        dict of int to Fact or None
            What is known now of the labels that it is about.
        """
        if not isinstance(step, TellStep):
            self.counting.touched([box_of(part) for part in parts_of(step)])
        told = self._told.get(step)
        if told is None:
            self._told[step] = told = _told_by(step, self.facts)
        now = dict(told.before if cause == "undo" else told.after)
        self.know(now)
        return now

    def know(self, facts: dict[int, Fact | None]) -> None:
        """Take in what is known of some labels; None is nothing."""
        for label, fact in facts.items():
            if fact is None:
                self.facts.pop(label, None)
            else:
                self.facts[label] = fact
        if facts:
            self._changed(frozenset(facts))


@cache
def session_facts() -> dict[Any, dict[int, Fact]]:
    """Return the facts of all layers, by their ids: they outlive a closed dock."""
    return {}


def _told_by(step: LabelStep | TellStep, facts: dict[int, Fact]) -> Told:
    """What a step that was just done tells of labels."""
    if isinstance(step, TellStep):
        return step.told
    after: dict[int, Fact | None] = {}
    if isinstance(step, CommitStep) and step.delta.value:
        after = _of_commit(step, facts)
    elif isinstance(step, ManyStep):
        after = _of_many(step, facts)
    elif isinstance(step, RelabelStep):
        after = _of_relabel(step, facts)
    return Told({label: facts.get(label) for label in after}, after)


def _of_commit(step: CommitStep, facts: dict[int, Fact]) -> dict[int, Fact | None]:
    label, part = step.delta.value, part_of(step.plane, step.draft, step.taken)
    before = facts.get(label, Fact(step.class_name))
    named = before.named(before.class_name or step.class_name)
    return {label: named.with_part(part, adds=step.kind in (ADD, CLASS))}


def _of_many(step: ManyStep, facts: dict[int, Fact]) -> dict[int, Fact | None]:
    found: dict[int, Fact] = {}
    for label, part in step.parts:
        before = found.get(label) or facts.get(label) or Fact(step.class_name)
        found[label] = before.with_part(part, adds=step.as_one)
    return dict(found)


def _of_relabel(step: RelabelStep, facts: dict[int, Fact]) -> dict[int, Fact | None]:
    after: dict[int, Fact | None] = dict.fromkeys(step.old)
    if step.new:
        joined = facts.get(step.new, UNKNOWN)
        for label in step.old:
            joined = joined.joined(facts.get(label, UNKNOWN))
        if joined != UNKNOWN:
            after[step.new] = joined
    return after
