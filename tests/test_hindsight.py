"""What napari's undo wrote over is known from the history."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from napari.layers import Labels

from napari_sam21.control.hindsight import as_it_was
from napari_sam21.control.steps import StrokeStep
from napari_sam21.session.change import change_of

SHAPE = (9, 11)


@st.composite
def strokes(draw: st.DrawFn) -> tuple[np.ndarray, ...]:
    count = draw(st.integers(1, 25))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    where = tuple(rng.integers(0, size, count) for size in SHAPE)
    return (*where, np.full(count, draw(st.integers(0, 4))))


@settings(deadline=None, max_examples=60)
@given(st.lists(strokes(), min_size=1, max_size=6), st.integers(0, 5))
def test_old_values_are_those_that_were_there(drawn, which) -> None:
    labels = Labels(np.zeros(SHAPE, np.uint16))
    other = Labels(np.zeros(SHAPE, np.uint16))
    data, done, made = np.zeros(SHAPE, np.uint16), [], []
    for *where, values in drawn:
        change = change_of(tuple(where), data[tuple(where)], values)
        if change is not None:
            change.do_in(data)
            made.append(change)
            done += [StrokeStep(labels, change), StrokeStep(other, change)]
    if not made:
        return
    back = made[which % len(made)].reversed()
    there = data.copy()
    back.do_in(data)  # whatever is there, as napari does
    found = as_it_was(back, done, labels)
    if found is None:
        assert np.array_equal(data, there)
        return
    assert found.is_done_in(data)
    found.reversed().do_in(data)
    assert np.array_equal(data, there)
