"""The journal of one session: what is written, when, and how it is read again.

Lines are only ever added. When `Journal.add` returns, a line has left this process, so
that no crash of it loses the line; after `Journal.sync` no power cut does either. What
a crash cuts short is the last line, which is then left out. A lock says that somebody
is at it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from napari_sam21.core.errors import SessionError
from napari_sam21.session.lines import Line, from_line, to_line

FORMAT = 1
JOURNAL, LOCK = "journal.jsonl", "lock"
HEADER = "session"
"""Kind of the first record: what the session is about."""


class Journal:
    """Adds records to the journal of a session; from any thread.

    Parameters
    ----------
    folder : Path
        Made if it is not there, for the user alone (mode 0700).
    header : dict, optional
        Of a new session: plain values of JSON. None goes on with one that is there.

    Raises
    ------
    SessionError
        If the folder cannot be written, or another napari is writing to it.
    """

    def __init__(self, folder: Path, header: Line | None = None) -> None:
        self.folder = folder
        self._guard = threading.Lock()
        self._lock = FileLock(folder / LOCK)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
            if header is None:
                _cut_damage(folder / JOURNAL)
            self._file = (folder / JOURNAL).open("ab" if header is None else "xb")
        except Timeout as error:
            raise SessionError(
                f"the session in {folder} is open in another napari: close it there"
            ) from error
        except OSError as error:
            self._lock.release()
            raise SessionError(
                f"the session cannot be kept in {folder} ({error.strerror}): labels "
                "are not protected against a crash; make room or give permission there"
            ) from error
        if header is not None:
            self.add(HEADER, format=FORMAT, **header)

    def add(self, kind: str, **content: Any) -> None:
        """Add a record; it outlives this process when this returns.

        Raises
        ------
        SessionError
            If it cannot be written, for instance because the disk is full.
        """
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = to_line({"kind": kind, "time": now, **content})
        with self._guard:
            start = None
            try:
                start = self._file.tell()
                self._file.write(line)
                self._file.flush()
            except (OSError, ValueError) as error:  # ValueError: it was closed
                with suppress(OSError, ValueError):
                    self._file.truncate(start)
                raise SessionError(
                    f"the session in {self.folder} cannot be written to ({error}): "
                    "what you do from now on is not protected against a crash"
                ) from error

    def sync(self) -> None:
        """Wait until what was added is on the disk, as far as that can be told."""
        with suppress(OSError, ValueError):
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Let go of the file."""
        self.sync()
        with self._guard, suppress(OSError):
            self._file.close()
        self._lock.release()


@dataclass(frozen=True)
class Session:
    """A session as read from disk.

    Attributes
    ----------
    folder : Path
    header : dict
        What the first record says.
    records : tuple of dict
        The others, in order.
    damaged : int
        Lines that could not be read; 1 after a crash in the middle of a line.
    """

    folder: Path
    header: Line = field(repr=False)
    records: tuple[Line, ...] = field(repr=False)
    damaged: int = 0

    def of_kind(self, *kinds: str) -> Iterator[Line]:
        """Records of some kinds, in order."""
        return (each for each in self.records if each["kind"] in kinds)

    def last(self, kind: str) -> Line | None:
        """The last record of a kind."""
        found = list(self.of_kind(kind))
        return found[-1] if found else None


def read_session(folder: Path) -> Session:
    """Read a session.

    Raises
    ------
    SessionError
        If there is none, it is of a later version, or its first line is damaged.
    """
    try:
        raw = (folder / JOURNAL).read_bytes()
    except OSError as error:
        raise SessionError(
            f"{folder} holds no session ({error.strerror}); expected a folder with "
            f"{JOURNAL} in it"
        ) from error
    records, damaged = [], 0
    for line in raw.splitlines(keepends=True):
        try:
            records.append(from_line(line))
        except SessionError:
            damaged += 1
    if not records or records[0]["kind"] != HEADER:
        raise SessionError(f"{folder / JOURNAL} does not begin as a session: damaged")
    if records[0].get("format") != FORMAT:
        raise SessionError(
            f"{folder} has format {records[0].get('format')!r}, expected {FORMAT}: it "
            "was written by a later napari-sam21; update this one"
        )
    return Session(folder, records[0], tuple(records[1:]), damaged)


def is_open(folder: Path) -> bool:
    """Whether somebody, in this process or another, is writing to a session."""
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except (Timeout, OSError):
        return True
    lock.release()
    return False


def _cut_damage(path: Path) -> None:
    """Take away a last line that a crash cut short: the next would join it."""
    raw = path.read_bytes()
    if raw and not raw.endswith(b"\n"):
        os.truncate(path, raw.rfind(b"\n") + 1)
