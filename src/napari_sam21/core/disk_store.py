"""Embeddings kept on disk: one file each, least recently used out, no locks.

Several processes may share a folder, for each step is one that the file system takes
as a whole: an entry appears complete by a rename, and goes by an unlink, which leaves
who is reading it at peace. Who deletes what another one has deleted, goes on.

What was used when is told by the files' times of modification. A clock may go back, so
a time that is set lies always after the newest that was seen in the folder.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import re
import shutil
import stat
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from napari_sam21.core.embedding import Embedding
from napari_sam21.core.entry import (
    VERSION,
    DamagedEntryError,
    pack,
    packed_size,
    read_whole,
    unpack,
)

LOG = logging.getLogger(__name__)

LARGEST_BUDGET = 4 * 10**9
"""Bytes on disk at most, if nobody says: about 240 embeddings of 16.8 MB."""
FREE_SHARE = 10
"""At most a tenth of what would be free without the store."""
TICK = 1_000
"""Nanoseconds between two uses that must be told apart; Windows knows hundreds."""
ABANDONED = 3600 * 10**9
"""Nanoseconds after which a temporary file is nobody's: its writer was killed."""
ATTEMPTS = 20
"""How often a write meets another process that deletes the folder, at most."""
PART, SUFFIX = ".part-", ".sam21emb"
NAME = re.compile(r"([0-9a-f]{64}|\.part-\w+)\.sam21emb")
"""What we write; every other file in the folder is left alone."""

_ABSENT = (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError)
"""What reading an entry raises that is not there, or that Windows is just replacing."""
_FOLDER_GOES = (FileNotFoundError, FileExistsError)
"""What writing raises while the folder is deleted: ``mkdir`` finds it there, then gone.

A file in the folder's place raises the second one as well, and on every attempt.
"""


class _Kept(NamedTuple):
    """A file of the store: when it was last used (ns), its path and bytes."""

    used: int
    path: Path
    size: int

    @property
    def is_part(self) -> bool:
        return self.path.name.startswith(PART)


class DiskStore:
    """Embeddings in a folder, bounded in bytes; from any thread, of any process.

    Nothing but its own files is read, counted or deleted. The folder is made when the
    first embedding is kept, for the user alone (mode 0700). Faults of the disk never
    reach the caller: the first one ends the store for this session, and is told once.

    Parameters
    ----------
    folder : Path
    budget : int, optional
        Bytes at most; 0 keeps nothing. Default: 4 GB or a tenth of the free disk,
        whichever is less, looked up when it is first needed.

    Attributes
    ----------
    tell : callable, optional
        Gets the one message, in whatever thread met the fault; it is logged as well.
    """

    def __init__(self, folder: Path, budget: int | None = None) -> None:
        self.folder = Path(folder)
        self.tell: Callable[[str], None] | None = None
        self._budget = budget
        self._is_own_budget = budget is None
        self._lock = threading.Lock()
        self._newest = 0
        self._problem: str | None = None

    @property
    def problem(self) -> str | None:
        """Why the store keeps nothing any more in this session; None if it does."""
        return self._problem

    @property
    def budget(self) -> int:
        """Bytes kept at most."""
        if self._budget is None:
            self._budget = _default_budget(self.folder, self.nbytes)
        return self._budget

    @property
    def nbytes(self) -> int:
        """Bytes of the store's files now; 0 if the folder cannot be read."""
        try:
            return sum(each.size for each in self._scan())
        except OSError:
            return 0

    def get(self, key: str) -> Embedding | None:
        """Return the embedding of a key, and count it as just used.

        None if it is not there. A damaged entry is deleted, and is not there.
        """
        if self._is_off():
            return None
        path = self._path(key)
        try:
            with path.open("rb") as file:
                content = read_whole(file, os.fstat(file.fileno()).st_size)
            found = unpack(content, key)
        except _ABSENT:
            return None
        except DamagedEntryError as error:
            LOG.info("%s is dropped: %s", path, error)
            _delete(path)
            return None
        except OSError as error:
            self._stop("read from", error)
            return None
        self.touch(key)
        return found

    def has(self, key: str) -> bool:
        """Whether there is an entry, whole or not; counts it as just used."""
        if self._is_off() or not self._path(key).is_file():
            return False
        self.touch(key)
        return True

    def put(self, embedding: Embedding) -> None:
        """Keep an embedding, unless it alone exceeds the budget."""
        if self._is_off():
            return
        pieces = pack(embedding)
        try:
            if self._is_within(packed_size(pieces)):
                self._keep(pieces, self._path(embedding.key))
        except OSError as error:
            self._stop("written to", error)

    def touch(self, key: str) -> None:
        """Count an entry as just used, if it is there."""
        with suppress(OSError):  # read-only, or gone: then it is no matter
            self._stamp(self._path(key))

    def clear(self) -> None:
        """Delete every file of the store, and the folder if that leaves it empty.

        Raises
        ------
        OSError
            If the folder cannot be read, or a file cannot be deleted.
        """
        with suppress(FileNotFoundError):
            for each in self._scan():
                each.path.unlink(missing_ok=True)
            with suppress(OSError):  # something else is in it
                self.folder.rmdir()

    # --- files -------------------------------------------------------------------

    def _path(self, key: str) -> Path:
        """A key as a name that any system takes; formats do not meet in a file."""
        digest = hashlib.sha256(f"{VERSION}\n{key}".encode()).hexdigest()
        return self.folder / f"{digest}{SUFFIX}"

    def _keep(self, pieces: list[bytes | memoryview], path: Path) -> None:
        """Write an entry; again, if another process deletes the folder meanwhile."""
        for attempt in range(ATTEMPTS):
            try:
                self._make_folder()
                self._make_room(packed_size(pieces), path)
                _write(pieces, path)
            except _FOLDER_GOES:
                if attempt == ATTEMPTS - 1:
                    raise
            else:
                break
        with suppress(FileNotFoundError):  # deleted already
            self._stamp(path)
        self._make_room()  # another process may have taken the same room

    def _make_folder(self) -> None:
        """Make the folder for the user alone; one that is there stays as it is."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        self.folder.mkdir(mode=0o700, exist_ok=True)

    def _stamp(self, path: Path) -> None:
        """Mark a file as used later than every other one that was seen."""
        if not self._newest:
            self._scan()
        with self._lock:
            self._newest = stamp = max(time.time_ns(), self._newest + TICK)
        os.utime(path, ns=(stamp, stamp))

    def _make_room(self, size: int = 0, replaced: Path | None = None) -> None:
        """Delete what was left behind, then the least recently used, for some bytes."""
        kept = sorted(each for each in self._scan() if each.path != replaced)
        total = sum(each.size for each in kept) + size
        now = time.time_ns()
        for each in kept:
            if each.is_part:
                # From the future means a clock that went back: abandoned as well.
                surplus = abs(now - each.used) > ABANDONED
            else:
                surplus = total > self.budget
            if surplus and _delete(each.path):
                total -= each.size

    def _scan(self) -> list[_Kept]:
        """List the store's files; learn the newest time, of other processes too."""
        try:
            with os.scandir(self.folder) as entries:
                found = [each for each in map(_look_at, entries) if each is not None]
        except FileNotFoundError:
            return []
        newest = max((each.used for each in found if not each.is_part), default=0)
        with self._lock:
            self._newest = max(self._newest, newest)
        return found

    # --- faults ------------------------------------------------------------------

    def _is_off(self) -> bool:
        is_switched_off = self._budget == 0 and not self._is_own_budget
        return is_switched_off or self._problem is not None

    def _is_within(self, size: int) -> bool:
        """Whether an entry can be kept; a disk too full for any is told."""
        if size <= self.budget:
            return True
        if self._is_own_budget:
            full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._stop("written to", full)
        return False

    def _stop(self, what: str, error: OSError) -> None:
        """Keep nothing from now on, and say so once."""
        with self._lock:
            if self._problem is not None:
                return
            self._problem = (
                "Embeddings are not kept on disk any more in this session: "
                f"{self.folder} cannot be {what} ({error.strerror or error}). Clicks "
                "work as before, but what is not in memory is encoded anew. Make room "
                "there or choose another folder, and start again."
            )
        LOG.warning(self._problem)
        if self.tell is not None:
            self.tell(self._problem)


def _look_at(entry: os.DirEntry[str]) -> _Kept | None:
    """Return a file of ours; None for others, and for what is just going."""
    if NAME.fullmatch(entry.name) is None:
        return None
    try:
        found = entry.stat(follow_symlinks=False)
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return _Kept(found.st_mtime_ns, Path(entry.path), found.st_size)


def _delete(path: Path) -> bool:
    """Delete a file; whether it is gone. Windows keeps what another process reads."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True


def _write(pieces: list[bytes | memoryview], path: Path) -> None:
    """Write under a temporary name, then rename: a name never means half an entry.

    Without fsync: what a power cut leaves is caught by the checksum.
    """
    handle, name = tempfile.mkstemp(SUFFIX, PART, path.parent)
    part = Path(name)
    try:
        with open(handle, "wb") as file:
            file.writelines(pieces)
        _move(part, path)
    finally:
        _delete(part)


def _move(part: Path, path: Path) -> None:
    """Give an entry its name, unless another process has done it."""
    try:
        part.replace(path)
    except PermissionError:  # Windows does not replace what is being read
        if not path.exists():
            raise


def _default_budget(folder: Path, held: int) -> int:
    """Bytes: 4 GB, or a tenth of what would be free without the store."""
    there = folder
    try:
        while not there.exists() and there != there.parent:
            there = there.parent
        free = shutil.disk_usage(there).free
    except OSError:  # what is wrong will be told when it is written to
        return LARGEST_BUDGET
    return min(LARGEST_BUDGET, (free + held) // FREE_SHARE)
