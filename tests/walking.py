"""Everything a user can do, as one table: who adds a gesture, adds a row.

A gesture is a function of a `Walker` and of what hypothesis draws for it. It may be
called at any time: where it makes no sense the plugin says a word, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from desk import Desk
from hypothesis import strategies as st

from napari_sam21.control.many_slices import Course
from napari_sam21.core.automatic import Filters
from napari_sam21.core.propagation import StopRules
from napari_sam21.layers.field import MODES
from napari_sam21.layers.prompts import with_box
from napari_sam21.layers.target import KINDS
from napari_sam21.layers.writing import POLICIES

SHAPE = (3, 60, 80)
FEW = Filters(4, min_score=0.5, min_stability=0, max_share=0.2)
ANY = StopRules(min_score=0, min_overlap=0, max_jump=100, min_area=0, min_likeness=-1)

ROWS, COLUMNS = st.integers(2, SHAPE[1] - 3), st.integers(2, SHAPE[2] - 3)
LABELS = st.integers(0, 9)
INDEX = st.integers(0, 7)


class Walker:
    """A desk with a small stack, labels of the user's, and somebody restless."""

    def __init__(self, d: Desk) -> None:
        self.d = d
        self.start = np.zeros(SHAPE, np.uint16)
        self.start[1:, 45:, 60:] = 77
        self.labels = d.viewer.add_labels(self.start.copy(), name="mine")
        d.controller.set_image(d.images[0])
        d.controller.set_output(self.labels)
        d.viewer.dims.set_point(0, 0)
        d.ready()

    @property
    def c(self) -> Any:
        """The controller."""
        return self.d.controller

    @property
    def slice(self) -> int:
        """The slice on show."""
        return round(self.d.viewer.dims.point[0])

    def rest(self) -> None:
        """Let what was begun come to its end."""
        inference, host = self.c.inference, self.d.host
        host.turn()
        host.settle()
        host.until(lambda: not (inference.encoding or inference.decoding))
        host.until(lambda: not self.c.many.running)
        host.turn()

    def paint(self, call: Callable[[Any], None]) -> None:
        """Use a tool of napari's on the labels, which are selected for that."""
        call(self.labels)
        self.d.host.turn()


# --- gestures --------------------------------------------------------------------


def click(w: Walker, row: int, column: int, label: int) -> None:
    w.d.add(w.slice, row, column, label=label)


def box(w: Walker, row: int, column: int, height: int, width: int) -> None:
    scene, plane = w.c.editor.scene, w.c.editor.plane()
    end = (min(row + height, SHAPE[1] - 1), min(column + width, SHAPE[2] - 1))
    scene.prompts.replace(with_box(scene.prompts.marks, plane, ((row, column), end)))


def with_point(w: Walker, index: int, call: Callable[[Any], None]) -> None:
    """Select one of the points that are there, if any, and do something to it."""
    points = w.d.points
    if len(points.data):
        points.selected_data = {index % len(points.data)}
        call(points)


def move(w: Walker, index: int, row: int, column: int) -> None:
    def moved(points: Any) -> None:
        data = np.array(points.data)
        data[index % len(data), 1:] = row, column
        points.data = data

    with_point(w, index, moved)


def flip(w: Walker, index: int) -> None:
    with_point(w, index, lambda _: w.c.flip_selected())


def delete(w: Walker, index: int) -> None:
    with_point(w, index, lambda points: points.remove_selected())


def candidate(w: Walker, index: int) -> None:
    w.c.choose(index % 3) if index < 3 else w.c.next_candidate()


def brush_preview(w: Walker, row: int, column: int, index: int) -> None:
    preview = w.d.preview
    where = [s // 2 for s in preview.data.shape]
    preview.brush_size = 3
    preview.paint(tuple(where), index % 2)


def over(name: str) -> Callable[..., None]:
    """A gesture over what lies under the mouse: one method of the controller."""

    def do(w: Walker, row: int, column: int) -> None:
        w.d.viewer.cursor.position = (float(w.slice), float(row), float(column))
        getattr(w.c, name)()

    return do


def clean(w: Walker, largest: bool, holes: bool) -> None:
    w.c.set_cleaning(largest, holes)


def name_class(w: Walker, name: str) -> None:
    w.c.commits.classes.choose(name)


def policy(w: Walker, name: str) -> None:
    w.c.commits.policy = name


def kind(w: Walker, name: str, label: int) -> None:
    w.c.commits.kind = name
    w.labels.selected_label = label


def another_slice(w: Walker, index: int) -> None:
    w.d.viewer.dims.set_point(0, index % SHAPE[0])


def contrast(w: Walker, low: int) -> None:
    w.d.images[0].contrast_limits = (low, 255)


def look(w: Walker, name: str) -> None:
    w.c.set_look(name)


def region(w: Walker, name: str) -> None:
    w.c.set_field(name)


def brush(w: Walker, row: int, column: int, label: int) -> None:
    w.paint(lambda labels: labels.paint((w.slice, row, column), label))


def fill(w: Walker, row: int, column: int, label: int) -> None:
    w.paint(lambda labels: labels.fill((w.slice, row, column), label))


def polygon(w: Walker, row: int, column: int, label: int) -> None:
    corners = [(row - 2, column - 2), (row - 2, column + 4), (row + 3, column)]
    points = [(w.slice, *each) for each in corners]
    w.paint(lambda labels: labels.paint_polygon(points, label))


def erase(w: Walker, row: int, column: int) -> None:
    brush(w, row, column, 0)


def napari_undo(w: Walker) -> None:
    w.paint(lambda labels: labels.undo())


def napari_redo(w: Walker) -> None:
    w.paint(lambda labels: labels.redo())


def everything(w: Walker) -> None:
    w.c.many.filters = FEW
    w.c.many.everything()


def refine(w: Walker) -> None:
    w.c.many.refine(w.labels)


def one_for_each(w: Walker, row: int, column: int) -> None:
    places = [(w.slice, row, column), (w.slice, (row + 30) % 60, (column + 40) % 80)]
    layer = w.d.viewer.add_points(np.asarray(places, float), name="seeds")
    w.c.many.one_for_each_point(layer)
    w.rest()
    w.d.viewer.layers.remove(layer)


def carry(w: Walker, label: int) -> None:
    w.labels.selected_label = label
    w.c.many.carry(Course(0, (0, SHAPE[0]), ANY))


def accept(w: Walker) -> None:
    w.c.many.tray.accept()


def discard(w: Walker) -> None:
    w.c.many.tray.discard()


def there_and_back(w: Walker) -> None:
    """Undo everything, then do it all again: the labels are as they were."""
    w.rest()
    before, steps = w.labels.data.copy(), 0
    while w.c.view().can_undo:
        w.c.undo()
        w.rest()
        steps += 1
    assert np.array_equal(w.labels.data, w.start), "undone to the start"
    for _ in range(steps):
        w.c.redo()
        w.rest()
    assert np.array_equal(w.labels.data, before), "and done again"


def method(name: str) -> Callable[[Walker], None]:
    """A gesture that is one method of the controller."""
    return lambda w: getattr(w.c, name)()


# --- the table -------------------------------------------------------------------


@dataclass(frozen=True)
class Gesture:
    """What the user does, what is drawn for it, and how often it comes."""

    name: str
    do: Callable[..., None]
    drawn: dict[str, st.SearchStrategy[Any]] = field(default_factory=dict)
    weight: int = 1

    def __repr__(self) -> str:
        return self.name


AT = {"row": ROWS, "column": COLUMNS}
SIDES = {"height": st.integers(2, 30), "width": st.integers(2, 30)}

GESTURES = (
    Gesture("click", click, {**AT, "label": st.integers(0, 1)}, weight=5),
    Gesture("box", box, AT | SIDES, weight=2),
    Gesture("move", move, {"index": INDEX, **AT}),
    Gesture("flip", flip, {"index": INDEX}),
    Gesture("delete", delete, {"index": INDEX}),
    Gesture("candidate", candidate, {"index": INDEX}),
    Gesture("brush_preview", brush_preview, {**AT, "index": INDEX}),
    Gesture("commit", method("commit"), weight=5),
    Gesture("next_object", method("next_object")),
    Gesture("take_up", over("take_up"), AT, weight=2),
    Gesture("pick", over("pick"), AT),
    Gesture("merge", over("merge"), AT, weight=2),
    Gesture("delete_label", over("delete"), AT),
    Gesture("clean", clean, {"largest": st.booleans(), "holes": st.booleans()}),
    Gesture("name_class", name_class, {"name": st.sampled_from(["", "a", "b"])}),
    Gesture("put_prompt", method("put_prompt")),
    Gesture("move_left", method("move_left")),
    Gesture("clear", method("clear")),
    Gesture("undo", method("undo"), weight=3),
    Gesture("redo", method("redo"), weight=2),
    Gesture("policy", policy, {"name": st.sampled_from(sorted(POLICIES))}),
    Gesture("kind", kind, {"name": st.sampled_from(KINDS), "label": LABELS}),
    Gesture("another_slice", another_slice, {"index": INDEX}, weight=2),
    Gesture("contrast", contrast, {"low": st.integers(0, 60)}),
    Gesture("look", look, {"name": st.sampled_from(["shown", "stretched"])}),
    Gesture("region", region, {"name": st.sampled_from(sorted(MODES))}),
    Gesture("brush", brush, {**AT, "label": LABELS}, weight=2),
    Gesture("fill", fill, {**AT, "label": LABELS}),
    Gesture("polygon", polygon, {**AT, "label": st.integers(1, 9)}),
    Gesture("erase", erase, AT),
    Gesture("napari_undo", napari_undo, weight=2),
    Gesture("napari_redo", napari_redo),
    Gesture("everything", everything),
    Gesture("refine", refine),
    Gesture("one_for_each", one_for_each, AT),
    Gesture("carry", carry, {"label": LABELS}),
    Gesture("accept", accept, weight=3),
    Gesture("discard", discard),
    Gesture("there_and_back", there_and_back),
)
