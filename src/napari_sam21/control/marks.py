"""The points of one image: what is known of them, and the layer that shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sam21.layers.planes import Plane, is_inside
from napari_sam21.layers.prompts import Mark, PromptsLayer, without_lone_corner

if TYPE_CHECKING:
    from napari.layers import Image

OUTSIDE = "That point was outside the image, so it was taken away."


class Marks:
    """Points, ahead of their layer for a moment after a commit.

    Parameters
    ----------
    prompts : PromptsLayer

    Attributes
    ----------
    now : tuple of Mark
        The points as they count.
    """

    def __init__(self, prompts: PromptsLayer) -> None:
        self._prompts = prompts
        self._behind: tuple[Mark, ...] | None = None
        self.now = prompts.marks

    def elsewhere(self, plane: Plane | None) -> tuple[Mark, ...]:
        """Return the points that are not on a plane."""
        if plane is None:
            return self.now
        return tuple(m for m in self.now if plane.point_rc(m.position) is None)

    def show(self, marks: tuple[Mark, ...]) -> None:
        """Replace all points."""
        self.now, self._behind = marks, None
        self._prompts.show(marks)

    def leave(self, kept: tuple[Mark, ...]) -> None:
        """Let the others go; the layer follows by `catch_up`."""
        self._behind, self.now = (self._behind or ()) + self.now, kept

    def catch_up(self) -> bool:
        """Bring the layer in line; return whether it was behind."""
        if self._behind is None:
            return False
        self.show(self.now)
        return True

    def read(self, image: Image, plane: Plane | None) -> str:
        """Take over what the user did to the layer.

        Returns
        -------
        str
            What the user should know; often empty.
        """
        found, word = self._of_layer(), ""
        kept = tuple(mark for mark in found if is_inside(mark.position, image))
        if kept != found:
            word = OUTSIDE
        if plane is not None:
            kept = without_lone_corner(kept, plane)
        if kept != found:
            self._prompts.show(kept)
        self.now = kept
        return word

    def _of_layer(self) -> tuple[Mark, ...]:
        """The points on show, without those that wait to be cleared away."""
        found = self._prompts.marks
        if self._behind is None:
            return found
        new = tuple(mark for mark in found if mark not in self._behind)
        self.show(self.now + new)
        return self.now
