"""Sessions on this machine: where each lies, which are left, and how long they stay."""

from __future__ import annotations

import logging
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from napari_sam21.core.errors import SessionError
from napari_sam21.session.identity import Identity
from napari_sam21.session.journal import JOURNAL, Session, is_open, read_session

LOG = logging.getLogger(__name__)
KEPT = 50
"""Sessions that stay at most; the oldest go first."""
BUDGET = 10**9
"""Bytes of sessions that stay at most."""
PREFIX = "session-"
SAFE = ("saved", "closed")
"""Kinds of records after which nothing would be lost."""
WORK = ("change", "prompts")
"""Kinds of records that tell of work; of prompts only if there are any."""


@dataclass(frozen=True)
class Left:
    """A session that was left behind: where, when it was last written, its bytes."""

    folder: Path
    modified: float
    size: int


def new_folder(shelf: Path) -> Path:
    """Name a folder for a new session; it is not made yet."""
    now = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    return shelf / f"{PREFIX}{now}-{uuid.uuid4().hex[:8]}"


def sessions(shelf: Path) -> list[Left]:
    """List the sessions of a folder, newest first."""
    return sorted(_found(shelf), key=lambda each: each.modified, reverse=True)


def _found(shelf: Path) -> Iterator[Left]:
    if not shelf.is_dir():
        return
    for path in shelf.glob(f"{PREFIX}*/{JOURNAL}"):
        try:
            known = path.stat()
        except OSError:
            continue
        yield Left(path.parent, known.st_mtime, known.st_size)


def unfinished(shelf: Path, image: Identity) -> list[Left]:
    """List the sessions on an image that were not closed well, newest first.

    A session is closed well when its labels were saved, or left on purpose.
    """
    return [each for each in sessions(shelf) if _is_unfinished(each, image)]


def _is_unfinished(left: Left, image: Identity) -> bool:
    if is_open(left.folder):
        return False
    try:
        session = read_session(left.folder)
    except SessionError as error:
        LOG.info("%s", error)
        return False
    if not has_unsaved(session):
        return False
    return image.is_that_of(session.header.get("image"))


def has_unsaved(session: Session) -> bool:
    """Whether something happened after the labels were saved or left on purpose."""
    unsaved = False
    for each in session.records:
        if each["kind"] in SAFE:
            unsaved = False
        elif each["kind"] in WORK:
            unsaved = unsaved or bool(each.get("marks", True))
    return unsaved


def tidy(shelf: Path, kept: int = KEPT, budget: int = BUDGET) -> None:
    """Delete what is beyond a number and a size; none that is open.

    Those go first whose labels are safe: of images that are gone, then the oldest.
    Work that was not saved goes last.
    """
    found = sessions(shelf)
    total = sum(each.size for each in found)
    if len(found) <= kept and total <= budget:
        return
    surplus = sum(not is_open(each.folder) for each in found[kept:])
    closed = [each for each in found if not is_open(each.folder)]
    for each in sorted(closed, key=_worth):
        if surplus <= 0 and total <= budget:
            return
        shutil.rmtree(each.folder, ignore_errors=True)
        surplus, total = surplus - 1, total - each.size


def _worth(left: Left) -> tuple[bool, bool, float]:
    """What it would be to lose a session; the least comes first."""
    try:
        session = read_session(left.folder)
    except SessionError:
        return False, False, left.modified
    path = session.header.get("image", {}).get("path")
    unsaved = has_unsaved(session)
    # A drive that is not plugged in is no reason to delete work.
    there = unsaved or path is None or Path(path).exists()
    return unsaved, there, left.modified


@dataclass(frozen=True)
class Closed:
    """A session that nobody has open.

    Attributes
    ----------
    folder : Path
    size : int
        Bytes.
    image : str
        Name of the image.
    unsaved : bool
        Whether it holds labels that are nowhere else.
    """

    folder: Path
    size: int
    image: str
    unsaved: bool


def closed_sessions(shelf: Path) -> list[Closed]:
    """List the sessions that may be deleted, newest first."""
    return [_closed(each) for each in sessions(shelf) if not is_open(each.folder)]


def _closed(left: Left) -> Closed:
    try:
        session = read_session(left.folder)
    except SessionError:
        return Closed(left.folder, left.size, "damaged", False)
    name = str(session.header.get("image", {}).get("name") or "an image")
    return Closed(left.folder, left.size, name, has_unsaved(session))
