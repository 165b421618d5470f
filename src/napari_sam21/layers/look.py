"""How the model is shown an image: a choice, remembered for each image."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari.layers import Image

SHOWN, STRETCHED, COMPOSITE = "shown", "stretched", "composite"
MODES: Mapping[str, str] = {
    SHOWN: "As shown",
    STRETCHED: "Percentiles 0.1–99.9",
    COMPOSITE: "Composite…",
}
"""Ways to show an image, and what people read."""

COLOURS = ("Red", "Green", "Blue")
"""Channels of a composite, in the model's order."""


@dataclass(frozen=True)
class Look:
    """A choice for one image.

    Attributes
    ----------
    mode : str
        A key of `MODES`. *As shown*: by the layer's contrast limits and gamma.
        *Percentiles*: by robust limits of the region that the model is shown, so that
        nothing else has to be read and each region has one picture, whatever the
        layer's limits are.
    channels : tuple of three (id or None)
        Which layers are red, green and blue of a composite: their ``unique_id``, so
        that a choice keeps no layer alive that the user removed.
    """

    mode: str = SHOWN
    channels: tuple[Hashable, ...] = (None, None, None)


class Looks:
    """The choices of a session; images that were not chosen for are as shown."""

    def __init__(self) -> None:
        self._chosen: dict[Hashable, Look] = {}

    def of(self, image: Image) -> Look:
        """Return the choice for an image."""
        return self._chosen.get(image.unique_id, Look())

    def keep(self, image: Image, look: Look) -> None:
        """Remember the choice for an image."""
        self._chosen[image.unique_id] = look


@cache
def session_looks() -> Looks:
    """Return the choices that all docks of this process share."""
    return Looks()
