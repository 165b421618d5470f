"""Which Labels layer the objects of each image go to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_sam21.core.errors import LayerError
from napari_sam21.layers.output import check_output

if TYPE_CHECKING:
    from napari.layers import Image, Labels, Layer


class Outputs:
    """The output of each image; what the user picked serves others that it fits."""

    def __init__(self) -> None:
        self._used: dict[Any, Labels] = {}
        self._picked: Labels | None = None

    def pick(self, labels: Labels | None, image: Image | None) -> None:
        """Note what the user chose; None forgets what an image had.

        Raises
        ------
        LayerError
            If objects of the image cannot be written to that layer.
        """
        self._picked = labels
        if image is None:
            return
        if labels is None:
            self._used.pop(image.unique_id, None)
        else:
            check_output(labels, image)

    def of(self, image: Image) -> Labels | None:
        """Return the layer that an image's objects go to; None makes a new one."""
        if image.unique_id in self._used:
            return self._used[image.unique_id]
        try:
            if self._picked is not None:
                check_output(self._picked, image)
        except LayerError:
            return None
        return self._picked

    def keep(self, image: Image, labels: Labels | None) -> None:
        """Remember, on leaving an image, what it was written to."""
        if labels is not None:
            self._used[image.unique_id] = labels

    def forget(self, layer: Layer) -> None:
        """Let go of a layer that left the viewer."""
        self._used = {key: each for key, each in self._used.items() if each != layer}
        if self._picked is not None and layer == self._picked:
            self._picked = None
