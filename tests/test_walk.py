"""Random walks over all gestures: nothing fails, and nothing is lost.

Never an exception; undo to the start gives the labels that were there bit for bit, redo
the last ones; and the journal replays what is there. ``SAM21_STEPS`` asks for a longer
walk than the suite's, each time another one.
"""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from collections.abc import Callable
from typing import ClassVar

import numpy as np
from desk import Desk
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    rule,
    run_state_machine_as_test,
)
from walking import GESTURES, SHAPE, Walker

from napari_sam21.models import preferences
from napari_sam21.models.home import sessions_folder
from napari_sam21.session.journal import read_session
from napari_sam21.session.replay import replay
from napari_sam21.session.shelf import sessions

STEPS = int(os.environ.get("SAM21_STEPS", "200"))
EACH = 25 if STEPS <= 200 else 100
"""Steps of one walk; then another one begins. The first is hypothesis' simplest."""

PATIENCE = 10.0
SHRINK = "SAM21_SHRINK" in os.environ
"""Whether to look for the shortest walk that fails: that takes many minutes."""
PHASES = (Phase.generate, Phase.shrink) if SHRINK else (Phase.generate,)

BY_NAME = {gesture.name: gesture for gesture in GESTURES}
WEIGHTED = [each.name for each in GESTURES for _ in range(each.weight)]


class Walk(RuleBasedStateMachine):
    """One user, from the first gesture to the last."""

    made: ClassVar[Counter[str]] = Counter()

    def __init__(self, desk: Callable[..., Desk]) -> None:
        super().__init__()
        stack = np.random.default_rng(0).integers(0, 255, SHAPE, np.uint8)
        preferences.remember(preferences.Preferences())  # one walk is like another
        shutil.rmtree(sessions_folder(), ignore_errors=True)  # and has its own journal
        self.walker = Walker(desk(stack))

    @rule(name=st.sampled_from(WEIGHTED), data=st.data())
    def step(self, name: str, data: st.DataObject) -> None:
        gesture = BY_NAME[name]
        Walk.made[name] += 1
        drawn = {name: data.draw(each, name) for name, each in gesture.drawn.items()}
        gesture.do(self.walker, **drawn)
        self.walker.rest()

    def teardown(self) -> None:
        walker = self.walker
        walker.c.many.tray.discard()
        walker.rest()
        try:
            if walker.c.view().can_undo:
                replayed_is(walker.labels.data)
            go_back_and_forth(walker)
        finally:
            walker.d.close()


def replayed_is(labels: np.ndarray) -> None:
    """What is on disk makes the same labels, as soon as what was there is noted."""
    end, found = time.monotonic() + PATIENCE, None
    while time.monotonic() < end:
        left = sessions(sessions_folder())
        found = replay(read_session(left[0].folder)) if left else None
        if found is not None and np.array_equal(found, labels):
            return
        time.sleep(0.02)
    assert found is None, "the journal tells of other labels"


def go_back_and_forth(walker: Walker) -> None:
    """Undo to the start, redo to the end."""
    end = walker.labels.data.copy()
    # What was undone before the end is no part of it.
    steps = 0
    while walker.c.view().can_undo:
        walker.c.undo()
        walker.rest()
        steps += 1
    assert np.array_equal(walker.labels.data, walker.start)
    for _ in range(steps):
        walker.c.redo()
        walker.rest()
    assert np.array_equal(walker.labels.data, end)
    if steps and sessions(sessions_folder()):
        replayed_is(end)


def test_walks_over_all_gestures(desk) -> None:
    Walk.made.clear()
    nightly = "SAM21_STEPS" in os.environ
    run_state_machine_as_test(
        lambda: Walk(desk),
        settings=settings(
            max_examples=max(1, STEPS // EACH),
            stateful_step_count=min(STEPS, EACH),
            deadline=None,
            derandomize=not nightly,
            database=None,
            phases=PHASES,
            suppress_health_check=list(HealthCheck),
        ),
    )
    print(f"{Walk.made.total()} steps: {dict(Walk.made.most_common())}")
    assert Walk.made.total() >= STEPS // 2
