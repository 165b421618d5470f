"""Objects that were found lie in a preview until the user accepts or discards them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from napari_sam21.annotation import Draft
from napari_sam21.control.commits import Committer
from napari_sam21.control.editor import ImageEditor
from napari_sam21.control.facts import Part, part_of
from napari_sam21.control.steps import How, ManyStep
from napari_sam21.control.words import said_of
from napari_sam21.core.errors import Sam21Error
from napari_sam21.core.prompts import POSITIVE
from napari_sam21.inference import Inference
from napari_sam21.layers.batch import Batch, BatchWriting
from napari_sam21.layers.pile import Pile
from napari_sam21.layers.planes import Plane
from napari_sam21.layers.prompts import Mark
from napari_sam21.layers.target import OutputTarget

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer

ACCEPT = (
    "Accept or discard; what you erase from “SAM objects” with napari's brush or fill "
    "is left out."
)
NONE_FOUND = "No object was found. Zoom in, or lower the limits (Find ▸ Settings…)."
NOTHING_LEFT = (
    "Nothing is left to write: other labels have these pixels, and the policy is to "
    "keep them. Choose “overwrite”, or discard."
)


class Desk(Protocol):
    """What is needed of the annotation that the objects are for."""

    inference: Inference
    commits: Committer
    target: OutputTarget
    editor: ImageEditor | None

    def say(self, message: str, problem: bool = False) -> None:
        """Tell the user."""

    def failed(self, error: BaseException) -> None:
        """Tell the user what a run in the background raised."""


@dataclass(frozen=True, eq=False)
class Finding:
    """What a job found.

    Attributes
    ----------
    image : Image
    plane : Plane
        The one that was on show.
    batch : Batch
    words : str
        What is said of it.
    draft : Draft
        The object that was carried, if it was no label yet.
    taken : tuple of Mark
        Its prompts.
    how : mapping
        Which job, and with which settings; for the journal.
    """

    image: Image
    plane: Plane
    batch: Batch
    words: str
    draft: Draft = field(default_factory=Draft)
    taken: tuple[Mark, ...] = ()
    how: How = field(default_factory=dict)


class Tray:
    """One finding at a time, on show.

    Parameters
    ----------
    viewer : napari.Viewer
    desk : Desk
    """

    def __init__(self, viewer: ViewerModel, desk: Desk) -> None:
        self._viewer, self._desk = viewer, desk
        self._finding: Finding | None = None
        self._pile: Pile | None = None
        self._waits = False

    @property
    def count(self) -> int:
        """How many objects wait for the user's word; 0 without a finding."""
        return 0 if self._finding is None else len(self._finding.batch)

    @property
    def words(self) -> str:
        """What was said of the finding."""
        return "" if self._finding is None else self._finding.words

    def close(self, gone: bool = False) -> None:
        """Let go; a preview that is on show stays, as a layer of the user's."""
        pile, self._pile, self._finding = self._pile, None, None
        if pile is not None and not gone:
            pile.leave()

    def layer_removed(self, layer: Layer) -> None:
        """The preview was deleted, or its image: that is a way to discard it."""
        if self._pile is not None and self._pile.holds(layer):
            self._pile = self._finding = None
        elif self._finding is not None and layer == self._finding.image:
            self.discard()

    def show(self, finding: Finding) -> None:
        """Show what was found, if its image is still in work."""
        editor, say = self._desk.editor, self._desk.say
        if not finding.batch.pieces:
            say(finding.words or NONE_FOUND)
        elif editor is None or editor.image != finding.image:
            say(f"What was found on {finding.image.name!r} is gone: you left it.", True)
        else:
            above = editor.scene.preview.layer
            self._pile = Pile(self._viewer, editor.image, finding.batch, above)
            self._finding = finding
            say(f"{finding.words} {ACCEPT}")

    def discard(self) -> None:
        """Take the preview away."""
        pile, self._pile, self._finding = self._pile, None, None
        self._waits = False
        if pile is not None:
            pile.remove()
            self._desk.say("")

    def counted(self) -> None:
        """Accept what waits for the labels to be counted."""
        if self._waits:
            self.accept()

    def accept(self) -> None:
        """Make labels of the objects on show, as one step of the history."""
        finding, pile, self._waits = self._finding, self._pile, False
        editor = self._desk.editor
        if finding is None or pile is None:
            return
        if editor is None or editor.image != finding.image:
            name = finding.image.name
            self._desk.say(f"These objects belong to {name!r}: select it first.", True)
            return
        try:
            self._accept(finding, pile.batch(), editor)
        except Sam21Error as error:
            self._desk.say(str(error), True)

    def _accept(self, finding: Finding, batch: Batch, editor: ImageEditor) -> None:
        commits, target = self._desk.commits, self._desk.target
        if not batch.pieces:  # the user has erased them all
            self.discard()
            return
        word = commits.layer_to_wait_for(editor.image, self.accept)
        if word:
            self._waits = True
            self._desk.say(word)
            return
        if target.labels is not None:
            commits.ledger.begin(editor.image, target.labels, target.is_empty)
        writing, word = target.begin_batch(batch, commits.policy, commits.class_id())
        done = self._accepted(finding, batch, writing, word)
        commits.carry_out(writing.steps(), done)

    def _accepted(
        self, finding: Finding, batch: Batch, writing: BatchWriting, word: str
    ) -> Callable[[str], None]:
        """Return what is done at the end of a write: it gets what went wrong."""

        def done(problem: str) -> None:
            if not writing.deltas:
                self._desk.say(problem or NOTHING_LEFT, True)
                return
            draft, taken = self._let_go(finding)
            deltas, count = tuple(writing.deltas), len(writing.values)
            step = ManyStep(
                finding.image,
                finding.plane,
                writing.labels,
                deltas,
                count,
                draft,
                taken,
                parts=tuple(_parts(batch, writing, finding, draft, taken)),
                class_name=self._desk.commits.classes.chosen,
                as_one=writing.as_one,
                how=self._how(finding, count),
                planes=tuple(writing.planes),
                scores=tuple(writing.scores),
            )
            self.discard()
            self._desk.commits.ledger.committed(step)
            if self._desk.editor is not None:
                self._desk.commits.ledger.prompts(self._desk.editor.marks)
            said = said_of(step, "commit")
            if lost := len(batch) - count:
                said += f" {lost} left out: other labels have their place."
            self._desk.say(problem or f"{said} {word}".strip(), bool(problem))

        return done

    def _how(self, finding: Finding, count: int) -> How:
        """How the job was set, and under which policy its result was accepted."""
        settings = finding.how.get("settings", {})
        policy = {"policy": self._desk.commits.policy}
        return {**finding.how, "count": count, "settings": {**settings, **policy}}

    def _let_go(self, finding: Finding) -> tuple[Draft, tuple[Mark, ...]]:
        """Take the prompts of a carried object away, if they are still as they were."""
        editor = self._desk.editor
        if editor is None or not finding.taken:
            return Draft(), ()
        if marks_on(editor, finding.plane) != finding.taken:
            return Draft(), ()
        rest = tuple(each for each in editor.marks if each not in finding.taken)
        editor.set_marks(rest)
        return finding.draft, finding.taken


def marks_on(editor: ImageEditor, plane: Plane) -> tuple[Mark, ...]:
    """Return the prompts on a plane."""
    return tuple(m for m in editor.marks if plane.point_rc(m.position) is not None)


def _parts(
    batch: Batch,
    writing: BatchWriting,
    finding: Finding,
    draft: Draft,
    taken: tuple[Mark, ...],
) -> Iterator[tuple[int, Part]]:
    """What is known of each label that was written, plane by plane."""
    for piece in batch.pieces:
        label = writing.values.get(piece.number)
        if label is None:
            continue
        if taken and piece.plane == finding.plane:
            yield label, part_of(piece.plane, draft, taken)
            continue
        places = (piece.plane.position(*point) for point in piece.points_rc)
        marks = tuple(Mark(place, POSITIVE) for place in places)
        yield label, Part(piece.plane, piece.score, len(marks) or None, marks)
