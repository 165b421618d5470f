"""One file over HTTP: resumed where it broke off, checked, and only then named.

pooch keeps the order of things: a temporary name, the digest, the final name. How the
bytes come is ours, because they should come in pieces that can be continued, be
counted, and be stopped.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from napari_sam21.core.runtime import Cancellation
from napari_sam21.models.bring import DiskError, disk_error, write
from napari_sam21.models.install import Progress
from napari_sam21.models.record import digest_of
from napari_sam21.models.stream import SourceError, Stream, streamed
from napari_sam21.models.table import Source

if TYPE_CHECKING:
    import requests

LOG = logging.getLogger(__name__)

REQUESTS = 2
"""To one source; the second continues what broke off, or begins anew."""

REMEDY = (
    "free some space there, or import a file that was downloaded elsewhere "
    "(napari-sam21 models import FILE)"
)


class TooMuch(SourceError):
    """More comes than the file can hold."""


class WrongBytes(SourceError):
    """A whole file came, of another digest.

    Attributes
    ----------
    found : str
        Its SHA-256, hexadecimal.
    """

    def __init__(self, found: str) -> None:
        super().__init__(f"it sent another file (SHA-256 {found})")
        self.found = found


def download(
    source: Source, folder: Path, progress: Progress, cancel: Cancellation
) -> Path:
    """Fetch the archive of a source.

    Parameters
    ----------
    source : Source
    folder : Path
        For the archive, and for what has come so far.
    progress : callable
    cancel : Cancellation

    Returns
    -------
    Path
        A file of the source's digest.

    Raises
    ------
    SourceError
        If this source cannot be reached, or gives something else.
    ModelError
        If the disk is full.
    Cancelled
        If ``cancel`` was called; what has come stays and is continued next time.
    """
    import pooch

    name = source.sha256[:16]
    getter = _Getter(source, folder / f"{name}.part", progress, cancel)
    with _quiet(pooch.get_logger()):
        try:
            path = pooch.retrieve(
                source.url,
                f"sha256:{source.sha256}",
                f"{name}{Path(source.file_name).suffix}",
                folder,
                downloader=getter,
            )
        except OSError as error:
            raise disk_error(folder, error, REMEDY) from error
    return Path(path)


class _Getter:
    """Brings bytes to a ``.part`` file, and the whole to where pooch wants it."""

    def __init__(
        self, source: Source, part: Path, progress: Progress, cancel: Cancellation
    ) -> None:
        self._source, self._part = source, part
        self._progress, self._cancel = progress, cancel

    def __call__(self, url: str, output_file: str, pooch: Any) -> None:
        """Bring the file, or what tells that it will not come from here."""
        for left in reversed(range(REQUESTS)):
            before = self._size()
            try:
                continued = self._get(url)
            except SourceError:
                # Again only if that can end otherwise: more came, or all was dropped.
                if not left or self._size() == before:
                    raise
                continue
            if self._is_whole():
                self._part.replace(output_file)
                return
            digest = digest_of(self._part)
            self._drop()
            if not continued:
                raise WrongBytes(digest)
            # What came before may have been of another file: once more, from the start.
        raise SourceError("what came in pieces does not fit together; try again")

    def _size(self) -> int:
        return self._part.stat().st_size if self._part.exists() else 0

    def _is_whole(self) -> bool:
        """Whether nothing is missing: only the final name was not given any more."""
        return self._part.exists() and digest_of(self._part) == self._source.sha256

    def _drop(self) -> None:
        try:
            self._part.unlink(missing_ok=True)
        except OSError:  # a virus scanner may be at it
            LOG.warning("%s is left behind", self._part)

    def _get(self, url: str) -> bool:
        """Ask once for what is missing; True if that continued what was there."""
        start = self._size()
        with streamed(url, self._cancel, start) as stream:
            head = stream.head()
            if head.status_code == 416 and self._is_whole():
                return True
            if head.status_code == 416 or not _fits(head, start):
                self._drop()
                raise SourceError("it does not continue what broke off; try again")
            _refuse_other_than_files(head)
            start = start if head.status_code == 206 else 0
            self._store(stream, start, _length(head))
        return start > 0

    def _store(self, stream: Stream, start: int, length: int) -> None:
        """Write what comes."""
        total = start + length if length else 0
        try:
            self._refuse_too_much(total)
            with self._opened(start) as file:
                for chunk in stream.chunks():
                    self._refuse_too_much(file.tell() + len(chunk))
                    write(file, chunk, self._part.parent, REMEDY)
                    self._tell(file.tell(), total)
                done = file.tell()
        except (DiskError, TooMuch):
            self._drop()  # a full disk needs its space more than we need what came
            raise
        if done < total:
            raise SourceError(f"the connection broke off after {done:,} bytes")

    def _tell(self, done: int, total: int) -> None:
        self._progress("Fetching", done, total or max(done, self._source.size))

    def _refuse_too_much(self, size: int) -> None:
        most = 2 * self._source.size + (1 << 20)
        if size > most:
            raise TooMuch(
                f"it sends {size:,} bytes or more, about {self._source.size:,} were "
                "expected"
            )

    def _opened(self, start: int) -> IO[bytes]:
        try:
            return self._part.open("ab" if start else "wb", buffering=0)
        except OSError as error:
            raise disk_error(self._part.parent, error, REMEDY) from error


def _fits(head: requests.Response, start: int) -> bool:
    """Whether an answer begins with the byte that was asked for, or with the first."""
    if head.status_code != 206:
        return True
    span = re.match(r"bytes (\d+)-", head.headers.get("Content-Range", ""))
    return span is not None and int(span[1]) == start


def _length(head: requests.Response) -> int:
    """Bytes that are announced; 0 if none, or if they are counted in packed form."""
    text = head.headers.get("Content-Length", "")
    packed = "Content-Encoding" in head.headers
    return int(text) if text.isdecimal() and not packed else 0


def _refuse_other_than_files(head: requests.Response) -> None:
    if head.status_code not in (200, 206):
        raise SourceError(f"it answered {head.status_code} {head.reason}")
    if head.headers.get("Content-Type", "").startswith("text/html"):
        raise SourceError(
            "it sent a web page in place of the file; the network may ask for a login"
        )


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """Keep pooch from writing to the terminal about what this thread fetches."""
    here = threading.get_ident()

    def is_other(record: logging.LogRecord) -> bool:
        return record.thread != here or record.levelno >= logging.WARNING

    logger.addFilter(is_other)
    try:
        yield
    finally:
        logger.removeFilter(is_other)
