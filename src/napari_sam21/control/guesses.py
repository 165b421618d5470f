"""A label is the first guess of an object: the decoder begins with its mask.

That is for labels that were not made here, or were changed since: another tool's, or
brushed ones. The mask goes to the decoder as a previous answer would.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from napari_sam21.annotation import Draft
from napari_sam21.control.commits import Committer
from napari_sam21.control.editor import Crop, ImageEditor
from napari_sam21.control.errand import Say
from napari_sam21.control.steps import CommitStep
from napari_sam21.core.crops import Crop as MaskCrop
from napari_sam21.core.errors import LayerError
from napari_sam21.core.placing import inner_points
from napari_sam21.core.prompts import BOX, POSITIVE
from napari_sam21.layers.output import check_grid
from napari_sam21.layers.planes import Plane
from napari_sam21.layers.prompts import Mark
from napari_sam21.layers.scene import is_ours
from napari_sam21.layers.spotting import label_around, label_at
from napari_sam21.layers.writing import box_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels

GUESS = (
    "Label {value} of {name!r} is the first guess of a new object; {name!r} stays as "
    "it is."
)


def guess_of(crop: Crop) -> Draft:
    """Return an object that begins with the mask of a label."""
    return Draft(given=MaskCrop.of(*crop))


def marks_of(crop: Crop, plane: Plane) -> tuple[Mark, ...]:
    """Return prompts for a label of unknown origin: its innermost point and its box."""
    mask, (row, column) = crop
    inner = inner_points(MaskCrop(mask, (row, column)))[0]
    corners = ((row, column), (row + mask.shape[0] - 1, column + mask.shape[1] - 1))
    point = Mark(plane.position(*inner), POSITIVE)
    return (point, *(Mark(plane.position(*corner), BOX) for corner in corners))


def is_as_committed(step: CommitStep, plane: Plane, crop: Crop) -> bool:
    """Whether a label is what its commit wrote, and nobody has changed it since."""
    box, wanted = box_of(plane, *crop)
    changed = step.delta.changed
    if np.count_nonzero(wanted) != np.count_nonzero(changed):
        return False
    starts = [part.start - at for part, at in zip(box, step.delta.corner, strict=True)]
    inside = all(
        0 <= start <= whole - part
        for start, part, whole in zip(starts, wanted.shape, changed.shape, strict=True)
    )
    here = tuple(slice(s, s + n) for s, n in zip(starts, wanted.shape, strict=True))
    return inside and bool(changed[here][wanted].all())


def begin_with_another(
    editor: ImageEditor,
    commits: Committer,
    viewer: ViewerModel,
    world: Sequence[float],
    say: Say,
) -> bool:
    """Begin an object with a label of another layer than the output.

    The topmost visible Labels layer that lies where the image lies, and has a label at
    that place, counts; it is only read. Where the output has a label, there is none.

    Returns
    -------
    bool
        Whether there was such a label.

    Raises
    ------
    LayerError
        If nothing of the image is on show, or another object is in the making there.
    """
    plane, output = editor.plane(), commits.target.labels
    if output is not None and label_at(output, editor.image, plane, world):
        return False
    for labels in _others(viewer, editor, output):
        found = label_at(labels, editor.image, plane, world)
        if found is None:
            continue
        if editor.draft().prompts:
            raise LayerError("Commit or clear the object in the making first.")
        value, pixel = found
        crop = label_around(labels, plane, pixel, value)
        before = editor.marks
        editor.set_marks((*before, *marks_of(crop, plane)), guess_of(crop))
        commits.prompts_edited(before, editor.marks)
        say(GUESS.format(value=value, name=labels.name), False)
        return True
    return False


def _others(
    viewer: ViewerModel, editor: ImageEditor, output: Labels | None
) -> list[Labels]:
    """The visible Labels layers of the user with the image's pixels, topmost first."""
    from napari.layers import Labels

    return [
        layer
        for layer in reversed(viewer.layers)
        if isinstance(layer, Labels)
        and layer.visible
        and not is_ours(layer)
        and (output is None or layer != output)
        and _has_its_grid(layer, editor)
    ]


def _has_its_grid(labels: Labels, editor: ImageEditor) -> bool:
    try:
        check_grid(labels, editor.image)
    except LayerError:
        return False
    return True
