"""Labels of a session that was not closed well: offered once, on its image."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_sam21.control.ports import Host
from napari_sam21.control.questions import Question
from napari_sam21.core.errors import SessionError
from napari_sam21.core.lanes import Lane
from napari_sam21.core.runtime import Cancellation
from napari_sam21.layers.describe import image_identity
from napari_sam21.session.journal import Session, read_session
from napari_sam21.session.shelf import Left, unfinished

if TYPE_CHECKING:
    from napari.layers import Image

RESTORE, DISCARD = "restore", "discard"
TEXT = (
    "There is work on this image that was not saved: {objects} of {when}. It can be "
    "brought back as a new Labels layer, and gone on with."
)

Restored = Callable[["Image", Session], None]


class Restorer:
    """Looks for unfinished sessions, and asks what becomes of them.

    Parameters
    ----------
    shelf : Path or None
        Folder of all sessions; None never finds one.
    host : Host
    restored : callable
        Gets the image and the session that its user wants back.
    failed : callable
        Gets what went wrong.
    """

    def __init__(
        self,
        shelf: Path | None,
        host: Host,
        restored: Restored,
        failed: Callable[[BaseException], None],
    ) -> None:
        self._shelf, self._host = shelf, host
        self._restored, self._failed = restored, failed
        self._lane = Lane("sam21-sessions", host.deliver)
        self._asked: set[Path] = set()

    def close(self) -> None:
        """Stop looking."""
        self._lane.close()

    def look_for(self, image: Image) -> None:
        """Ask, soon, about the newest unfinished session on an image."""
        shelf = self._shelf
        if shelf is None or not shelf.is_dir():
            return

        def look(cancel: Cancellation) -> tuple[Left, Session] | None:
            known = image_identity(image)
            for left in unfinished(shelf, known):
                cancel.raise_if_wished()
                if left.folder not in self._asked:
                    return left, read_session(left.folder)
            return None

        self._lane.submit(look, partial(self._found, image), self._failed)

    def _found(self, image: Image, found: tuple[Left, Session] | None) -> None:
        if found is None:
            return
        left, session = found
        self._asked.add(left.folder)
        question = Question(
            "Restore labels?",
            TEXT.format(objects=_objects(session), when=_when(left)),
            {RESTORE: "Restore", DISCARD: "Delete it"},
        )
        self._host.ask(question, partial(self._answered, image, session))

    def _answered(self, image: Image, session: Session, answer: str | None) -> None:
        if answer == DISCARD:
            shutil.rmtree(session.folder, ignore_errors=True)
        elif answer == RESTORE:
            try:
                self._restored(image, session)
            except SessionError as error:
                self._failed(error)


def _objects(session: Session) -> str:
    """Say how much there is: commits that were not undone, about."""
    ids: set[Any] = set()
    for line in session.of_kind("change"):
        number = line.get("object", {}).get("id")
        (ids.discard if line.get("cause") == "undo" else ids.add)(number)
    count = len(ids - {None})
    return "1 object" if count == 1 else f"{count} objects"


def _when(left: Left) -> str:
    return datetime.fromtimestamp(left.modified).strftime("%d %b %Y, %H:%M")
