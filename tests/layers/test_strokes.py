"""napari's own tools on a Labels layer, and its Ctrl+Z, are heard as changes."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Labels

from napari_sam21.layers.strokes import Strokes
from napari_sam21.session.change import Change


class Ear:
    """A layer, what was heard of it, and what it must look like if all was heard."""

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self.mirror = np.array(labels.data)
        self.heard: list[str] = []
        self.strokes = Strokes(
            labels,
            lambda change: self._note("painted", change),
            lambda change: self._note("undone", change.reversed()),
            lambda change: self._note("redone", change),
        )

    def _note(self, what: str, change: Change) -> None:
        self.heard.append(what)
        change.do_in(self.mirror)

    def is_true(self) -> bool:
        return np.array_equal(self.mirror, np.asarray(self.labels.data))


@pytest.fixture(params=["uint8", "uint16", "int32"])
def ear(request) -> Ear:
    data = np.zeros((3, 40, 50), request.param)
    data[:, 30:, 40:] = 7
    return Ear(Labels(data))


def paint(labels: Labels) -> None:
    with labels.block_history():
        labels.paint((1, 10, 10), 3)
        labels.paint((1, 12, 14), 4)  # over a part of the first


GESTURES = {
    "brush": paint,
    "fill": lambda labels: labels.fill((1, 35, 45), 9),
    "eraser": lambda labels: labels.paint((1, 33, 43), 0),
    "polygon": lambda labels: labels.paint_polygon(
        [[1, 1, 1], [1, 1, 9], [1, 9, 9]], 2
    ),
    "script": lambda labels: labels.data_setitem(
        tuple(np.array(each) for each in ([1, 2], [3, 4], [5, 6])), np.array([8, 9])
    ),
    "volume": lambda labels: (
        setattr(labels, "n_edit_dimensions", 3) or labels.paint((1, 20, 20), 6)
    ),
}


@pytest.mark.parametrize("gesture", GESTURES)
def test_a_gesture_its_undo_and_its_redo_are_heard(ear: Ear, gesture: str) -> None:
    before = np.array(ear.labels.data)
    GESTURES[gesture](ear.labels)
    assert ear.heard == ["painted"]
    assert not np.array_equal(ear.labels.data, before)
    assert ear.is_true()
    ear.labels.undo()
    assert ear.heard == ["painted", "undone"]
    assert np.array_equal(ear.mirror, before)
    assert ear.is_true()
    ear.labels.redo()
    assert ear.heard[-1] == "redone"
    assert ear.is_true()


def test_moving_about_is_no_undo(ear: Ear) -> None:
    paint(ear.labels)
    ear.labels.refresh()
    ear.labels.contour = 1
    ear.labels.refresh()
    assert ear.heard == ["painted"]


def test_our_own_writes_are_not_reported_but_their_undo_is(ear: Ear) -> None:
    with ear.strokes.ours():
        paint(ear.labels)
    assert ear.heard == []
    ear.labels.undo()
    assert ear.heard == ["undone"]


def test_a_stroke_after_an_undo_ends_what_could_be_done_again(ear: Ear) -> None:
    paint(ear.labels)
    ear.labels.undo()
    GESTURES["fill"](ear.labels)
    ear.labels.redo()  # napari has nothing to do again either
    assert ear.heard == ["painted", "undone", "painted"]
    assert ear.is_true()


def test_other_data_of_another_shape_is_borne(ear: Ear) -> None:
    paint(ear.labels)
    ear.labels.data = np.zeros((2, 5, 5), np.uint8)
    ear.labels.refresh()
    assert ear.heard == ["painted"]


def test_a_closed_ear_hears_nothing(ear: Ear) -> None:
    ear.strokes.close()
    paint(ear.labels)
    ear.labels.undo()
    assert ear.heard == []


def test_a_long_walk_stays_true(ear: Ear) -> None:
    rng, names = np.random.default_rng(5), [*GESTURES][:-1]
    for _ in range(120):
        deed = rng.integers(4)
        if deed == 0:
            ear.labels.undo()
        elif deed == 1:
            ear.labels.redo()
        else:
            row, column = (int(n) for n in rng.integers(2, 35, 2))
            value = int(rng.integers(0, 12))
            if rng.random() < 0.7:
                ear.labels.paint((int(rng.integers(3)), row, column), value)
            else:
                GESTURES[str(rng.choice(names))](ear.labels)
        assert ear.is_true()
    assert {"painted", "undone", "redone"} <= set(ear.heard)


def test_a_redo_that_looks_like_an_older_undo_too_is_a_redo(ear: Ear) -> None:
    """A fill that is done again puts back what an erased stroke had painted."""
    labels = ear.labels
    labels.paint((1, 10, 10), 3)
    labels.paint((1, 10, 10), 0)
    labels.fill((1, 10, 10), 3)
    labels.undo()
    labels.redo()
    assert ear.heard == ["painted", "painted", "painted", "undone", "redone"]
    assert ear.is_true()


def test_an_undo_that_looks_like_a_newer_redo_too_is_an_undo(ear: Ear) -> None:
    """The erased plane comes back, and in it what an undone stroke had painted."""
    labels = ear.labels
    labels.fill((1, 10, 10), 3)
    labels.fill((1, 10, 10), 0)
    labels.paint((1, 20, 20), 3)
    labels.undo()
    labels.undo()
    assert ear.heard == ["painted"] * 3 + ["undone", "undone"]
    assert ear.is_true()
