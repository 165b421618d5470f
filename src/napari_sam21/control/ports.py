"""What the editor needs of others: the program it runs in, and who listens to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from napari_sam21.control.questions import Asker
from napari_sam21.core.retouch import Retouch
from napari_sam21.layers.planes import Plane
from napari_sam21.layers.prompts import Mark


class Host(Asker, Protocol):
    """What is needed of the program this runs in."""

    def deliver(self, call: Callable[[], None]) -> object:
        """Run a call in the thread that owns the layers, soon; from any thread."""

    def soon(self, call: Callable[[], None], milliseconds: int = 0) -> None:
        """Run a call in the owner's thread, after what runs now, or a while later."""

    def debounced(
        self, call: Callable[[], None], milliseconds: int
    ) -> Callable[[], object]:
        """Return a call that runs once its callers were quiet for a while."""


class Listener(Protocol):
    """Who hears of what happens in the editor."""

    def prompts_edited(
        self, before: tuple[Mark, ...], after: tuple[Mark, ...], word: str
    ) -> None:
        """The user changed the points; the word is for the status."""

    def preview_brushed(
        self, plane: Plane, before: Retouch | None, after: Retouch
    ) -> None:
        """The user brushed the preview; the strokes over it, before and now."""

    def editor_changed(self) -> None:
        """Something to show has changed."""

    def view_moved(self) -> None:
        """Another slice, contrast or orientation is on show."""

    def say(self, message: str) -> None:
        """There is a word to the user."""

    def failed(self, error: BaseException) -> None:
        """A run in the background raised."""
