"""The state of an annotation: objects in the making, and one history. Pure values."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from napari_sam21.core.crops import Crop
from napari_sam21.core.embedding import Answer, Embedding
from napari_sam21.core.geometry import MODEL_SIDE, Region
from napari_sam21.core.masks import coverage_to_logits, upsample
from napari_sam21.core.prompts import NEGATIVE, POSITIVE, Prompts
from napari_sam21.core.retouch import Retouch

if TYPE_CHECKING:
    from napari_sam21.core.sam2 import Previous

HISTORY_BUDGET = 256 << 20
"""Bytes of steps kept for undo; the oldest go first."""

CONSISTENCY = 0.5
"""Weight of the overlap with the previous mask against the predicted IoU."""


@dataclass(frozen=True)
class Round:
    """One question and its answer."""

    prompts: Prompts
    answer: Answer

    @property
    def asked(self) -> Asked:
        """The same, without logits."""
        given = self.answer
        scores = tuple(float(each) for each in given.scores)
        return Asked(self.prompts, given.key, given.region, scores, given.index)


@dataclass(frozen=True)
class Asked:
    """What is told of a round: enough to ask again, and no logits."""

    prompts: Prompts
    key: str
    region: Region
    scores: tuple[float, ...]
    choice: int


@dataclass(frozen=True)
class Draft:
    """An object in the making: one plane, one region, not yet a label.

    Attributes
    ----------
    prompts : Prompts
        All of them so far, plane frame.
    rounds : tuple of Round
        Questions asked so far, each one's prompts an extension of the last one's.
    embedding : Embedding or None
        Frozen from the first answer to the commit, whatever the view does meanwhile.
    region : Region or None
        Frozen from the first prompt on; it only grows, for prompts outside of it.
    given : Crop or None
        A mask that the object began with, plane frame: fed to the first question of
        each region. It is what the user gave, not an answer.
    retouch : Retouch or None
        What the user brushed; it lies over every answer.
    earlier : tuple of Asked
        Rounds that led to the first of these, whose answers are not kept.
    """

    prompts: Prompts = field(default_factory=Prompts)
    rounds: tuple[Round, ...] = ()
    embedding: Embedding | None = None
    region: Region | None = None
    given: Crop | None = None
    retouch: Retouch | None = None
    earlier: tuple[Asked, ...] = ()

    @property
    def asked(self) -> tuple[Asked, ...]:
        """All rounds that led to the last answer, in order."""
        return (*self.earlier, *(each.asked for each in self.rounds))

    @property
    def nbytes(self) -> int:
        """Memory of what is kept with it, in bytes."""
        answers = sum(each.answer.logits.nbytes for each in self.rounds)
        mask = 0 if self.given is None else self.given.mask.nbytes
        return answers + mask + (0 if self.retouch is None else self.retouch.nbytes)

    @property
    def waits(self) -> bool:
        """Whether there are prompts that nobody has answered yet."""
        return bool(self.prompts) and self.answer is None

    @property
    def answer(self) -> Answer | None:
        """The answer to exactly these prompts, if there is one."""
        if self.rounds and self.rounds[-1].prompts == self.prompts:
            return self.rounds[-1].answer
        return None

    @property
    def feedback(self) -> Answer | None:
        """The last answer that these prompts only add to."""
        return self.rounds[-1].answer if self.rounds else None

    def feedback_for(self, embedding: Embedding) -> Previous | None:
        """What is fed back: the last answer, if it was made on the same embedding.

        Before there is one in its region, the mask that the object began with.
        """
        found = self.feedback
        if found is not None and found.key == embedding.key:
            return found if found.region == embedding.region else None
        return None if self.given is None else logits_of(self.given, embedding.region)

    def last(self) -> Draft:
        """Keep the last answer only, and no embedding: small enough for a history."""
        earlier = self.asked[:-1]
        last = self.rounds[-1:]
        return replace(self, rounds=last, embedding=None, earlier=earlier)

    def retouched(self, retouch: Retouch | None) -> Draft:
        """Change what was brushed."""
        return replace(self, retouch=retouch)

    def ask(self, prompts: Prompts) -> Draft:
        """Change the prompts, and forget the answers that no longer lead to them.

        A point that moved, flipped or went takes with it every answer that knew it,
        so that its logits are not fed back.
        """
        kept = tuple(each for each in self.rounds if prompts.extends(each.prompts))
        if not prompts:
            return Draft()
        earlier = self.earlier if kept else ()
        return replace(self, prompts=prompts, rounds=kept, earlier=earlier)

    def within(self, region: Region) -> Draft:
        """Settle for a region; the embedding of another one is of no use any more."""
        embedding = self.embedding
        if embedding is not None and embedding.region != region:
            embedding = None
        return replace(self, region=region, embedding=embedding)

    def answered(self, prompts: Prompts, answer: Answer, embedding: Embedding) -> Draft:
        """Add the answer to some prompts, with the candidate the rules choose."""
        before = self.ask(prompts)
        chosen = choose_candidate(answer, prompts, before.feedback_for(embedding))
        rounds = (*before.rounds, Round(prompts, answer.choose(chosen)))
        found = replace(
            self, rounds=rounds, embedding=embedding, earlier=before.earlier
        )
        return found.ask(self.prompts)

    def choose(self, index: int) -> Draft:
        """Choose another candidate of the current answer."""
        if self.answer is None:
            return self
        last = replace(self.rounds[-1], answer=self.answer.choose(index))
        return replace(self, rounds=(*self.rounds[:-1], last))

    def without_region(self) -> Draft:
        """Keep prompts and answers: the next question is asked in another region."""
        return replace(self, region=None)

    def without_answers(self) -> Draft:
        """Keep the prompts only: another model is to be asked."""
        return replace(self, rounds=(), earlier=(), embedding=None)


def logits_of(crop: Crop, region: Region) -> npt.NDArray[np.float32] | None:
    """Return a mask as a region's logits; None if nothing of it lies there.

    Of a large region every second, third, … pixel is looked at: 256 cells a side are
    all that the decoder takes.
    """
    step = max(1, min(region.height, region.width) // MODEL_SIDE)
    seen = crop.sampled(region, step)
    return coverage_to_logits(seen) if seen.any() else None


def choose_candidate(
    answer: Answer, prompts: Prompts, previous: Previous | None
) -> int:
    """Choose among the candidates as a user would.

    A candidate that contains a negative click is out, unless all do; then those that
    miss a positive click. Among equals the predicted IoU decides, and once there is a
    previous mask, the overlap with it too.

    Parameters
    ----------
    answer : Answer
    prompts : Prompts
        Those the answer is to.
    previous : Answer or array or None
        The answer, or the logits (256, 256), that were fed back.

    Returns
    -------
    int
        Index of the candidate.
    """
    before = None if previous is None else _mask_of(previous)

    def rank(index: int) -> tuple[int, int, float]:
        value = float(answer.scores[index])
        if before is not None:
            value += CONSISTENCY * _overlap(answer.logits[index] > 0, before)
        return -wrong(index, NEGATIVE, True), -wrong(index, POSITIVE, False), value

    def wrong(index: int, label: int, inside: bool) -> int:
        points = prompts.points_of(label)
        return sum(_contains(answer, index, *point) == inside for point in points)

    return max(range(len(answer.scores)), key=rank)


def _contains(answer: Answer, index: int, row: float, column: float) -> bool:
    """Whether a candidate covers the pixel that a point lies on."""
    region = answer.region
    r = min(max(round(row) - region.r0, 0), region.height - 1)
    c = min(max(round(column) - region.c0, 0), region.width - 1)
    size = (region.height, region.width)
    value = upsample(answer.logits[index], size, (r, c, r + 1, c + 1))
    return bool(value[0, 0] > 0)


def _mask_of(previous: Previous) -> npt.NDArray[np.bool_]:
    logits = previous
    if isinstance(logits, Answer):
        logits = logits.logits[logits.index]
    return np.asarray(logits) > 0


def _overlap(mask: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_]) -> float:
    union = np.count_nonzero(mask | other)
    return np.count_nonzero(mask & other) / union if union else 0.0


class Step(Protocol):
    """Something that can be undone: a frozen value with a size."""

    @property
    def nbytes(self) -> int:
        """Memory it takes, in bytes."""


S = TypeVar("S", bound=Step)


class History(Generic[S]):
    """What was done, in order, bounded in bytes; what was undone, until the next step.

    Parameters
    ----------
    budget : int
        Bytes of steps kept; the newest step is kept whatever its size.
    """

    def __init__(self, budget: int = HISTORY_BUDGET) -> None:
        self._budget = budget
        self._done: deque[S] = deque()
        self._undone: list[S] = []

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether there is a step to do again."""
        return bool(self._undone)

    @property
    def done(self) -> tuple[S, ...]:
        """The steps that can be taken back, in order."""
        return tuple(self._done)

    def push(self, step: S) -> None:
        """Add a step that was just done."""
        self._done.append(step)
        self._undone.clear()
        while len(self._done) > 1 and self._nbytes() > self._budget:
            self._done.popleft()

    def undo(self) -> S | None:
        """Return the step to take back, or None."""
        if not self._done:
            return None
        self._undone.append(self._done.pop())
        return self._undone[-1]

    def redo(self) -> S | None:
        """Return the step to do again, or None."""
        if not self._undone:
            return None
        self._done.append(self._undone.pop())
        return self._done[-1]

    def undo_where(self, fits: Callable[[S], bool]) -> S | None:
        """Count the newest step that fits as taken back; None if none does."""
        for step in reversed(self._done):
            if fits(step):
                self._done = deque(each for each in self._done if each is not step)
                self._undone.append(step)
                return step
        return None

    def redo_where(self, fits: Callable[[S], bool]) -> S | None:
        """Count the step that was taken back last and fits as done again."""
        for step in reversed(self._undone):
            if fits(step):
                self._undone = [each for each in self._undone if each is not step]
                self._done.append(step)
                return step
        return None

    def keep_only(self, wanted: Callable[[S], bool]) -> None:
        """Drop every other step: what it would change is gone."""
        self._done = deque(step for step in self._done if wanted(step))
        self._undone = [step for step in self._undone if wanted(step)]

    def _nbytes(self) -> int:
        return sum(step.nbytes for step in self._done)
