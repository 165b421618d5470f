"""The objects of the labels: listed, named, merged, deleted. Knows no Qt."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from psygnal import Signal

from napari_sam21.control.commits import Committer
from napari_sam21.control.errand import Say
from napari_sam21.control.facts import Facts, Told, after_last, in_plain_values
from napari_sam21.control.ports import Host
from napari_sam21.control.register import UNKNOWN, Register, session_facts
from napari_sam21.control.steps import LabelStep, RelabelStep, TellStep
from napari_sam21.control.words import COUNTING, said_of
from napari_sam21.control.words import labels as named
from napari_sam21.core.crops import Crop
from napari_sam21.core.errors import LayerError, Sam21Error
from napari_sam21.layers.output import check_output
from napari_sam21.layers.planes import Plane
from napari_sam21.layers.prompts import Mark
from napari_sam21.layers.relabel import Relabelling
from napari_sam21.layers.replacing import crop_on
from napari_sam21.layers.spotting import bring_into_view

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Layer

    from napari_sam21.session.journal import Session

CLASS_IS_OBJECT = (
    "Class {name!r} has the label {value}, and that is an object in {layer!r}. Choose "
    "“New labels layer” for classes, or commit as a new label: the class is then noted "
    "with the object"
)


class Objects:
    """A register for each Labels layer, and what the user does to whole labels.

    Parameters
    ----------
    viewer : napari.Viewer
    host : Host
    commits : Committer
        Writes, and keeps the history.
    say : callable
        Tells the user.
    failed : callable
        Gets the exception of a count that failed.

    Attributes
    ----------
    changed : Signal
        Emits a Labels layer, and the labels of which a row is another one now.
    """

    changed = Signal(object, object)

    def __init__(
        self,
        viewer: ViewerModel,
        host: Host,
        commits: Committer,
        say: Say,
        failed: Callable[[BaseException], None],
    ) -> None:
        self._viewer, self._host, self._commits = viewer, host, commits
        self._say, self._failed = say, failed
        self._registers: dict[Any, Register] = {}
        self._waiting: tuple[Labels, Callable[[], None]] | None = None
        commits.ledger.hearer = self._heard
        commits.places = self

    def of(self, labels: Labels) -> Register:
        """Return the register of a layer; it is kept until the layer goes."""
        key = labels.unique_id
        if key not in self._registers:
            changed = partial(self._changed, labels)
            self._registers[key] = found = Register(
                labels, self._viewer.dims, self._host, changed, self._failed
            )
            self._commits.classes.note_all(f.class_name for f in found.facts.values())
        return self._registers[key]

    def facts_of(self, labels: Labels) -> Facts:
        """Return what is known of the objects of a layer."""
        return session_facts().get(labels.unique_id, {})

    def marks_of(self, labels: Labels, label: int, plane: Plane) -> tuple[Mark, ...]:
        """Return the prompts that made a label on a plane, as far as they are known."""
        found = self._registers.get(labels.unique_id)
        return () if found is None else found.marks_of(label, plane)

    def forget(self, layer: Layer) -> None:
        """Let go of a layer that left the viewer."""
        found = self._registers.pop(layer.unique_id, None)
        session_facts().pop(layer.unique_id, None)
        if found is not None:
            found.close()
        if self._waiting is not None and self._waiting[0] == layer:
            self._waiting = None

    def close(self) -> None:
        """Stop counting."""
        self.changed.disconnect()
        self._waiting = None
        for each in self._registers.values():
            each.close()
        self._registers.clear()

    def stop_waiting(self) -> None:
        """Forget what waits for the count: something else was asked for."""
        self._waiting = None

    # --- what the user does to whole labels ---------------------------------------

    def delete(self, image: Image, ids: Iterable[int]) -> None:
        """Delete labels wherever they are: one step of the history."""
        self._when_counted(partial(self._relabel, image, tuple(ids), 0))

    def merge(self, image: Image, ids: Iterable[int], into: int) -> None:
        """Make labels a part of another one wherever they are: one step."""
        old = tuple(label for label in ids if label != into)
        self._when_counted(partial(self._relabel, image, old, into))

    def name(self, ids: Iterable[int], class_name: str) -> None:
        """Give objects a class, which may be empty: one step of the history."""
        labels, name = (
            self._commits.target.labels,
            self._commits.classes.note(class_name),
        )
        if labels is None:
            return
        facts = self.of(labels).facts
        known = {label: facts.get(label) for label in ids}
        after = {n: (f or UNKNOWN).named(name) for n, f in known.items()}
        if after != known:
            step = TellStep(labels, Told(known, after))
            self._commits.ledger.committed(step, "class")
            word = f"is {name!r} now" if name else "has no class now"
            self._say(f"{named(after)}: {word}.", False)

    def show(self, label: int) -> None:
        """Select a label, and move the view to it unless it is on show."""
        labels = self._commits.target.labels
        if labels is not None:
            if int(labels.selected_label) != label:
                labels.selected_label = label
            census = self.of(labels).counting.census
            bring_into_view(self._viewer, labels, census, label)

    def _when_counted(self, call: Callable[[], None]) -> None:
        """Call once it is known where the labels are; the newest wish wins."""
        labels = self._commits.target.labels
        if labels is None:
            self._say("There are no labels yet: commit an object first.", False)
            return
        self._commits.finish()
        if self.known(labels, call):
            self._try(call)
        else:
            self._say(COUNTING, False)

    def known(self, labels: Labels, again: Callable[[], None]) -> bool:
        """Whether it is known where labels are; else `again` is called when it is."""
        counting = self.of(labels).counting
        counting.want()
        known = counting.settle()
        self._waiting = None if known else (labels, again)
        return known

    def crop(self, labels: Labels, label: int, plane: Plane) -> Crop:
        """Return where a label is on a plane, once `known` said True."""
        return crop_on(labels, self.of(labels).counting.census, label, plane)

    def _try(self, call: Callable[[], None]) -> None:
        try:
            call()
        except Sam21Error as error:
            self._say(str(error), True)

    def _relabel(self, image: Image, old: tuple[int, ...], new: int) -> None:
        labels = self._commits.target.labels
        if labels is None:
            return
        check_output(labels, image)
        census = self.of(labels).counting.census
        old = tuple(label for label in old if label in census)
        if not old or (new and new not in census):
            raise LayerError(_missing(labels.name, new if old else 0))
        blocks = (block for label in old for block in census.places(label))
        pixels = sum(map(census.area, old))
        writing = Relabelling(labels, blocks, old, new, pixels)
        self._commits.ledger.begin(image, labels, is_new=False)
        self._commits.target.used(max(old))
        done = partial(self._relabelled, writing, old, new)
        self._commits.carry_out(writing.steps(), done)

    def _relabelled(
        self, writing: Relabelling, old: tuple[int, ...], new: int, problem: str
    ) -> None:
        if writing.changes:
            step = RelabelStep(writing.labels, tuple(writing.changes), old, new)
            self._commits.ledger.committed(step, step.cause)
            self._say(problem or said_of(step, step.cause), bool(problem))

    # --- what is heard -----------------------------------------------------------

    def restore(self, labels: Labels, session: Session) -> None:
        """Take in what a session that was left knew of its objects."""
        records = [each.get("facts", {}) for each in session.of_kind("objects")]
        facts = after_last(each for each in records if isinstance(each, dict))
        self.of(labels).know(dict(facts))
        for record in session.of_kind("objects"):
            self._commits.classes.restore(record.get("classes"))
        self._commits.classes.note_all(fact.class_name for fact in facts.values())

    def _heard(self, step: LabelStep | TellStep, cause: str) -> None:
        now = self.of(step.labels).heard(step, cause)
        if now:
            told = {str(label): in_plain_values(fact) for label, fact in now.items()}
            self._commits.ledger.told(step.labels, told, self._commits.classes.ids)

    def _changed(self, labels: Labels, ids: frozenset[int]) -> None:
        waiting = self._waiting
        mine = waiting is not None and waiting[0] is labels
        if waiting is not None and mine and self.of(labels).counting.complete:
            self._waiting = None
            self._try(waiting[1])
        self.changed.emit(labels, ids)

    def check_class(self, labels: Labels, value: int) -> None:
        """Refuse to write a class over an object that has the same label."""
        name = self._commits.classes.chosen
        fact = self.facts_of(labels).get(value)
        if fact is not None and fact.parts and fact.class_name != name:
            raise LayerError(
                CLASS_IS_OBJECT.format(name=name, value=value, layer=labels.name)
            )


def _missing(layer: str, new: int) -> str:
    if new:
        return (
            f"label {new}, which is selected, is not in {layer!r}: select one that is "
            "there, among the layer controls or in the object table"
        )
    return f"there is no such label in {layer!r} any more: choose another"
