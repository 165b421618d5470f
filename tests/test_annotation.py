"""The rules of an annotation: which candidate, which feedback, what undo gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_sam21.annotation import Draft, History, choose_candidate
from napari_sam21.core.embedding import Answer, Embedding
from napari_sam21.core.geometry import Region
from napari_sam21.core.prompts import Prompts

REGION = Region(0, 0, 512, 512)  # two pixels a cell
Cells = tuple[int, int, int, int]

# Rectangles of cells: r0, c0, r1, c1.
SMALL, MIDDLE, LARGE = (100, 100, 120, 120), (90, 90, 150, 150), (50, 50, 200, 200)
IN_SMALL, IN_MIDDLE, IN_LARGE, OUTSIDE = (220, 220), (280, 280), (380, 380), (450, 20)
ONE = Prompts([IN_SMALL], [1])
TWO = Prompts([IN_SMALL, IN_LARGE], [1, 0])


def answer(
    *cells: Cells,
    scores: tuple[float, ...] = (0.6, 0.9, 0.7),
    region: Region = REGION,
    key: str = "key",
    index: int = 0,
) -> Answer:
    """An answer whose candidates are rectangles of cells."""
    logits = np.full((3, 256, 256), -5, np.float32)
    for i, (r0, c0, r1, c1) in enumerate(cells or (SMALL, MIDDLE, LARGE)):
        logits[i, r0:r1, c0:c1] = 5
    shape = (region.r1, region.c1)
    return Answer(np.array(scores, np.float32), logits, region, shape, key, index)


def embedding(key: str = "key", region: Region = REGION) -> Embedding:
    return Embedding({}, region, (region.r1, region.c1), key, "model")


# --- which candidate -------------------------------------------------------------


@pytest.mark.parametrize(
    ("points", "labels", "expected"),
    [
        ([IN_SMALL], [1], 1),  # all agree: the highest score
        ([IN_SMALL, IN_LARGE], [1, 1], 2),  # the others miss a positive click
        ([IN_SMALL, IN_MIDDLE], [1, 0], 0),  # the others contain a negative one
        ([IN_SMALL, IN_LARGE], [1, 0], 1),
        ([IN_SMALL, IN_MIDDLE, IN_LARGE], [1, 1, 0], 1),
        ([OUTSIDE], [1], 1),  # all contradict: the score again
        ([IN_SMALL], [0], 1),
        ([IN_SMALL, IN_MIDDLE, IN_LARGE], [0, 0, 1], 0),  # all hold a negative one
        ([], [], 1),
    ],
)
def test_the_candidate_that_contradicts_fewest_clicks(
    points: Any, labels: list[int], expected: int
) -> None:
    assert choose_candidate(answer(), Prompts(points, labels), None) == expected


def test_a_box_alone_leaves_it_to_the_score() -> None:
    assert choose_candidate(answer(), Prompts(box_rc=(0, 0, 9, 9)), None) == 1


@pytest.mark.parametrize("previous", [0, 1, 2])
def test_among_equals_the_previous_mask_counts(previous: int) -> None:
    equal = answer(scores=(0.8, 0.8, 0.8))
    assert choose_candidate(equal, ONE, equal.choose(previous)) == previous


def test_a_much_better_score_beats_the_previous_mask() -> None:
    found = answer(scores=(0.2, 0.95, 0.1))
    assert choose_candidate(found, ONE, found.choose(2)) == 1


def test_the_clicks_beat_score_and_previous_mask() -> None:
    found = answer(scores=(0.1, 0.9, 1.0))
    clicks = Prompts([IN_SMALL, IN_MIDDLE], [1, 0])
    assert choose_candidate(found, clicks, found.choose(2)) == 0


def test_empty_candidates_do_not_break_the_choice() -> None:
    nothing = answer(*[(0, 0, 0, 0)] * 3)
    assert choose_candidate(nothing, ONE, nothing) == 1


@pytest.mark.parametrize(
    ("point", "inside"),
    [((399.4, 299), True), ((399.6, 299), False), ((200, 200.4), True),
     ((199.4, 200), False)],
)  # fmt: skip
def test_a_click_means_the_pixel_it_lies_on(
    point: tuple[float, float], inside: bool
) -> None:
    """Cells 100 … 200 are pixels 200 … 400."""
    found = answer((100, 100, 200, 200), (0, 0, 0, 0), (0, 0, 0, 0), scores=(0.1, 1, 1))
    assert (choose_candidate(found, Prompts([point], [1]), None) == 0) is inside


def test_clicks_are_looked_up_in_the_region() -> None:
    shifted = answer(region=Region(1000, 2000, 1512, 2512))
    clicks = Prompts([(1220, 2220), (1280, 2280)], [1, 0])
    assert choose_candidate(shifted, clicks, None) == 0


# --- drafts ----------------------------------------------------------------------


@pytest.fixture
def draft() -> Draft:
    """One click, answered."""
    return Draft().ask(ONE).answered(ONE, answer(), embedding())


def test_an_empty_draft_has_nothing() -> None:
    draft = Draft()
    assert not draft.prompts
    assert (draft.answer, draft.feedback, draft.embedding) == (None, None, None)


def test_an_answer_belongs_to_its_prompts(draft: Draft) -> None:
    assert draft.answer is not None
    assert draft.answer.index == 1
    assert draft.embedding.key == "key"
    later = draft.ask(TWO)
    assert later.answer is None
    assert later.feedback is draft.answer
    assert later.embedding is draft.embedding
    assert draft.prompts == ONE  # a value: asking left it alone


@pytest.mark.parametrize(
    "prompts",
    [Prompts([IN_LARGE], [1]), Prompts([IN_SMALL], [0]), Prompts(box_rc=(0, 0, 9, 9))],
    ids=["moved", "flipped", "replaced"],
)
def test_a_changed_point_takes_its_answer_with_it(
    prompts: Prompts, draft: Draft
) -> None:
    changed = draft.ask(prompts)
    assert (changed.answer, changed.feedback) == (None, None)
    assert changed.embedding is draft.embedding  # the object is still the same


def test_going_back_a_click_gives_back_its_answer(draft: Draft) -> None:
    both = draft.ask(TWO).answered(TWO, answer(), embedding())
    assert len(both.rounds) == 2
    back = both.ask(ONE)
    assert back.answer is draft.answer
    assert len(back.rounds) == 1


def test_no_prompts_is_no_object(draft: Draft) -> None:
    assert draft.ask(Prompts()) == Draft()


def test_the_rules_choose_the_answers_candidate(draft: Draft) -> None:
    second = draft.ask(TWO).answered(TWO, answer(scores=(0.1, 0.2, 1.0)), embedding())
    assert second.answer.index == 1  # the large one contains the negative click


def test_the_choice_of_the_user_is_kept_and_fed_back(draft: Draft) -> None:
    chosen = draft.choose(0)
    assert chosen.answer.index == 0
    assert chosen.ask(TWO).feedback.index == 0
    assert draft.answer.index == 1


def test_the_previous_choice_steers_the_next_one(draft: Draft) -> None:
    extended = Prompts([IN_SMALL, (222, 222)], [1, 1])
    found = answer(scores=(0.8, 0.8, 0.8))
    again = draft.choose(2).ask(extended).answered(extended, found, embedding())
    assert again.answer.index == 2


def test_choosing_without_an_answer_changes_nothing(draft: Draft) -> None:
    waiting = draft.ask(TWO)
    assert waiting.choose(2) is waiting


def test_a_late_answer_to_older_prompts_becomes_feedback() -> None:
    draft = Draft().ask(ONE).ask(TWO).answered(ONE, answer(), embedding())
    assert draft.prompts == TWO
    assert draft.answer is None
    assert draft.feedback is not None


@pytest.mark.parametrize(
    "now", [Prompts(), Prompts([IN_LARGE], [1]), Prompts([IN_SMALL], [0])]
)
def test_a_late_answer_to_prompts_that_went_is_dropped(now: Prompts) -> None:
    draft = Draft().ask(ONE).ask(now).answered(ONE, answer(), embedding())
    assert draft.rounds == ()
    assert draft.prompts == now


@pytest.mark.parametrize(
    ("key", "region", "kept"),
    [
        ("key", REGION, True),
        ("other", REGION, False),
        ("key", Region(0, 0, 512, 600), False),
    ],
)
def test_feedback_belongs_to_one_embedding(
    key: str, region: Region, kept: bool, draft: Draft
) -> None:
    found = draft.ask(TWO).feedback_for(embedding(key, region))
    assert (found is draft.answer) is kept


def test_no_feedback_without_an_answer() -> None:
    assert Draft().ask(ONE).feedback_for(embedding()) is None


def test_masks_of_different_regions_are_not_compared() -> None:
    """The same cells of a larger region are other pixels: only scores can decide."""
    grown = Region(0, 0, 1024, 1024)
    found = answer(scores=(0.5, 0.6, 0.5), region=grown, key="key 2")
    click = Prompts([(440, 440)], [1])  # inside every candidate of the larger region
    boxed = Prompts([(440, 440)], [1], (300, 300, 700, 700))
    draft = Draft().ask(click).answered(click, answer(), embedding()).choose(2)
    again = draft.ask(boxed).answered(boxed, found, embedding("key 2", grown))
    assert again.answer.index == 1


def test_the_last_answer_is_enough_for_a_history(draft: Draft) -> None:
    both = draft.ask(TWO).answered(TWO, answer(), embedding())
    last = both.last()
    assert last.answer is both.answer
    assert (last.prompts, len(last.rounds), last.embedding) == (TWO, 1, None)
    assert Draft().last() == Draft()


def test_another_model_is_asked_from_the_prompts_alone(draft: Draft) -> None:
    assert draft.without_answers() == Draft(ONE)


# --- history ---------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    name: int
    nbytes: int = 10


class OtherStep(Step):
    pass


def test_undo_and_redo_in_order() -> None:
    history: History[Step] = History()
    one, two = Step(1), Step(2)
    assert (history.undo(), history.redo()) == (None, None)
    history.push(one)
    history.push(two)
    assert (history.can_undo, history.can_redo) == (True, False)
    assert [history.undo(), history.undo(), history.undo()] == [two, one, None]
    assert (history.can_undo, history.can_redo) == (False, True)
    assert [history.redo(), history.redo(), history.redo()] == [one, two, None]


def test_a_new_step_ends_what_could_be_redone() -> None:
    history: History[Step] = History()
    history.push(Step(1))
    history.undo()
    history.push(Step(2))
    assert not history.can_redo
    assert history.undo() == Step(2)
    assert history.undo() is None


def test_the_oldest_steps_go_when_the_budget_is_full() -> None:
    history: History[Step] = History(budget=30)
    for name in range(5):
        history.push(Step(name))
    assert [history.undo() for _ in range(4)] == [Step(4), Step(3), Step(2), None]


def test_the_newest_step_is_kept_whatever_its_size() -> None:
    history: History[Step] = History(budget=30)
    history.push(Step(1))
    history.push(Step(2, nbytes=1000))
    assert history.undo() == Step(2, nbytes=1000)
    assert not history.can_undo


def test_steps_of_one_kind_can_stay_alone() -> None:
    history: History[Step] = History()
    for step in (OtherStep(1), Step(2), OtherStep(3), Step(4), OtherStep(5)):
        history.push(step)
    history.undo()
    history.undo()
    history.keep_only(lambda step: isinstance(step, OtherStep))
    assert history.redo() == OtherStep(5)
    assert history.redo() is None
    assert [history.undo() for _ in range(4)] == [
        OtherStep(5), OtherStep(3), OtherStep(1), None,
    ]  # fmt: skip


class ListHistory:
    """The same as one plain list of everything and a place in it."""

    def __init__(self, budget: int) -> None:
        self.budget, self.steps, self.place = budget, [], 0

    def push(self, step: Step) -> None:
        self.steps = [*self.steps[: self.place], step]
        while len(self.steps) > 1 and sum(s.nbytes for s in self.steps) > self.budget:
            self.steps = self.steps[1:]
        self.place = len(self.steps)

    def undo(self) -> Step | None:
        self.place -= 1
        found = self.steps[self.place] if self.place >= 0 else None
        self.place = max(self.place, 0)
        return found

    def redo(self) -> Step | None:
        found = self.steps[self.place : self.place + 1]
        self.place += len(found)
        return (found or [None])[0]

    def keep_only(self, wanted: Callable[[Step], bool]) -> None:
        self.place = sum(wanted(step) for step in self.steps[: self.place])
        self.steps = [step for step in self.steps if wanted(step)]


PUSH = st.tuples(
    st.just("push"),
    st.builds(
        lambda kind, name, size: kind(name, size),
        st.sampled_from([Step, OtherStep]), st.integers(0, 99), st.integers(0, 60),
    ),
)  # fmt: skip
ACTIONS = st.one_of(
    PUSH, PUSH, st.just(("undo",)), st.just(("undo",)), st.just(("redo",)),
    st.just(("keep_only", lambda step: isinstance(step, OtherStep))),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(actions=st.lists(ACTIONS, max_size=40), budget=st.integers(0, 200))
def test_any_walk_equals_that_of_a_plain_list(
    actions: list[tuple[Any, ...]], budget: int
) -> None:
    history: History[Step] = History(budget)
    model = ListHistory(budget)
    for name, *arguments in actions:
        found = getattr(history, name)(*arguments)
        assert found == getattr(model, name)(*arguments)
        assert history.can_undo == (model.place > 0)
        assert history.can_redo == (model.place < len(model.steps))


# --- what led there --------------------------------------------------------------


def test_rounds_are_known_after_their_answers_went() -> None:
    three = Prompts([IN_SMALL, IN_LARGE, IN_MIDDLE], [1, 0, 1])
    draft = Draft().ask(ONE).answered(ONE, answer(), embedding()).choose(2)
    draft = draft.ask(TWO).answered(TWO, answer(), embedding())
    kept = draft.last()
    assert len(kept.rounds) == 1
    assert kept.asked == draft.asked
    assert [each.prompts for each in kept.asked] == [ONE, TWO]
    assert kept.asked[0].choice == 2
    more = kept.ask(three).answered(three, answer(), embedding())
    assert [each.prompts for each in more.asked] == [ONE, TWO, three]
    assert [each.prompts for each in more.last().last().asked] == [ONE, TWO, three]


def test_rounds_whose_last_answer_went_led_nowhere() -> None:
    """What is asked next is asked without feedback: a sequence of its own."""
    draft = Draft().ask(ONE).answered(ONE, answer(), embedding())
    kept = draft.ask(TWO).answered(TWO, answer(), embedding()).last()
    again = kept.ask(ONE)
    assert again.feedback is None
    assert again.asked == ()
    assert kept.without_answers().asked == ()
    found = again.answered(ONE, answer(), embedding())
    assert [each.prompts for each in found.asked] == [ONE]
