"""What a commit has to know of labels that are there; the register answers it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import numpy as np

from napari_sam21.core.crops import Crop
from napari_sam21.layers.planes import Plane

if TYPE_CHECKING:
    from napari.layers import Labels


class Places(Protocol):
    """Where labels are, and what they mean."""

    def stop_waiting(self) -> None:
        """Forget what waits for the count."""

    def known(self, labels: Labels, again: Callable[[], None]) -> bool:
        """Whether it is known where labels are; else `again` is called when it is."""

    def crop(self, labels: Labels, label: int, plane: Plane) -> Crop:
        """Return where a label is on a plane, once `known` said True."""

    def check_class(self, labels: Labels, value: int) -> None:
        """Raise `LayerError` if a class's label is that of an object."""


class Nowhere:
    """No label is anywhere: until there is a register."""

    def stop_waiting(self) -> None:
        """Forget what waits for the count."""

    def known(self, labels: Labels, again: Callable[[], None]) -> bool:
        """Nothing has to be found out."""
        return True

    def crop(self, labels: Labels, label: int, plane: Plane) -> Crop:
        """Return nothing."""
        return Crop.of(np.zeros((0, 0), bool))

    def check_class(self, labels: Labels, value: int) -> None:
        """Allow it."""
