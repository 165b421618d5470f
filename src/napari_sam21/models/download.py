"""One file over HTTP: resumed where it broke off, checked, and only then named.

pooch keeps the order of things: a temporary name, the digest, the final name. How the
bytes come is ours, because they should come in pieces that can be continued, be
counted, and be stopped.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from napari_sam21.core.runtime import Cancellation
from napari_sam21.models.bring import disk_error
from napari_sam21.models.install import Progress
from napari_sam21.models.record import digest_of
from napari_sam21.models.table import Source

if TYPE_CHECKING:
    import requests

LOG = logging.getLogger(__name__)

CONNECT_SECONDS = 4.0
SILENCE_SECONDS = 15.0
"""A server that says nothing for so long is given up."""

CHUNK = 1 << 16
ATTEMPTS = 2
"""Of one source; the second only continues what broke off after some bytes came."""

HEADERS = {"Accept-Encoding": "identity", "User-Agent": "napari-sam21"}


class SourceError(Exception):
    """One source did not give the file; the next one may."""


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

    getter = _Getter(source, folder / f"{source.sha256[:16]}.part", progress, cancel)
    name = f"{source.sha256[:16]}{Path(source.file_name).suffix}"
    with _quiet(pooch.get_logger()):
        try:
            path = pooch.retrieve(
                source.url, f"sha256:{source.sha256}", name, folder, downloader=getter
            )
        except ValueError as error:  # pooch: the digest differs
            if getter.digest:
                raise WrongBytes(getter.digest) from error
            raise
    return Path(path)


class _Getter:
    """Brings bytes to a ``.part`` file, and the whole to where pooch wants it."""

    def __init__(
        self, source: Source, part: Path, progress: Progress, cancel: Cancellation
    ) -> None:
        self._source, self._part = source, part
        self._progress, self._cancel = progress, cancel
        self.digest = ""

    def __call__(self, url: str, output_file: str, pooch: Any) -> None:
        """Bring a file; pooch compares its digest then."""
        resumed = self._size() > 0
        self._bring(url)
        self.digest = digest_of(self._part)
        if resumed and self.digest != self._source.sha256:
            # What came before may have been of another file: once more, from the start.
            self._part.unlink()
            self._bring(url)
            self.digest = digest_of(self._part)
        self._part.replace(output_file)

    def _size(self) -> int:
        return self._part.stat().st_size if self._part.exists() else 0

    def _bring(self, url: str) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            before = self._size()
            try:
                self._get(url)
                return
            except SourceError:
                if attempt == ATTEMPTS or self._size() <= before:
                    raise
                LOG.info("%s broke off; continuing once", url)

    def _get(self, url: str) -> None:
        import requests

        start = self._size()
        try:
            with _asked(url, start) as response:
                self._cancel.attach(_stop_of(response))
                self._store(response, start)
        except requests.RequestException as error:
            self._cancel.raise_if_wished()
            raise SourceError(_words(error)) from error

    def _store(self, response: requests.Response, start: int) -> None:
        """Write what comes; a server that cannot continue begins anew."""
        if response.status_code == 416:  # it has no more than we have, or less
            self._part.unlink(missing_ok=True)
            raise SourceError("it does not continue what broke off; try again")
        response.raise_for_status()
        start = start if _continues(response, start) else 0
        total = start + int(response.headers.get("Content-Length") or 0)
        if total > self._most():
            raise SourceError(f"it offers {total:,} bytes, about {self._source.size:,} "
                              "were expected")  # fmt: skip
        with self._opened(start) as file:
            for chunk in response.iter_content(CHUNK):
                self._cancel.raise_if_wished()
                self._write(file, chunk)
                self._progress("Fetching", file.tell(), max(total, self._source.size))

    def _most(self) -> int:
        return 2 * self._source.size + (1 << 20)

    def _opened(self, start: int) -> IO[bytes]:
        try:
            return self._part.open("ab" if start else "wb")
        except OSError as error:
            raise disk_error(self._part.parent, error) from error

    def _write(self, file: IO[bytes], chunk: bytes) -> None:
        if file.tell() + len(chunk) > self._most():
            raise SourceError("it sends more than the file can hold")
        try:
            file.write(chunk)
            file.flush()
        except OSError as error:
            self._make_room()
            raise disk_error(self._part.parent, error) from error

    def _make_room(self) -> None:
        """A full disk needs its space more than we need what came."""
        try:
            self._part.unlink(missing_ok=True)
        except OSError:  # open files cannot be deleted on every system
            LOG.warning("%s is left behind", self._part)


@contextmanager
def _asked(url: str, start: int) -> Iterator[requests.Response]:
    """Ask for a file from a byte on; proxies are those of the environment."""
    import requests

    headers = {**HEADERS, "Range": f"bytes={start}-"} if start else HEADERS
    times = (CONNECT_SECONDS, SILENCE_SECONDS)
    with requests.get(url, headers=headers, timeout=times, stream=True) as response:
        yield response


def _continues(response: requests.Response, start: int) -> bool:
    """Whether an answer begins with the byte that was asked for."""
    if not start or response.status_code != 206:
        return False
    span = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    if span is None or int(span[1]) != start:
        raise SourceError("it continues at another byte than was asked for")
    return True


def _stop_of(response: requests.Response) -> Callable[[], object]:
    """What ends a read that waits in another thread."""

    def stop() -> None:
        try:
            # urllib3 since 2.3; before, a silent server is waited for.
            shutdown = getattr(response.raw, "shutdown", None)
            if shutdown is not None:
                shutdown()
        except (OSError, RuntimeError, ValueError):
            LOG.debug("the connection was closed already")

    return stop


def _words(error: requests.RequestException) -> str:
    """What went wrong with a source, in words."""
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"it answered {error.response.status_code} {error.response.reason}"
    for kind, words in (
        (requests.exceptions.ProxyError, "the proxy refused, or cannot be reached"),
        (requests.exceptions.SSLError, "the connection cannot be trusted (TLS)"),
        (requests.ConnectTimeout, f"no answer within {CONNECT_SECONDS:.0f} s"),
        (requests.Timeout, f"silent for {SILENCE_SECONDS:.0f} s"),
        (requests.exceptions.ChunkedEncodingError, "the connection broke off"),
        (requests.ConnectionError, "cannot be reached"),
    ):
        if isinstance(error, kind):
            return words
    return f"{type(error).__name__}: {error}"


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """Keep pooch from writing to the terminal."""
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
