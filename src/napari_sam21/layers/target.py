"""Where objects go: a Labels layer the user picked, or a new one on commit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_sam21.core.errors import LayerError
from napari_sam21.core.lanes import Lane
from napari_sam21.layers.batch import Batch, BatchWriting, largest_under
from napari_sam21.layers.ids import LabelIds
from napari_sam21.layers.label_array import LabelArray
from napari_sam21.layers.making import make_labels
from napari_sam21.layers.output import check_output, make_room
from napari_sam21.layers.planes import Plane
from napari_sam21.layers.writing import NAPARI_PIXELS, Steps, Writing, box_of

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Layer

NEW, ADD, REPLACE, CLASS, ERASE = "new", "add", "replace", "class", "erase"
KINDS = (NEW, ADD, REPLACE, CLASS, ERASE)
"""What a commit writes: a new label; more of the selected one; the selected one, in
place of what it was on this plane; the label of the chosen class; or nothing there."""

EVERYWHERE = "overwrite"
"""The policy of erasing: labels are what it is for."""


class OutputTarget:
    """The output of one viewer.

    Parameters
    ----------
    viewer : napari.Viewer
    lane : Lane
        Where existing labels are counted.
    ready : callable
        Called once they are counted.
    failed : callable
        Gets the exception of a count that failed.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        lane: Lane,
        ready: Callable[[], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._viewer = viewer
        self._lane = lane
        self._callbacks = (ready, failed)
        self._ids: LabelIds | None = None
        self._reserved: tuple[Plane, int] | None = None
        self._given: dict[Any, int] = {}  # the largest label so far, by layer
        self.labels: Labels | None = None

    @property
    def is_empty(self) -> bool:
        """Whether the layer is known to hold no label yet."""
        return self._ids is not None and self._ids.next == 1

    def use(self, labels: Labels | None) -> None:
        """Write to a layer from now on; None makes a new one at the next commit."""
        if labels is self.labels or (labels is not None and labels == self.labels):
            return
        self._adopt(labels)

    def forget(self, layer: Layer) -> bool:
        """Let go of a layer that left the viewer; return whether it was this one."""
        ours = self.labels is not None and bool(layer == self.labels)
        if ours:
            self._adopt(None)
        return ours

    def close(self) -> None:
        """Stop listening."""
        self._adopt(None)

    def prepare(self, image: Image, folder: Path | None = None) -> bool:
        """Make sure there is a layer that can take an object of an image.

        Parameters
        ----------
        image : Image
        folder : pathlib.Path, optional
            Where a layer is kept that is made now; by default in memory.

        Returns
        -------
        bool
            False while its labels are still being counted.

        Raises
        ------
        LayerError
            If the layer cannot take it.
        """
        if self.labels is None:
            labels = make_labels(image, folder)
            add_below(self._viewer, image, labels)
            self._adopt(labels, largest=0)
        else:
            check_output(self.labels, image)
        if self._ids is None:
            return False
        self._ids.count()
        return self._ids.next is not None

    def begin(
        self,
        plane: Plane,
        crop: tuple[npt.NDArray[np.bool_], tuple[int, int]],
        policy: str,
        kind: str = NEW,
        class_id: int | None = None,
    ) -> tuple[Writing, str]:
        """Begin to write an object, after `prepare` said True.

        Parameters
        ----------
        plane : Plane
        crop : (array of bool, (int, int))
            Mask and its origin, plane frame.
        policy : str
            A key of `layers.writing.POLICIES`.
        kind : str
            One of `KINDS`.
        class_id : int or None
            The label to write, if the kind is `CLASS`.

        Returns
        -------
        writing : Writing
            To be done with `steps`.
        word : str
            What the user should know about the layer; often empty.

        Raises
        ------
        LayerError
            If no layer is ready, or there is no label to add to.
        """
        labels, ids = self.labels, self._ids
        if labels is None or ids is None or ids.next is None:
            raise LayerError("no Labels layer is ready: commit again in a moment")
        if kind == NEW and crop[0].size <= NAPARI_PIXELS:
            ids.used(_largest_in_box(labels, plane, crop))
        free = self._free(plane, ids.next) if kind == NEW else ids.next
        value = _value(kind, labels, free) if class_id is None else class_id
        with ids.writing():
            word = make_room(labels, value)
        policy = EVERYWHERE if kind == ERASE else policy
        return Writing(labels, plane, *crop, value, policy), word

    def begin_batch(
        self, batch: Batch, policy: str, class_id: int | None = None
    ) -> tuple[BatchWriting, str]:
        """Begin to write many objects, after `prepare` said True; see `begin`.

        With a class, all of them get its label.
        """
        labels, ids = self.labels, self._ids
        if labels is None or ids is None or ids.next is None:
            raise LayerError("no Labels layer is ready: commit again in a moment")
        ids.used(largest_under(labels, batch.pieces))
        first, count = ids.next, len(batch)
        if class_id is not None:
            first, count = class_id, 1
        last = max((first + count - 1, *batch.known.values()))
        with ids.writing():
            word = make_room(labels, last)
        ids.used(last)
        return BatchWriting(labels, batch, policy, first, class_id is not None), word

    def reserve(self, plane: Plane | None, value: int) -> None:
        """Have the next new label on a plane be this one, which was taken out."""
        self._reserved = None if plane is None else (plane, value)

    def _free(self, plane: Plane, free: int) -> int:
        """The next new label of a plane; one that is reserved is given once."""
        reserved, self._reserved = self._reserved, None
        return reserved[1] if reserved is not None and reserved[0] == plane else free

    def steps(self, writing: Writing) -> Steps:
        """Do a writing; its label is taken from then on."""
        self.used(writing.value)
        return writing.steps()

    def used(self, value: int) -> None:
        """Give no new object this label, not even when nothing has it any more."""
        if self._ids is not None:
            self._ids.used(value)

    def quietly(self, steps: Steps) -> Steps:
        """Do steps of our own; no edit of others is looked for meanwhile."""
        ids = self._ids
        if ids is None:
            yield from steps
            return
        while True:
            with ids.writing():
                try:
                    written = next(steps)
                except StopIteration:
                    return
            yield written

    def _adopt(self, labels: Labels | None, largest: int | None = None) -> None:
        if self._ids is not None and self.labels is not None:
            self._given[self.labels.unique_id] = self._ids.least
            self._ids.close()
        self._lane.cancel()
        self.labels, self._ids, self._reserved = labels, None, None
        if labels is not None:
            self._ids = LabelIds(
                labels, self._viewer.dims, self._lane, *self._callbacks, largest
            )
            self._ids.used(self._given.get(labels.unique_id, 0))


def add_below(viewer: ViewerModel, image: Image, labels: Labels) -> None:
    """Add a layer right above the image, and leave the selection as it was."""
    active = viewer.layers.selection.active
    viewer.add_layer(labels)
    last = len(viewer.layers) - 1
    viewer.layers.move(last, viewer.layers.index(image) + 1)
    viewer.layers.selection.active = active


def _value(kind: str, labels: Labels, free: int) -> int:
    """The label a commit writes."""
    if kind == NEW:
        return free
    chosen = 0 if kind == ERASE else int(labels.selected_label)
    if kind in (ADD, REPLACE) and chosen == 0:
        raise LayerError(
            f"no label of {labels.name!r} is selected: set “label” among the "
            "layer controls, or commit as a new label"
        )
    return chosen


def _largest_in_box(
    labels: Labels, plane: Plane, crop: tuple[npt.NDArray[np.bool_], tuple[int, int]]
) -> int:
    """The largest label where an object goes: it is read anyway, and costs nothing."""
    box, _ = box_of(plane, *crop)
    return int(LabelArray.of(labels).read(box).max(initial=0))
