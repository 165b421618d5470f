"""From the mask on show to a label, and back: one history for prompts and labels.

A commit is done at once, unless it has to wait: for the user's word about a layer of an
unusual kind, for the count of the labels that are there, or for a large mask to be cut
out of its logits. What waits goes on only if the same object is on show then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari_sam21.control.consent import Consent
from napari_sam21.control.cutting import Cutter
from napari_sam21.control.editor import Crop, ImageEditor
from napari_sam21.control.ledger import Ledger
from napari_sam21.control.ports import Host
from napari_sam21.control.prompting import Prompting
from napari_sam21.control.steps import (
    AnyStep,
    CommitStep,
    LabelStep,
    ManyStep,
    PromptStep,
    StrokeStep,
)
from napari_sam21.control.telling import how_of
from napari_sam21.control.turns import Turns
from napari_sam21.control.words import NOTHING_LEFT, said_of
from napari_sam21.core.delta import Delta
from napari_sam21.core.embedding import Answer
from napari_sam21.core.errors import LayerError, Sam21Error
from napari_sam21.layers.output import check_output
from napari_sam21.layers.planes import Plane
from napari_sam21.layers.prompts import Mark
from napari_sam21.layers.target import NEW, OutputTarget
from napari_sam21.layers.writing import (
    Steps,
    changing,
    still_fits,
    taking_back,
    writing_again,
)
from napari_sam21.session.change import Change

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer

Say = Callable[[str, bool], None]
"""Takes a word to the user, and whether it is about something to mend."""


class Committer:
    """Commits, undoes and redoes.

    Parameters
    ----------
    viewer : napari.Viewer
    host : Host
    target : OutputTarget
        Where objects become labels.
    ledger : Ledger
        Keeps the history.
    put_aside : dict of image id to tuple of Mark
        Prompts of images that are not being annotated.
    say : callable
        Tells the user.

    Attributes
    ----------
    target : OutputTarget
    ledger : Ledger
    policy : str
        What becomes of labels that are there: a key of `layers.writing.POLICIES`.
    kind : str
        What a commit does: one of `layers.target.KINDS`.
    history : History
    """

    def __init__(
        self,
        viewer: ViewerModel,
        host: Host,
        target: OutputTarget,
        ledger: Ledger,
        put_aside: dict[Any, tuple[Mark, ...]],
        say: Say,
    ) -> None:
        self.target = target
        self.ledger = ledger
        self.history = ledger.history
        self._prompting = Prompting(viewer, put_aside)
        self._say = say
        self._consent = Consent(host)
        self._cutter = Cutter(host.deliver)
        self._work = Turns(host.soon)
        self._waiting: tuple[Plane, Answer] | None = None
        self.policy = "keep"
        self.kind = NEW

    @property
    def waits(self) -> bool:
        """Whether a commit waits until the labels that are there are counted."""
        return self._waiting is not None

    def close(self, gone: bool = False) -> None:
        """Write what is half written, unless the layers are gone; then stop."""
        if not gone:
            self._work.finish()
        self._cutter.close()

    def stop_waiting(self) -> None:
        """Forget a commit that waits: something else was asked for."""
        self._waiting = None

    def image_left(self) -> None:
        """Forget what only made sense on the image that was left."""
        self._work.finish()
        self._waiting = None
        self._cutter.forget()
        self.history.keep_only(lambda step: not isinstance(step, PromptStep))

    def layer_removed(self, layer: Layer) -> None:
        """Forget commits to or from a layer that is gone."""
        self._work.finish()
        self.history.keep_only(
            lambda step: (
                isinstance(step, PromptStep)
                or (step.labels != layer and getattr(step, "image", None) != layer)
            )
        )

    def prompts_edited(self, before: tuple[Mark, ...], after: tuple[Mark, ...]) -> None:
        """Remember a change of the points."""
        if before != after:
            self._work.finish()
            self.history.push(PromptStep(before, after))

    def commit(self, editor: ImageEditor | None) -> bool:
        """Make the mask on show a label; return whether that is done, or under way."""
        self._work.finish()
        self._waiting = None
        answer = None if editor is None else editor.draft().answer
        if editor is None or answer is None:
            self._say("Nothing to commit yet: click on an object first.", False)
            return False
        try:
            return self._commit(editor, answer)
        except Sam21Error as error:
            self._say(str(error), True)
        return False

    def counted(self, editor: ImageEditor | None) -> None:
        """Commit what waits, for the count or else, if it is still what is on show."""
        waiting, self._waiting = self._waiting, None
        if waiting is None or editor is None:
            return
        answer = editor.draft().answer
        same = answer is waiting[1] and editor.shown() == waiting[0]
        if same:
            self.commit(editor)
        else:
            self._say("The object was not committed: something else is on show.", True)

    def _commit(self, editor: ImageEditor, answer: Answer) -> bool:
        plane = editor.plane()
        if self.target.labels is None and self.kind != NEW:
            self._say("There are no labels yet: commit as a new label first.", True)
            return False
        word = self._to_wait_for(editor, answer)
        if word:
            self._waiting = (plane, answer)
            self._say(word, False)
            return False
        crop = self._crop(editor, answer)
        if crop[0].size == 0:
            self._say("This candidate is empty: try another (J, K), or click.", False)
            return False
        return self._write(editor, plane, crop)

    def _to_wait_for(self, editor: ImageEditor, answer: Answer) -> str:
        """Begin what a commit waits for, and name it; empty if there is nothing."""
        image, new = editor.image, self.target.labels is None
        if not self._cutter.at_once(answer):
            self._cutter.begin(answer, lambda: self.counted(editor), self._not_cut)
            return "Cutting out the mask…"
        if new and self._crop(editor, answer)[0].size == 0:
            return ""
        return self.layer_to_wait_for(image, lambda: self.counted(editor))

    def layer_to_wait_for(self, image: Image, again: Callable[[], None]) -> str:
        """See to a layer for objects of an image; name what has to be waited for."""
        if self.target.labels is None and self._consent.needed(image):
            self._consent.ask(image, again)
            return "The labels of so large an image are special: please answer first."
        if self.target.prepare(image, self._consent.folder(image)):
            return ""
        return "Counting the labels that are there…"

    def _crop(self, editor: ImageEditor, answer: Answer) -> Crop:
        """The mask on show, brush strokes included."""
        return editor.brushed(self._cutter.crop(answer), answer.region)

    def _not_cut(self, error: BaseException) -> None:
        self._say(f"The mask could not be cut out: {error!r}", True)

    def _write(self, editor: ImageEditor, plane: Plane, crop: Crop) -> bool:
        writing, word = self.target.begin(plane, crop, self.policy, self.kind)
        if not writing.possible():
            self._say(NOTHING_LEFT[self.kind], True)
            return False
        self.ledger.begin(editor.image, writing.labels, self.target.is_empty)
        draft, before = editor.draft(), editor.marks
        how = how_of(editor, self.policy, self.kind)
        editor.drop_object()
        self._cutter.forget()
        taken = tuple(mark for mark in before if mark not in editor.marks)

        def done(problem: str) -> None:
            delta = writing.delta
            if delta is not None:
                where = editor.image, plane, writing.labels
                step = CommitStep(*where, delta, draft.last(), taken, how)
                self.ledger.committed(step)
                self.ledger.prompts(editor.marks)
                self._say(problem or word or said_of(step, "commit"), bool(problem))

        self._do(self.target.steps(writing), done)
        return True

    def carry_out(self, steps: Steps, done: Callable[[str], None]) -> None:
        """Do a write of ours after those that are under way; see `_do`."""
        self._work.finish()
        self._do(self.target.quietly(steps), done)

    def _do(self, steps: Steps, done: Callable[[str], None]) -> None:
        """Write, in turns if it is much; `done` gets what went wrong, or nothing."""
        problems: list[str] = []

        def guarded() -> Steps:
            try:
                while True:
                    with self.ledger.ours():
                        written = next(steps)
                    yield written
            except StopIteration:
                return
            except OSError as error:
                problems.append(
                    f"The labels could not be written to the end ({error}). Undo, "
                    "make room where they are kept, then commit again"
                )

        self._work.start(guarded(), lambda: done("".join(problems)))

    def undo(self, editor: ImageEditor | None) -> None:
        """Take the last step back: a point, or a commit."""
        self._work.finish()
        self._waiting = None
        step = self.history.undo()
        if step is None:
            self._say("There is nothing to undo.", False)
        elif isinstance(step, PromptStep):
            self._show_prompts(editor, step.after, step.before)
        elif self._can_write(step):
            self.target.reserve(None, 0)
            self._change(step, "undo", _backwards(step))
            self._followed(editor, step, back=True)

    def redo(self, editor: ImageEditor | None) -> None:
        """Do again what was undone last."""
        self._work.finish()
        self._waiting = None
        step = self.history.redo()
        if step is None:
            self._say("There is nothing to redo.", False)
        elif isinstance(step, PromptStep):
            self._show_prompts(editor, step.before, step.after)
        elif self._can_write(step):
            self.target.reserve(None, 0)
            self._change(step, "redo", _forwards(step))
            self._followed(editor, step, back=False)

    def _change(self, step: LabelStep, cause: str, steps: Steps) -> None:
        self._say(said_of(step, cause), False)

        def done(problem: str) -> None:
            self.ledger.wrote(step, cause)
            if problem:
                self._say(problem, True)

        self._do(self.target.quietly(steps), done)

    def follow(self, editor: ImageEditor | None, step: AnyStep, back: bool) -> None:
        """Napari's own undo took a step of ours back, or its redo did it again."""
        if not isinstance(step, PromptStep):
            self._say(said_of(step, "undo" if back else "redo"), False)
            self._followed(editor, step, back)

    def _followed(self, editor: ImageEditor | None, step: AnyStep, back: bool) -> None:
        """Prompts of a commit come and go with it."""
        if isinstance(step, PromptStep | StrokeStep):
            return
        if back:
            self._prompting.give_back(editor, step)
        else:
            self._prompting.take_again(editor, step)

    def _show_prompts(
        self,
        editor: ImageEditor | None,
        before: tuple[Mark, ...],
        after: tuple[Mark, ...],
    ) -> None:
        if editor is not None:
            self._say("", False)
            self._prompting.show(editor, before, after)

    def _can_write(self, step: LabelStep) -> bool:
        """Whether the labels of a step can still be changed, else a word."""
        try:
            if not isinstance(step, StrokeStep):
                check_output(step.labels, step.image)
            if not all(still_fits(step.labels, part) for part in _parts(step)):
                raise LayerError(f"{step.labels.name!r} has another shape now")
        except LayerError as error:
            self._say(str(error), True)
            return False
        return True


def _parts(step: LabelStep) -> tuple[Delta | Change, ...]:
    return step.deltas if isinstance(step, ManyStep) else (step.what,)


def _backwards(step: LabelStep) -> Steps:
    if isinstance(step, ManyStep):
        return taking_back(step.labels, *step.deltas)
    if isinstance(step, CommitStep):
        return taking_back(step.labels, step.delta)
    return changing(step.labels, step.change.reversed())


def _forwards(step: LabelStep) -> Steps:
    if isinstance(step, ManyStep):
        return writing_again(step.labels, *step.deltas)
    if isinstance(step, CommitStep):
        return writing_again(step.labels, step.delta)
    return changing(step.labels, step.change)
