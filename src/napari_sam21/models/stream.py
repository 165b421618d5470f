"""What a server sends, read by a thread of its own, so that one can stop waiting.

Looking up a name, connecting, and reading from a silent server can each be interrupted
in another way, or in none. So another thread does it, and may be left alone: it ends by
its own timeouts, and what it still reads goes nowhere.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Empty, Full, Queue
from typing import TYPE_CHECKING, TypeVar

from napari_sam21.core.runtime import Cancellation

if TYPE_CHECKING:
    import requests

CONNECT_SECONDS = 4.0
ANSWER_SECONDS = 10.0
"""For looking up a name, trying all its addresses, and the first line of an answer."""
SILENCE_SECONDS = 15.0
"""A server that says nothing for so long is given up."""

REDIRECTS = 5
"""Publishers keep files elsewhere than they name them, but not farther than that."""

CHUNK = 1 << 14
"""Bytes that are waited for at once, so that a slow line is not taken for a silent one:
this many in `SILENCE_SECONDS` are enough."""
WAITING = 64  # chunks between the two threads
GLANCE = 0.1  # seconds between two looks at whether somebody wishes to stop
HEADERS = {"Accept-Encoding": "identity", "User-Agent": "napari-sam21"}

Item = TypeVar("Item")


class SourceError(Exception):
    """One source did not give the file; the next one may."""


class Stream:
    """The answer to one question, as it comes."""

    def __init__(self, url: str, start: int, cancel: Cancellation) -> None:
        self._url, self._start, self._cancel = url, start, cancel
        self._head: Queue[requests.Response | Exception] = Queue(1)
        self._chunks: Queue[bytes | Exception | None] = Queue(WAITING)
        self._left = threading.Event()

    def head(self) -> requests.Response:
        """Return status and headers.

        Raises
        ------
        SourceError
            If the server cannot be reached, or does not answer.
        Cancelled
            If the user wishes so; heard within `GLANCE` seconds.
        """
        return self._next(self._head, ANSWER_SECONDS)

    def chunks(self) -> Iterator[bytes]:
        """Give the body, piece by piece; raises as `head` does, if it breaks off."""
        while (chunk := self._next(self._chunks, SILENCE_SECONDS)) is not None:
            yield chunk

    def leave(self) -> None:
        """Wait no longer; the other thread ends when it next hears something."""
        self._left.set()

    def _next(self, items: Queue[Item | Exception], seconds: float) -> Item:
        import requests
        import urllib3

        end = time.monotonic() + seconds
        while True:
            self._cancel.raise_if_wished()
            try:
                item = items.get(timeout=GLANCE)
                break
            except Empty:
                if time.monotonic() > end:
                    raise SourceError(f"silent for {seconds:.0f} s") from None
        if isinstance(item, requests.RequestException | urllib3.exceptions.HTTPError):
            raise SourceError(_words(item)) from item
        if isinstance(item, Exception):
            raise item
        return item

    # --- the other thread ---------------------------------------------------------

    def read(self) -> None:
        """Ask, and pass on what comes. Proxies are those of the environment."""
        import requests

        since = {"Range": f"bytes={self._start}-"} if self._start else {}
        times = (CONNECT_SECONDS, SILENCE_SECONDS)
        answered = False
        try:
            with requests.Session() as session:
                session.max_redirects = REDIRECTS
                response = session.get(
                    self._url, headers=HEADERS | since, timeout=times, stream=True
                )
                answered = self._put(self._head, response)
                for chunk in response.iter_content(CHUNK):
                    if not self._put(self._chunks, chunk):
                        return
            self._put(self._chunks, None)
        except Exception as error:  # nobody is above: raised where it is waited for
            if answered:
                self._put(self._chunks, error)
            else:
                self._put(self._head, error)

    def _put(self, items: Queue[Item | Exception], item: Item | Exception) -> bool:
        """Pass something on; False if nobody waits any more."""
        while not self._left.is_set():
            try:
                items.put(item, timeout=GLANCE)
            except Full:
                continue
            return True
        return False


@contextmanager
def streamed(url: str, cancel: Cancellation, start: int = 0) -> Iterator[Stream]:
    """Ask for a file, from a byte on; who leaves the context waits for no more.

    Parameters
    ----------
    url : str
    cancel : Cancellation
    start : int
        The first byte wanted; the server may send all the same.
    """
    stream = Stream(url, start, cancel)
    name = "napari-sam21 download"
    threading.Thread(target=stream.read, name=name, daemon=True).start()
    try:
        yield stream
    finally:
        stream.leave()


def _words(error: Exception) -> str:
    """What went wrong with a source, in words."""
    import requests
    import urllib3

    # Silence in the middle of an answer: requests tells it like a host that is down.
    if any(
        isinstance(cause, urllib3.exceptions.ReadTimeoutError) for cause in error.args
    ):
        return f"silent for {SILENCE_SECONDS:.0f} s"
    for kind, words in (
        (requests.exceptions.ProxyError, "the proxy refused, or cannot be reached"),
        (requests.exceptions.SSLError, "the connection cannot be trusted (TLS)"),
        (requests.ConnectTimeout, f"no answer within {CONNECT_SECONDS:.0f} s"),
        (requests.Timeout, f"silent for {SILENCE_SECONDS:.0f} s"),
        (requests.exceptions.ChunkedEncodingError, "the connection broke off"),
        (requests.ConnectionError, "cannot be reached"),
        (requests.TooManyRedirects, "it sends from one address to the next"),
    ):
        if isinstance(error, kind):
            return words
    return f"{type(error).__name__}: {error}"
