"""A label becomes an object in the making again: prompts come back, its id stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from napari_sam21.annotation import Draft
from napari_sam21.control.commits import Committer, Say
from napari_sam21.control.editor import Crop, ImageEditor
from napari_sam21.control.steps import AnyStep, CommitStep
from napari_sam21.core.crops import Crop as MaskCrop
from napari_sam21.core.errors import LayerError
from napari_sam21.core.masks import tighten
from napari_sam21.core.placing import inner_points
from napari_sam21.core.prompts import BOX, POSITIVE
from napari_sam21.layers.label_array import LabelArray
from napari_sam21.layers.planes import Plane, is_inside
from napari_sam21.layers.prompts import Mark
from napari_sam21.layers.target import EVERYWHERE
from napari_sam21.layers.writing import Writing, box_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Labels

AGAIN = "Label {value} is in the making again: Enter commits it, Esc deletes it."

WINDOW = 256
"""Pixels around the mouse that a label is looked for in, at first."""

RowColumn = tuple[int, int]


def take_up(
    editor: ImageEditor, commits: Committer, world: Sequence[float], say: Say
) -> None:
    """Take the label at a place of the world up again.

    It leaves the labels, as a step that can be undone. The next commit on this plane
    writes the same id; clearing instead leaves it deleted.

    Raises
    ------
    LayerError
        If there is no label, or another object is in the making; the message says so.
    """
    plane, labels = editor.plane(), commits.target.labels
    if labels is None:
        raise LayerError("There are no labels yet: nothing can be taken up again.")
    if editor.draft().prompts:
        raise LayerError("Commit or clear the object in the making first.")
    pixel = _pixel(editor, plane, world)
    value = 0 if pixel is None else int(_read(labels, plane, pixel)[0, 0])
    if pixel is None or value == 0:
        raise LayerError("There is no label under the mouse to take up again.")
    crop = _label_around(labels, plane, pixel, value)
    known = _commit_of(commits.history.done, labels, plane, value)
    marks = _marks_of(crop, plane) if known is None else known.taken
    draft = None if known is None else known.draft
    writing = Writing(labels, plane, *crop, 0, EVERYWHERE)
    commits.ledger.begin(editor.image, labels, is_new=False)

    def done(problem: str) -> None:
        delta = writing.delta
        if delta is not None:
            step = CommitStep(editor.image, plane, labels, delta, Draft(), ())
            commits.ledger.committed(step)
            commits.target.reserve(plane, value)
            before = editor.marks
            editor.set_marks((*before, *marks), draft)
            commits.prompts_edited(before, editor.marks)
            say(problem or AGAIN.format(value=value), bool(problem))

    commits.carry_out(writing.steps(), done)


def _pixel(
    editor: ImageEditor, plane: Plane, world: Sequence[float]
) -> RowColumn | None:
    position = tuple(float(each) for each in editor.image.world_to_data(world))
    point = plane.point_rc(position) if is_inside(position, editor.image) else None
    return None if point is None else (round(point[0]), round(point[1]))


def _read(
    labels: Labels, plane: Plane, origin: RowColumn, shape: RowColumn = (1, 1)
) -> npt.NDArray[np.integer]:
    """Labels of a part of a plane, rows and columns as displayed."""
    box, _ = box_of(plane, np.ones(shape, bool), origin)
    found = np.squeeze(
        LabelArray.of(labels).read(box), tuple(a for a, _ in plane.hidden)
    )
    return found if plane.displayed[0] < plane.displayed[1] else found.T


def _label_around(labels: Labels, plane: Plane, pixel: RowColumn, value: int) -> Crop:
    """All pixels of a label, in a window that grows until it ends inside."""
    half = WINDOW // 2
    while True:
        window = _window(pixel, half, plane.shape)
        (r0, r1), (c0, c1) = window
        mask = _read(labels, plane, (r0, c0), (r1 - r0, c1 - c0)) == value
        if half >= max(plane.shape) or not _is_cut(mask, window, plane.shape):
            return tighten(mask, (r0, c0))
        half *= 2


def _window(pixel: RowColumn, half: int, shape: RowColumn) -> tuple[RowColumn, ...]:
    """First row or column, and that after the last, of a window on a plane."""
    return tuple(
        (max(at - half, 0), min(at + half, size))
        for at, size in zip(pixel, shape, strict=True)
    )


def _is_cut(
    mask: npt.NDArray[np.bool_], window: Sequence[RowColumn], shape: RowColumn
) -> bool:
    """Whether a mask touches an edge of its window that is none of the plane's."""
    (r0, r1), (c0, c1) = window
    touched = (mask[0].any(), mask[-1].any(), mask[:, 0].any(), mask[:, -1].any())
    inner = (r0 > 0, r1 < shape[0], c0 > 0, c1 < shape[1])
    return any(each and free for each, free in zip(touched, inner, strict=True))


def _commit_of(
    steps: Sequence[AnyStep], labels: Labels, plane: Plane, value: int
) -> CommitStep | None:
    """The step that made a label, if the history still knows it."""
    for step in reversed(steps):
        if not isinstance(step, CommitStep) or step.delta.value != value:
            continue
        if step.labels == labels and step.plane == plane:
            return step
    return None


def _marks_of(crop: Crop, plane: Plane) -> tuple[Mark, ...]:
    """Prompts for a label of unknown origin: its innermost point and its box."""
    mask, (row, column) = crop
    inner = inner_points(MaskCrop(mask, (row, column)))[0]
    corners = ((row, column), (row + mask.shape[0] - 1, column + mask.shape[1] - 1))
    point = Mark(plane.position(*inner), POSITIVE)
    return (point, *(Mark(plane.position(*corner), BOX) for corner in corners))
