"""From the mask on show to a label, and back: one history for prompts and labels.

A commit is done at once, unless it has to wait: for the user's word about a layer of an
unusual kind, for the count of the labels that are there, or for a large mask to be cut
out of its logits. What waits goes on only if the same object is on show then.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from napari_sam21.annotation import Draft
from napari_sam21.control.aside import PutAside
from napari_sam21.control.classes import ClassBook
from napari_sam21.control.consent import Consent
from napari_sam21.control.cutting import Cutter
from napari_sam21.control.doing import Doing
from napari_sam21.control.editor import Crop, ImageEditor
from napari_sam21.control.errand import Say
from napari_sam21.control.facts import part_of
from napari_sam21.control.ledger import Ledger
from napari_sam21.control.places import Nowhere, Places
from napari_sam21.control.ports import Host
from napari_sam21.control.steps import AnyStep, CommitStep, ManyStep, PromptStep
from napari_sam21.control.telling import how_of
from napari_sam21.control.undoing import Undoing
from napari_sam21.control.words import COUNTING, NOTHING_LEFT, nothing_left, said_of
from napari_sam21.core.crops import Crop as MaskCrop
from napari_sam21.core.embedding import Answer
from napari_sam21.core.errors import Sam21Error
from napari_sam21.layers.planes import Plane
from napari_sam21.layers.prompts import Mark
from napari_sam21.layers.replacing import Replacing
from napari_sam21.layers.target import CLASS, NEW, REPLACE, OutputTarget
from napari_sam21.layers.writing import Steps

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer


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
    put_aside : PutAside
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
    classes : ClassBook
        The class of what is committed, among others.
    places : Places
        Where labels are that are written already.
    history : History
    """

    def __init__(
        self,
        viewer: ViewerModel,
        host: Host,
        target: OutputTarget,
        ledger: Ledger,
        put_aside: PutAside,
        say: Say,
    ) -> None:
        self.target = target
        self.ledger = ledger
        self.history = ledger.history
        self.classes = ClassBook()
        self._say = say
        self._consent = Consent(host)
        self._cutter = Cutter(host.deliver)
        self._doing = Doing(host, target, ledger)
        self._undoing = Undoing(viewer, self._doing, target, ledger, put_aside, say)
        self._waiting: tuple[Plane, Answer] | None = None
        self.places: Places = Nowhere()
        self.policy = "keep"
        self.kind = NEW

    @property
    def waits(self) -> bool:
        """Whether a commit waits until the labels that are there are counted."""
        return self._waiting is not None

    @property
    def busy(self) -> bool:
        """Whether labels are being written."""
        return self._doing.busy

    def close(self, gone: bool = False) -> None:
        """Write what is half written, unless the layers are gone; then stop."""
        if not gone:
            self._doing.finish()
        self._cutter.close()

    def stop_waiting(self) -> None:
        """Forget a commit that waits: something else was asked for."""
        self._waiting = None

    def image_left(self) -> None:
        """Forget what only made sense on the image that was left."""
        self.finish()
        self._cutter.forget()
        self.history.keep_only(lambda step: not isinstance(step, PromptStep))

    def layer_removed(self, layer: Layer) -> None:
        """Forget commits to or from a layer that is gone."""
        self._doing.finish()
        self.history.keep_only(
            lambda step: (
                isinstance(step, PromptStep)
                or (step.labels != layer and getattr(step, "image", None) != layer)
            )
        )

    def prompts_edited(self, before: tuple[Mark, ...], after: tuple[Mark, ...]) -> None:
        """Remember a change of the points."""
        if before != after:
            self._doing.finish()
            self.history.push(PromptStep(before, after))

    def commit(self, editor: ImageEditor | None) -> bool:
        """Make the mask on show a label; return whether that is done, or under way."""
        self.finish()
        draft = Draft() if editor is None else editor.draft()
        if editor is None or draft.answer is None:
            self._say("Nothing to commit yet: click on an object first.", False)
            return False
        try:
            return self._commit(editor, draft, draft.answer)
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

    def foresee(self, editor: ImageEditor | None) -> None:
        """Cut the mask on show out now, while its user looks at it."""
        answer = None if editor is None else editor.draft().answer
        if answer is not None and self._cutter.at_once(answer):
            self._cutter.crop(answer)

    def _commit(self, editor: ImageEditor, draft: Draft, answer: Answer) -> bool:
        plane = editor.plane()
        if self.target.labels is None and self.kind not in (NEW, CLASS):
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
        return self._write(editor, draft, plane, crop)

    def _to_wait_for(self, editor: ImageEditor, answer: Answer) -> str:
        """Begin what a commit waits for, and name it; empty if there is nothing."""
        image, new = editor.image, self.target.labels is None
        if not self._cutter.at_once(answer):
            self._cutter.begin(answer, lambda: self.counted(editor), self._not_cut)
            return "Cutting out the mask…"
        if new and self._crop(editor, answer)[0].size == 0:
            return ""
        again = partial(self.counted, editor)
        word = self.layer_to_wait_for(image, again)
        labels = self.target.labels
        if word or labels is None or self.kind != REPLACE:
            return word
        return "" if self.places.known(labels, again) else COUNTING

    def layer_to_wait_for(self, image: Image, again: Callable[[], None]) -> str:
        """See to a layer for objects of an image; name what has to be waited for."""
        if self.target.labels is None and self._consent.needed(image):
            self._consent.ask(image, again)
            return "The labels of so large an image are special: please answer first."
        if self.target.prepare(image, self._consent.folder(image)):
            return ""
        return COUNTING

    def _crop(self, editor: ImageEditor, answer: Answer) -> Crop:
        """The mask on show, brush strokes included."""
        return editor.brushed(self._cutter.crop(answer), answer.region)

    def _not_cut(self, error: BaseException) -> None:
        self._say(f"The mask could not be cut out: {error!r}", True)

    def _write(self, editor: ImageEditor, now: Draft, plane: Plane, crop: Crop) -> bool:
        kind, class_name = self.kind, self.classes.chosen
        value = self.class_id()
        writing, word = self.target.begin(plane, crop, self.policy, kind, value)
        if kind == REPLACE:
            new = MaskCrop.of(*crop)
            return self._replace(editor, now, plane, new, writing.value)
        if not writing.possible():
            self._say(nothing_left(kind, self.policy, writing.labels), True)
            return False
        self.ledger.begin(editor.image, writing.labels, self.target.is_empty)
        how = how_of(editor, now, self.policy, kind)
        draft, taken = self._let_go(editor, now)

        def done(problem: str) -> None:
            delta = writing.delta
            if delta is not None:
                where = editor.image, plane, writing.labels
                step = CommitStep(*where, delta, draft, taken, kind, class_name, how)
                self._committed(editor, step, problem, word)

        self._doing.carry_out(self.target.steps(writing), done)
        return True

    def _replace(
        self,
        editor: ImageEditor,
        now: Draft,
        plane: Plane,
        new: MaskCrop,
        value: int,
    ) -> bool:
        labels = self.target.labels
        if labels is None:
            return False
        old = self.places.crop(labels, value, plane)
        writing = Replacing(labels, plane, old, new, value, self.policy)
        if not writing.possible():
            self._say(NOTHING_LEFT[REPLACE], True)
            return False
        self.ledger.begin(editor.image, labels, is_new=False)
        class_name = self.classes.chosen
        how = how_of(editor, now, self.policy, REPLACE)
        draft, taken = self._let_go(editor, now)

        def done(problem: str) -> None:
            if writing.deltas:
                step = ManyStep(
                    editor.image,
                    plane,
                    labels,
                    tuple(writing.deltas),
                    1,
                    draft,
                    taken,
                    parts=((value, part_of(plane, draft, taken)),),
                    class_name=class_name,
                    how=how,
                )
                self._committed(editor, step, problem)

        self.target.used(value)
        self._doing.carry_out(writing.steps(), done)
        return True

    def _let_go(
        self, editor: ImageEditor, draft: Draft
    ) -> tuple[Draft, tuple[Mark, ...]]:
        """Take the object on show out of the editor; return it, and its prompts."""
        before = editor.marks
        editor.drop_object()
        self._cutter.forget()
        taken = tuple(mark for mark in before if mark not in editor.marks)
        return draft.last(), taken

    def _committed(
        self,
        editor: ImageEditor,
        step: CommitStep | ManyStep,
        problem: str,
        word: str = "",
    ) -> None:
        self.ledger.committed(step)
        self.ledger.prompts(editor.marks)
        self._say(problem or word or said_of(step, "commit"), bool(problem))

    def class_id(self) -> int | None:
        """Return the label of the chosen class, if classes are what is written.

        Raises
        ------
        LayerError
            If none is chosen, or its label is an object in the labels that are there.
        """
        if self.kind != CLASS:
            return None
        value, labels = self.classes.chosen_id(), self.target.labels
        if labels is not None:
            self.places.check_class(labels, value)
        return value

    def carry_out(self, steps: Steps, done: Callable[[str], None]) -> None:
        """Do a write of ours after those that are under way; see `Doing`."""
        self._doing.carry_out(steps, done)

    def finish(self) -> None:
        """Write what is half written, and forget a commit that waits."""
        self._doing.finish()
        self._waiting = None

    def undo(self, editor: ImageEditor | None) -> None:
        """Take the last step back: a point, a commit, a stroke."""
        self.finish()
        self.places.stop_waiting()
        self._undoing.undo(editor)

    def redo(self, editor: ImageEditor | None) -> None:
        """Do again what was undone last."""
        self.finish()
        self.places.stop_waiting()
        self._undoing.redo(editor)

    def follow(self, editor: ImageEditor | None, step: AnyStep, back: bool) -> None:
        """Napari's own undo took a step of ours back, or its redo did it again."""
        self._undoing.follow(editor, step, back)
