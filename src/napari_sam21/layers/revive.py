"""A Labels layer out of a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_sam21.core.errors import SessionError
from napari_sam21.layers.label_array import LabelArray, levels_of
from napari_sam21.layers.making import make_labels
from napari_sam21.layers.placement import transforms_of
from napari_sam21.layers.prompts import Mark
from napari_sam21.session.change import Change
from napari_sam21.session.journal import Session
from napari_sam21.session.replay import name_of, replay, steps_of

if TYPE_CHECKING:
    from napari.layers import Image, Labels


def revived(session: Session, image: Image) -> Labels:
    """Make a layer of what a session on an image ended in.

    Raises
    ------
    SessionError
        If its labels do not fit the image.
    """
    from napari.layers import Labels

    told = session.header["labels"]
    made = make_labels(image)
    shape = levels_of(made)[0].shape
    if tuple(told["shape"]) != shape:
        raise SessionError(
            f"the session in {session.folder} has labels of shape {told['shape']}, the "
            f"image has {shape}: open the image it was made on"
        )
    if not made.multiscale:
        name = name_of(session)
        return Labels(replay(session), name=name, **transforms_of(image))
    array = LabelArray.of(made)
    for each in steps_of(session):
        _put(array, each)
    made.name = name_of(session)
    return made


def open_marks(session: Session) -> tuple[Mark, ...]:
    """Return the prompts that were not committed when a session ended."""
    found = session.last("prompts")
    marks = [] if found is None else found.get("marks", [])
    return tuple(Mark(tuple(map(float, where)), int(label)) for where, label in marks)


def _put(array: LabelArray, change: Change) -> None:
    sizes = zip(change.corner, change.changed.shape, strict=True)
    box = tuple(slice(start, start + size) for start, size in sizes)
    values = np.zeros(change.changed.shape, array.dtype)
    values[change.changed] = change.after
    array.put(box, change.changed, values)
