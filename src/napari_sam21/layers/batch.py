"""Many objects on their way into a Labels layer, as one step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from napari_sam21.core.automatic.objects import MIN_VISIBLE
from napari_sam21.core.cleaning import Cleaning, clean_object
from napari_sam21.core.crops import Crop, slices
from napari_sam21.core.delta import Delta
from napari_sam21.layers.label_array import LabelArray
from napari_sam21.layers.planes import Plane
from napari_sam21.layers.writing import (
    INSIDE,
    KEEP,
    OVERWRITE,
    Steps,
    Writing,
    allowed,
    box_of,
    drawing,
)

if TYPE_CHECKING:
    from napari.layers import Labels


@dataclass(frozen=True, eq=False)
class PlaneLabels:
    """The labels of one plane, read window by window.

    Attributes
    ----------
    array : LabelArray
    plane : Plane
    """

    array: LabelArray
    plane: Plane

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) of the plane."""
        return self.plane.shape

    def __getitem__(self, window: tuple[slice, slice]) -> npt.NDArray[np.integer]:
        displayed, hidden = self.plane.displayed, self.plane.hidden
        parts = dict(zip(displayed, window, strict=True))
        parts |= {axis: slice(at, at + 1) for axis, at in hidden}
        found = self.array.read(tuple(parts[axis] for axis in range(self.plane.ndim)))
        flat = np.squeeze(found, tuple(axis for axis, _ in hidden))
        return flat.T if displayed[0] > displayed[1] else flat

    def __array__(
        self, dtype: npt.DTypeLike | None = None, copy: bool | None = None
    ) -> npt.NDArray[np.integer]:
        return np.asarray(self[:, :], dtype)

    def crop(self, label: int) -> Crop:
        """Return where a label is; empty if it is not there."""
        return Crop.of(self[:, :] == label)


@dataclass(frozen=True, eq=False)
class Piece:
    """One object on one plane.

    Attributes
    ----------
    number : int
        Of the object, from 1; it may have pieces on several planes.
    plane : Plane
    crop : Crop
    score : float or None
        Predicted IoU, if it is known.
    points_rc : tuple of (float, float)
        The prompts that it answers, plane frame, if they are known.
    """

    number: int
    plane: Plane
    crop: Crop
    score: float | None = None
    points_rc: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, eq=False)
class Batch:
    """Objects that were found, and are not labels yet.

    Attributes
    ----------
    pieces : tuple of Piece
    known : mapping of int to int
        Objects that are labels already, by their number: the label gives way to the
        new mask, on the planes where there is one. The others become new labels.
    whole : bool
        Whether an object of which others leave less than half goes altogether.
    """

    pieces: tuple[Piece, ...]
    known: Mapping[int, int] = field(default_factory=dict)
    whole: bool = True

    def __len__(self) -> int:
        return len({piece.number for piece in self.pieces})

    def cleaned(self, cleaning: Cleaning) -> Batch:
        """Return the same objects, each mask cleaned."""
        if not cleaning:
            return self
        pieces = (
            replace(each, crop=clean_object(each.crop, cleaning))
            for each in self.pieces
        )
        return replace(self, pieces=tuple(pieces))


class BatchWriting:
    """The write of a batch.

    Parameters
    ----------
    labels : Labels
        With room for every label of ``values``.
    batch : Batch
    policy : str
        A key of `layers.writing.POLICIES`.
    first : int
        Label of the first new object; the next have the next.
    as_one : bool
        All new objects get that first label.

    Attributes
    ----------
    as_one : bool
    deltas : list of Delta
        What has changed so far, in order.
    planes : list of Plane
        Where each of them lies.
    scores : list of (float or None)
        Predicted IoU of what each of them wrote.
    values : dict of int to int
        Labels by the number of the object, of those that were written.
    """

    def __init__(
        self,
        labels: Labels,
        batch: Batch,
        policy: str,
        first: int,
        as_one: bool = False,
    ) -> None:
        self.labels = labels
        self.deltas: list[Delta] = []
        self.planes: list[Plane] = []
        self.scores: list[float | None] = []
        self.values: dict[int, int] = {}
        self._batch, self._policy, self._next = batch, policy, first
        self.as_one = as_one

    def steps(self) -> Steps:
        """Write, piece by piece, in place; then draw."""
        for piece in self._batch.pieces:
            if piece.number in self._batch.known:
                yield from self._clear(piece, self._batch.known[piece.number])
        for piece in self._batch.pieces:
            yield from self._put(piece)
        yield from drawing(self.labels)

    def _clear(self, piece: Piece, label: int) -> Steps:
        """Take a label off the plane where its new mask goes."""
        labels = PlaneLabels(LabelArray.of(self.labels), piece.plane)
        there = labels[slices(piece.crop.window)]
        free = allowed(self._rule(label), self.labels)(there) | (there == label)
        old = labels.crop(label)
        if old and (free & piece.crop.mask).any():
            writing = self._writing(piece.plane, old, 0, OVERWRITE)
            yield from self._done(writing, piece.plane, None)

    def _put(self, piece: Piece) -> Steps:
        label = self._batch.known.get(piece.number)
        value = label or self.values.get(piece.number, self._next)
        policy = self._rule(label)
        writing = self._writing(piece.plane, piece.crop, value, policy)
        left = writing.share()
        if left == 0 or (self._batch.whole and label is None and left < MIN_VISIBLE):
            return
        if label is None and piece.number not in self.values:
            self._next += not self.as_one
        self.values[piece.number] = value
        yield from self._done(writing, piece.plane, piece.score)

    def _rule(self, label: int | None) -> str:
        """The policy for an object: one that is a label already is inside of none."""
        known = label is not None
        return KEEP if known and self._policy == INSIDE else self._policy

    def _writing(self, plane: Plane, crop: Crop, value: int, policy: str) -> Writing:
        return Writing(self.labels, plane, crop.mask, crop.origin_rc, value, policy)

    def _done(self, writing: Writing, plane: Plane, score: float | None) -> Steps:
        yield from writing.steps_unseen()
        if writing.delta is not None:
            self.deltas.append(writing.delta)
            self.planes.append(plane)
            self.scores.append(score)


def largest_under(labels: Labels, pieces: Sequence[Piece]) -> int:
    """Return the largest label where objects go."""
    array = LabelArray.of(labels)
    boxes = (
        box_of(piece.plane, piece.crop.mask, piece.crop.origin_rc)[0]
        for piece in pieces
    )
    return max((int(array.read(box).max(initial=0)) for box in boxes), default=0)
