"""The Points layer that holds the prompts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sam21.core.prompts import BOX, NEGATIVE, POSITIVE, Prompts
from napari_sam21.layers.placement import transforms_of
from napari_sam21.layers.planes import Plane, level_shape

if TYPE_CHECKING:
    from napari.layers import Image, Points

NAME = "SAM prompts"
COLUMN = "polarity"
CANVAS_SIZE = (11, 13)
"""Points keep about this size on the screen, in pixels, at any zoom."""

FINISHED = ("added", "removed", "changed")
"""Actions of `Points.events.data` after an edit; each has a twin before it."""


@dataclass(frozen=True)
class Polarity:
    """How one kind of point is called and drawn: colour *and* symbol tell."""

    label: int
    word: str
    color: str
    symbol: str


POLARITIES = {
    POSITIVE: Polarity(POSITIVE, "positive", "#19c37d", "disc"),
    NEGATIVE: Polarity(NEGATIVE, "negative", "#e2561f", "x"),
    BOX: Polarity(BOX, "box", "#56b4e9", "square"),
}
"""Bluish green, vermilion and sky blue keep apart for every kind of colour vision."""

COLOR_CYCLE = {each.word: each.color for each in POLARITIES.values()}
_LABEL_OF = {each.word: each.label for each in POLARITIES.values()}


@dataclass(frozen=True)
class Mark:
    """A prompt point.

    Attributes
    ----------
    position : tuple of float
        Data coordinates of the image, one for each axis.
    label : int
        1 on the object, 0 not, 2 a corner of its box.
    """

    position: tuple[float, ...]
    label: int


def prompts_on(marks: Sequence[Mark], plane: Plane) -> Prompts:
    """Collect the prompts that lie on a plane, in the order they were made.

    The last two corners make the box.
    """
    here = [(plane.point_rc(mark.position), mark.label) for mark in marks]
    found = [(point, label) for point, label in here if point is not None]
    points = [(point, label) for point, label in found if label != BOX]
    corners = [point for point, label in found if label == BOX][-2:]
    box = (*corners[0], *corners[1]) if len(corners) == 2 else None
    return Prompts([point for point, _ in points], [sign for _, sign in points], box)


def with_box(
    marks: Sequence[Mark], plane: Plane, corners: Sequence[tuple[float, float]]
) -> tuple[Mark, ...]:
    """Return the marks with this box, or none, as the one of a plane."""
    others = [m for m in marks if m.label != BOX or plane.point_rc(m.position) is None]
    drawn = [Mark(plane.position(*corner), BOX) for corner in corners]
    return (*others, *drawn)


def without_lone_corner(marks: tuple[Mark, ...], plane: Plane) -> tuple[Mark, ...]:
    """Drop what is left of a plane's box when one corner of it was deleted."""
    here = [m for m in marks if m.label == BOX and plane.point_rc(m.position)]
    return with_box(marks, plane, ()) if len(here) == 1 else marks


class PromptsLayer:
    """Our Points layer of one image.

    Parameters
    ----------
    layer : Points
        As `make_points` makes it.
    on_edit : callable
        Called once after each edit by the user.

    Attributes
    ----------
    scribbles : bool
        Whether a drag draws a stroke of points.
    """

    def __init__(self, layer: Points, on_edit: Callable[[], None]) -> None:
        self.layer = layer
        self._on_edit = on_edit
        self._next = POSITIVE
        self.scribbles = False
        self._known = self.marks
        layer.events.data.connect(self._edited)
        layer.events.features.connect(self._retold)

    def close(self) -> None:
        """Stop listening."""
        self.layer.events.data.disconnect(self._edited)
        self.layer.events.features.disconnect(self._retold)

    @property
    def marks(self) -> tuple[Mark, ...]:
        """The points as they are now."""
        positions = np.asarray(self.layer.data, float)
        features = self.layer.features
        # Whatever the user or a script does to the table, a point counts as a point.
        words = features[COLUMN] if COLUMN in features else [""] * len(positions)
        return tuple(
            Mark(tuple(map(float, position)), _LABEL_OF.get(word, POSITIVE))
            for position, word in zip(positions, words, strict=False)
            if np.isfinite(position).all()
        )

    @property
    def next_label(self) -> int:
        """Label of the next point."""
        return self._next

    @next_label.setter
    def next_label(self, label: int) -> None:
        self._next = label
        self.set_default(label)

    def set_default(self, label: int) -> None:
        """Set what the next click makes; selected points stay as they are."""
        self.layer.feature_defaults = {COLUMN: POLARITIES[label].word}

    def show(self, marks: Sequence[Mark]) -> None:
        """Replace all points; not an edit by the user."""
        ndim = self.layer.ndim
        data = np.array([mark.position for mark in marks], float).reshape(-1, ndim)
        with self.layer.events.data.blocker(self._edited):
            if self.layer.selected_data:
                self.layer.selected_data = set()
            self.layer.data = data
            if marks:
                self._dress([mark.label for mark in marks])
        self._known = self.marks

    def replace(self, marks: Sequence[Mark]) -> None:
        """Replace all points, as an edit by the user."""
        self.show(marks)
        self._on_edit()

    def deselect(self) -> None:
        """Show every point in its own colour: napari paints selected ones blue."""
        if self.layer.selected_data:
            self.layer.selected_data = set()

    def flip_selected(self) -> None:
        """Turn the selected points, else the last one, to the other sign."""
        last = {len(self.layer.data) - 1}
        chosen = set(self.layer.selected_data) or last
        labels = [
            1 - mark.label if i in chosen and mark.label != BOX else mark.label
            for i, mark in enumerate(self.marks)
        ]
        with self.layer.events.data.blocker(self._edited):
            self._dress(labels)
        self._known = self.marks
        self._on_edit()

    def _dress(self, labels: Sequence[int]) -> None:
        """Write polarity, colour and symbol of every point."""
        words = np.array([POLARITIES[label].word for label in labels], dtype=object)
        with self.layer.events.features.blocker(self._retold):
            self.layer.features = {COLUMN: words}
        if labels:
            self.layer.refresh_colors()
            self.layer.symbol = [POLARITIES[label].symbol for label in labels]
        self.set_default(self._next)  # setting features moves the defaults

    def _edited(self, event: Any) -> None:
        if str(getattr(event, "action", "")).rpartition(".")[2].lower() in FINISHED:
            self._symbols()
            self._known = self.marks
            self._on_edit()

    def _retold(self, event: Any) -> None:
        """The table of features was edited: signs may have changed, not the points."""
        if COLUMN not in self.layer.features:
            self._dress([mark.label for mark in self._known])
            self.layer.face_color_cycle = COLOR_CYCLE
            self.layer.border_color_cycle = COLOR_CYCLE
            self.layer.face_color = self.layer.border_color = COLUMN
        marks = self.marks
        same_points = [m.position for m in marks] == [m.position for m in self._known]
        if same_points and marks != self._known:
            self._known = marks
            self._dress([mark.label for mark in marks])
            self._on_edit()

    def _symbols(self) -> None:
        """Give every point its symbol; points without a place are no points."""
        marks = self.marks
        if len(marks) != len(self.layer.data):
            self.show(marks)
            return
        wanted = [POLARITIES[mark.label].symbol for mark in marks]
        if wanted and [str(each) for each in self.layer.symbol] != wanted:
            self.layer.symbol = wanted


def make_points(image: Image) -> Points:
    """Make an empty prompts layer that lies where an image lies."""
    from napari.layers import Points

    return Points(
        ndim=image.ndim,
        name=NAME,
        size=max(0.5, max(level_shape(image)[-2:]) / 250),
        features={COLUMN: np.array([], dtype=object)},
        feature_defaults={COLUMN: POLARITIES[POSITIVE].word},
        face_color=COLUMN,
        face_color_cycle=COLOR_CYCLE,
        # Where the limits clamp a size, napari fills up with border: it is no frame.
        border_color=COLUMN,
        border_color_cycle=COLOR_CYCLE,
        canvas_size_limits=CANVAS_SIZE,
        **transforms_of(image),
    )
