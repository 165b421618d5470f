"""A label becomes an object in the making again: prompts come back, its id stays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from napari_sam21.annotation import Draft
from napari_sam21.control.commits import Committer
from napari_sam21.control.editor import Crop, ImageEditor
from napari_sam21.control.errand import Say
from napari_sam21.control.steps import AnyStep, CommitStep
from napari_sam21.core.crops import Crop as MaskCrop
from napari_sam21.core.errors import LayerError
from napari_sam21.core.placing import inner_points
from napari_sam21.core.prompts import BOX, POSITIVE
from napari_sam21.layers.planes import Plane
from napari_sam21.layers.prompts import Mark
from napari_sam21.layers.spotting import label_around, label_at
from napari_sam21.layers.target import EVERYWHERE
from napari_sam21.layers.writing import Writing

if TYPE_CHECKING:
    from napari.layers import Labels

AGAIN = "Label {value} is in the making again: Enter commits it, Esc deletes it."

Recall = Callable[["Labels", int, Plane], tuple[Mark, ...]]


def take_up(
    editor: ImageEditor,
    commits: Committer,
    world: Sequence[float],
    recall: Recall,
    say: Say,
) -> None:
    """Take the label at a place of the world up again.

    It leaves the labels, as a step that can be undone. The next commit on this plane
    writes the same id; clearing instead leaves it deleted.

    Parameters
    ----------
    editor : ImageEditor
    commits : Committer
    world : sequence of float
    recall : callable
        Returns the prompts that made a label on a plane, where the history does not
        know them any more; none if nobody does.
    say : callable

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
    found = label_at(labels, editor.image, plane, world)
    if found is None:
        raise LayerError("There is no label under the mouse to take up again.")
    value, pixel = found
    crop = label_around(labels, plane, pixel, value)
    known = _commit_of(commits.history.done, labels, plane, value)
    if known is not None:
        marks, draft = known.taken, known.draft
    else:
        marks, draft = recall(labels, value, plane) or _marks_of(crop, plane), None
    writing = Writing(labels, plane, *crop, 0, EVERYWHERE)
    commits.ledger.begin(editor.image, labels, is_new=False)

    def done(problem: str) -> None:
        delta = writing.delta
        if delta is not None:
            step = CommitStep(editor.image, plane, labels, delta, Draft(), ())
            commits.ledger.committed(step)
            commits.target.used(value)
            commits.target.reserve(plane, value)
            before = editor.marks
            editor.set_marks((*before, *marks), draft)
            commits.prompts_edited(before, editor.marks)
            say(problem or AGAIN.format(value=value), bool(problem))

    commits.carry_out(writing.steps(), done)


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
