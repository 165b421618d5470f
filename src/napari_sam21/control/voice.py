"""What the user is told: one word at a time, until the next step."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from psygnal import Signal

from napari_sam21.control.commits import Committer
from napari_sam21.core.errors import Sam21Error

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Word:
    """A word to the user.

    Attributes
    ----------
    text : str
        Empty if there is nothing to say.
    problem : bool
        Whether it is about something to mend.
    """

    text: str = ""
    problem: bool = False


class Voice:
    """Says what happened, and tells who listens that there is something to show."""

    changed = Signal()
    commits: Committer
    word = Word()

    def say(self, message: str, problem: bool = False) -> None:
        """Set the status until the next step."""
        self.word = Word(message, problem)
        self.changed.emit()

    def view_moved(self) -> None:
        """What was said is about another view."""
        self.say("")

    def editor_changed(self) -> None:
        """Tell who listens."""
        self.changed.emit()

    def failed(self, error: BaseException) -> None:
        """Tell the user what a run in the background raised."""
        self.commits.stop_waiting()
        known = isinstance(error, Sam21Error)
        if not known:
            LOG.error("a run in the background failed", exc_info=error)
        self.say(str(error) if known else repr(error), problem=True)
