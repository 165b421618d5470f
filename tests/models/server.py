"""A publisher on 127.0.0.1 who can be slow, break off, lie, or be silent."""

from __future__ import annotations

import hashlib
import socket
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

from napari_sam21.models.table import Card, ModelRow, Source

PIECE = 8192
TESTS = Path(__file__).parents[1]


@dataclass(frozen=True)
class Reply:
    """How one question is answered.

    Attributes
    ----------
    content : bytes
        The whole file.
    ranges : bool
        Whether a Range is honoured.
    status : int
        In place of 200 and 206.
    stop_after : int or None
        Bytes of the body after which the connection is closed.
    pause : float
        Seconds after each `PIECE`.
    announced : bool
        Whether there is a Content-Length.
    headers : dict
        Further ones, or others than the true ones.
    gate : Event or None
        Waited for after the first piece (``silent``: before the answer).
    """

    content: bytes = b""
    ranges: bool = True
    status: int = 0
    stop_after: int | None = None
    pause: float = 0.0
    announced: bool = True
    headers: dict[str, str] = field(default_factory=dict)
    gate: threading.Event | None = None
    silent: bool = False
    endless: bool = False


@dataclass
class Server:
    """A running server: what it answers, and what it was asked."""

    address: str = ""
    replies: dict[str, list[Reply]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    sent: int = 0
    agents: set[str] = field(default_factory=set)

    def put(self, name: str, *replies: Reply | bytes) -> str:
        """Answer questions for a name, one after the other; the last one stays."""
        made = [each if isinstance(each, Reply) else Reply(each) for each in replies]
        self.replies[f"/{name}"] = made
        return self.address + name

    def ranges(self, name: str) -> list[str]:
        """The Range of each question for a name."""
        return [wanted for path, wanted in self.asked if path == f"/{name}"]

    def next_reply(self, path: str) -> Reply:
        """The answer to this question; 404 to what there is not."""
        replies = self.replies.get(path, [Reply(b"no such file", status=404)])
        return replies.pop(0) if len(replies) > 1 else replies[0]


class _Handler(BaseHTTPRequestHandler):
    state: Server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range", "")
        self.state.asked.append((self.path, wanted))
        self.state.agents.add(self.headers.get("User-Agent", ""))
        with suppress(ConnectionError):
            self._answer(self.state.next_reply(self.path), wanted)
        self.close_connection = True

    def _answer(self, reply: Reply, wanted: str) -> None:
        if reply.silent and reply.gate is not None:
            reply.gate.wait(30)
        start = int(wanted[6:-1]) if wanted and reply.ranges else 0
        if start and start >= len(reply.content) and not reply.status:
            reply = replace(reply, status=416, content=b"")
        body = reply.content[start:]
        self.send_response(reply.status or (206 if start else 200))
        headers = {"Content-Type": "application/octet-stream"}
        if reply.announced:
            headers["Content-Length"] = str(len(body))
        if start:
            last = len(reply.content) - 1
            headers["Content-Range"] = f"bytes {start}-{last}/{last + 1}"
        for each in (headers | reply.headers).items():
            self.send_header(*each)
        self.end_headers()
        self._send(reply, body)

    def _send(self, reply: Reply, body: bytes) -> None:
        body = body[: reply.stop_after]
        while True:
            for first in range(0, len(body), PIECE):
                self.wfile.write(body[first : first + PIECE])
                self.state.sent += len(body[first : first + PIECE])
                time.sleep(reply.pause)
                if reply.gate is not None and not reply.silent:
                    reply.gate.wait(30)
            if not reply.endless:
                return

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Whoever hung up does not matter here."""


@contextmanager
def running(handler: type[_Handler] = _Handler) -> Iterator[Server]:
    """Serve on a free port until the end."""
    state = Server()
    bound = type("Bound", (handler,), {"state": state})
    with _Quiet(("127.0.0.1", 0), bound) as server:
        server.block_on_close = False
        state.address = f"http://127.0.0.1:{server.server_port}/"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()


def closed_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


# --- what is served -------------------------------------------------------------------


def archive_of(folder: Path, noise: int = 300_000) -> bytes:
    """A model as darktable publishes it, large enough to be cut into pieces."""
    path = folder / "served.dtmodel"
    if not path.exists():
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("served/config.json", '{"name": "Discs"}')
            for part in ("encoder", "decoder"):
                packed.write(folder / f"{part}.onnx", f"served/{part}.onnx")
            packed.writestr("served/noise", np.random.default_rng(0).bytes(noise))
    return path.read_bytes()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def source_of(url: str, content: bytes, **more: Any) -> Source:
    """A source of some bytes at an address."""
    more = {"sha256": sha256(content), "size": len(content), "contract": "card"} | more
    return Source(url, **more)


def row_of(*sources: Source, name: str = "served") -> ModelRow:
    """A row of the table with these sources."""
    return ModelRow(name, "Served", "CC0-1.0", "discs", Card("For tests."), sources)


# --- other processes ------------------------------------------------------------------

PRELUDE = """
import sys
from pathlib import Path
from types import MappingProxyType
from napari_sam21.core.errors import Sam21Error
from napari_sam21.models import fetch, imports, library, table
from models.server import row_of, Source

def use(*rows):
    found = MappingProxyType({**table.MODELS, **{row.name: row for row in rows}})
    for module in (fetch, imports, library):
        module.MODELS = found

def say(do):
    try:
        print(do())
    except Sam21Error as error:
        print(type(error).__name__, error)
        sys.exit(3)
"""


def start(code: str) -> subprocess.Popen:
    """Run code in another interpreter; `PRELUDE` comes before it."""
    text = f"import sys; sys.path.insert(0, {str(TESTS)!r})\n{PRELUDE}\n{code}"
    return subprocess.Popen(
        [sys.executable, "-c", text],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def fetch_code(source: Source) -> str:
    """Code that fetches the model of one source."""
    return f"""
use(row_of(Source(url={source.url!r}, sha256={source.sha256!r}, size={source.size},
                  contract="card")))
say(lambda: fetch.fetch_model("served"))
"""


def names_in(folder: Path) -> list[str]:
    """Everything in a folder, hidden or not."""
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def wait_for(condition: Callable[[], object], seconds: float = 20) -> None:
    """Wait until something is so; generous, because machines are busy."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)
