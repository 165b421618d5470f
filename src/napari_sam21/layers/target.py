"""Where objects go: a Labels layer the user picked, or a new one on commit."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from napari_sam21.core.delta import Delta
from napari_sam21.core.errors import LayerError
from napari_sam21.core.lanes import Lane
from napari_sam21.layers.ids import LabelIds
from napari_sam21.layers.output import (
    check_output,
    make_labels,
    make_room,
    write_object,
)
from napari_sam21.layers.planes import Plane
from napari_sam21.layers.source import read_plane

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels, Layer


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
        self.labels: Labels | None = None

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

    def prepare(self, image: Image) -> bool:
        """Make sure there is a layer that can take an object of an image.

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
            labels = make_labels(image)
            _add_below(self._viewer, image, labels)
            self._adopt(labels, largest=0)
        else:
            check_output(self.labels, image)
        if self._ids is None:
            return False
        self._ids.count()
        return self._ids.next is not None

    def write(
        self,
        plane: Plane,
        crop: tuple[npt.NDArray[np.bool_], tuple[int, int]],
        policy: str,
    ) -> tuple[Labels, Delta | None, str]:
        """Write an object under the next free label, after `prepare` said True.

        Parameters
        ----------
        plane : Plane
        crop : (array of bool, (int, int))
            Mask and its origin, plane frame.
        policy : str
            A key of `layers.output.POLICIES`.

        Returns
        -------
        labels : Labels
        delta : Delta or None
            What changed; None if the policy left nothing to write.
        word : str
            What the user should know about the layer; often empty.
        """
        labels, ids = self.labels, self._ids
        if labels is None or ids is None or ids.next is None:
            raise LayerError("no Labels layer is ready: commit again in a moment")
        ids.look_at(lambda: read_plane(labels.data, plane, rgb=False))
        value = ids.next
        word = make_room(labels, value)
        with ids.own_write():
            delta = write_object(labels, plane, *crop, value, policy)
        if delta is not None:
            ids.used(value)
        return labels, delta, word

    def own_write(self, labels: Labels) -> AbstractContextManager[None]:
        """Return a context for writes of ours that take no new label: undo and redo."""
        if self._ids is None or labels != self.labels:
            return nullcontext()
        return self._ids.own_write()

    def _adopt(self, labels: Labels | None, largest: int | None = None) -> None:
        if self._ids is not None:
            self._ids.close()
        self._lane.cancel()
        self.labels, self._ids = labels, None
        if labels is not None:
            self._ids = LabelIds(labels, self._lane, *self._callbacks, largest)


def _add_below(viewer: ViewerModel, image: Image, labels: Labels) -> None:
    """Add a layer right above the image, and leave the selection as it was."""
    active = viewer.layers.selection.active
    viewer.add_layer(labels)
    last = len(viewer.layers) - 1
    viewer.layers.move(last, viewer.layers.index(image) + 1)
    viewer.layers.selection.active = active
