"""A label is drawn anew on one plane: what it was there gives way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_sam21.core.census import Census
from napari_sam21.core.crops import Crop
from napari_sam21.core.delta import Delta
from napari_sam21.layers.batch import PlaneLabels
from napari_sam21.layers.label_array import LabelArray
from napari_sam21.layers.planes import Plane
from napari_sam21.layers.writing import Steps, Writing, drawing

if TYPE_CHECKING:
    from napari.layers import Labels


class Replacing:
    """One label on its way to another shape.

    Parameters
    ----------
    labels : Labels
    plane : Plane
    old, new : Crop
        What it is on the plane, and what it becomes.
    value : int
        The label.
    policy : str
        A key of `layers.writing.POLICIES`, for pixels of other labels.

    Attributes
    ----------
    deltas : list of Delta
        What has changed so far, in order.
    """

    def __init__(
        self,
        labels: Labels,
        plane: Plane,
        old: Crop,
        new: Crop,
        value: int,
        policy: str,
    ) -> None:
        self.labels = labels
        self.deltas: list[Delta] = []
        rest = old.without(new)
        where = labels, plane
        self._writings = [Writing(*where, new.mask, new.origin_rc, value, policy)]
        if rest:
            gone = Writing(*where, rest.mask, rest.origin_rc, 0, "overwrite")
            self._writings.insert(0, gone)

    def possible(self) -> bool:
        """Whether other labels leave any pixel of the new shape that it has not yet."""
        return self._writings[-1].possible() or len(self._writings) > 1

    def steps(self) -> Steps:
        """Write, in place."""
        for writing in self._writings:
            yield from writing.steps_unseen()
            if writing.delta is not None:
                self.deltas.append(writing.delta)
        yield from drawing(self.labels)


def crop_on(labels: Labels, census: Census, label: int, plane: Plane) -> Crop:
    """Cut a label out of a plane, reading only where it is known to be.

    Parameters
    ----------
    labels : Labels
    census : Census
        Complete.
    label : int
    plane : Plane
    """
    array = LabelArray.of(labels)
    shown = PlaneLabels(array, plane)
    pieces = []
    for block in census.places(label):
        box = block.box(array.shape)
        if all(box[axis].start <= at < box[axis].stop for axis, at in plane.hidden):
            rows, columns = (box[axis] for axis in plane.displayed)
            mask = shown[rows, columns] == label
            pieces.append(Crop.of(mask, (rows.start, columns.start)))
    return _joined([piece for piece in pieces if piece])


def _joined(pieces: list[Crop]) -> Crop:
    if not pieces:
        return Crop.of(np.zeros((0, 0), bool))
    r0, c0, r1, c1 = zip(*(piece.window for piece in pieces), strict=True)
    window = min(r0), min(c0), max(r1), max(c1)
    mask = np.zeros((window[2] - window[0], window[3] - window[1]), bool)
    for piece in pieces:
        mask |= piece.within(window)
    return Crop.of(mask, window[:2])
