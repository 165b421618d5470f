"""One file from a server that is slow, breaks off, lies or is silent."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pooch
import pytest
from models.server import Reply, Server, names_in, sha256, source_of, wait_for

from napari_sam21.core.errors import Cancelled
from napari_sam21.core.runtime import Cancellation
from napari_sam21.models import download as module
from napari_sam21.models import stream
from napari_sam21.models.download import WrongBytes, download
from napari_sam21.models.install import no_progress
from napari_sam21.models.stream import SourceError
from napari_sam21.models.table import Source

FILE = "file.zip"
HALF = 10 * stream.CHUNK
CONTENT = np.random.default_rng(0).bytes(2 * HALF)
OTHER = np.random.default_rng(1).bytes(2 * HALF)
SHORT = sha256(CONTENT)[:16]
WHOLE, PART = f"{SHORT}.zip", f"{SHORT}.part"
BROKEN = Reply(CONTENT, stop_after=HALF)
REST = f"bytes={HALF}-"


@pytest.fixture
def source(server: Server) -> Source:
    """A file that comes as it should, until a test says otherwise."""
    return source_of(server.put(FILE, CONTENT), CONTENT)


@pytest.fixture
def get(source: Source, tmp_path: Path) -> Callable[[], Path]:
    """Fetch the file, as a new call with nothing in memory."""
    return lambda: download(source, tmp_path, no_progress, Cancellation())


def test_a_whole_file_is_asked_for_once(
    get: Callable, server: Server, tmp_path: Path
) -> None:
    assert get() == get()
    assert get().read_bytes() == CONTENT
    assert names_in(tmp_path) == [WHOLE]
    assert server.asked == [(f"/{FILE}", "")]
    assert server.agents == {"napari-sam21"}


def test_progress_rises_to_the_end(source: Source, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    download(source, tmp_path, lambda *each: told.append(each), Cancellation())
    steps, done, total = zip(*told, strict=True)
    assert set(steps) == {"Fetching"}
    assert list(done) == sorted(set(done))
    assert done[-1] == len(CONTENT)
    assert set(total) == {len(CONTENT)}


@pytest.mark.parametrize("announced", [True, False])
def test_progress_when_the_size_is_known_about_only(
    announced: bool, server: Server, tmp_path: Path
) -> None:
    url = server.put(FILE, Reply(CONTENT, announced=announced))
    told: list[tuple[int, int]] = []
    download(
        source_of(url, CONTENT, size=len(CONTENT) - 999), tmp_path,
        lambda _, done, total: told.append((done, total)), Cancellation(),
    )  # fmt: skip
    assert all(0 < done <= total for done, total in told)
    assert told[-1] == (len(CONTENT), len(CONTENT))


# --- broken off ------------------------------------------------------------------


@pytest.mark.parametrize("announced", [True, False])
def test_a_dropped_connection_is_continued(
    announced: bool, get: Callable, server: Server, tmp_path: Path
) -> None:
    server.put(FILE, BROKEN, Reply(CONTENT, announced=announced))
    assert get().read_bytes() == CONTENT
    assert server.ranges(FILE) == ["", REST]
    assert server.sent == len(CONTENT)
    assert names_in(tmp_path) == [WHOLE]


def test_what_breaks_off_twice_is_continued_by_the_next_call(
    get: Callable, server: Server, tmp_path: Path
) -> None:
    server.put(FILE, BROKEN, Reply(CONTENT, stop_after=stream.CHUNK), CONTENT)
    with pytest.raises(SourceError, match="the connection broke off"):
        get()
    assert names_in(tmp_path) == [PART]
    assert (tmp_path / PART).read_bytes() == CONTENT[: HALF + stream.CHUNK]
    assert get().read_bytes() == CONTENT
    assert server.ranges(FILE) == ["", REST, f"bytes={HALF + stream.CHUNK}-"]


def test_a_server_without_ranges_begins_anew(get: Callable, server: Server) -> None:
    server.put(FILE, BROKEN, Reply(CONTENT, ranges=False))
    assert get().read_bytes() == CONTENT
    assert server.ranges(FILE) == ["", REST]


@pytest.mark.parametrize(
    "wrong",
    [
        Reply(status=416),
        Reply(CONTENT, headers={"Content-Range": "bytes 7-327679/327680"}),
        Reply(CONTENT, headers={"Content-Range": "nonsense"}),
    ],
    ids=["416", "another byte", "nonsense"],
)
def test_a_server_that_cannot_continue_is_asked_for_the_whole(
    wrong: Reply, get: Callable, server: Server, tmp_path: Path
) -> None:
    (tmp_path / PART).write_bytes(CONTENT[:HALF])
    server.put(FILE, wrong, CONTENT)
    assert get().read_bytes() == CONTENT
    assert server.ranges(FILE) == [REST, ""]


def test_a_server_that_never_continues_is_given_up(
    get: Callable, server: Server, tmp_path: Path
) -> None:
    server.put(FILE, BROKEN, Reply(status=416))
    with pytest.raises(SourceError, match="does not continue what broke off; try aga"):
        get()
    assert len(server.asked) == 2
    assert names_in(tmp_path) == []


def test_a_whole_part_needs_its_name_only(
    get: Callable, server: Server, tmp_path: Path
) -> None:
    """As it is when the process was ended between the last byte and the renaming."""
    (tmp_path / PART).write_bytes(CONTENT)
    assert get().read_bytes() == CONTENT
    assert server.sent == 0


def test_a_part_of_another_file_is_dropped(
    get: Callable, server: Server, tmp_path: Path
) -> None:
    (tmp_path / PART).write_bytes(OTHER[:HALF])
    assert get().read_bytes() == CONTENT
    assert server.ranges(FILE) == [REST, ""]


def test_pieces_that_do_not_fit_together_are_dropped(
    get: Callable, server: Server, tmp_path: Path
) -> None:
    server.put(FILE, Reply(OTHER, stop_after=HALF), CONTENT)
    with pytest.raises(SourceError, match="in pieces does not fit together; try again"):
        get()
    assert len(server.asked) == 2
    assert names_in(tmp_path) == []


# --- other things than the file --------------------------------------------------


def test_wrong_bytes_are_dropped_and_asked_for_once(
    get: Callable, server: Server, tmp_path: Path
) -> None:
    server.put(FILE, OTHER)
    with pytest.raises(WrongBytes, match=sha256(OTHER)) as caught:
        get()
    assert caught.value.found == sha256(OTHER)
    assert len(server.asked) == 1
    assert names_in(tmp_path) == []


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(status=404), "it answered 404 Not Found"),
        (Reply(status=503), "it answered 503 Service Unavailable"),
        (Reply(status=204), "it answered 204 No Content"),
        (
            Reply(b"<html>log in", headers={"Content-Type": "text/html; charset=x"}),
            "a web page in place of the file; the network may ask for a login",
        ),
        (Reply(CONTENT * 9), "it sends 2,949,120 bytes or more, about 327,680 were"),
    ],
    ids=["404", "503", "204", "page", "too large"],
)
def test_refusals_are_told_in_words_and_not_repeated(
    reply: Reply, words: str, get: Callable, server: Server, tmp_path: Path
) -> None:
    server.put(FILE, reply)
    with pytest.raises(SourceError, match=words):
        get()
    assert len(server.asked) == 1
    assert names_in(tmp_path) == []


def test_a_file_that_is_elsewhere_is_continued_there(
    get: Callable, server: Server, tmp_path: Path
) -> None:
    """As with the large publishers, whose addresses lead to other hosts."""
    (tmp_path / PART).write_bytes(CONTENT[:HALF])
    server.put(FILE, Reply(status=302, headers={"Location": "/elsewhere"}))
    server.put("elsewhere", CONTENT)
    assert get().read_bytes() == CONTENT
    assert server.ranges("elsewhere") == [REST]


def test_a_file_that_is_always_elsewhere_is_given_up(
    get: Callable, server: Server
) -> None:
    server.put(FILE, Reply(status=302, headers={"Location": f"/{FILE}"}))
    with pytest.raises(SourceError, match="it sends from one address to the next"):
        get()
    assert len(server.asked) == 1 + stream.REDIRECTS


def test_a_refusal_keeps_what_had_come(
    get: Callable, server: Server, tmp_path: Path
) -> None:
    (tmp_path / PART).write_bytes(CONTENT[:HALF])
    server.put(FILE, Reply(b"<html>", False, headers={"Content-Type": "text/html"}))
    with pytest.raises(SourceError, match="web page"):
        get()
    assert (tmp_path / PART).read_bytes() == CONTENT[:HALF]


def test_an_endless_server_is_stopped(
    get: Callable, server: Server, tmp_path: Path
) -> None:
    server.put(FILE, Reply(OTHER, announced=False, endless=True))
    with pytest.raises(SourceError, match=r"it sends 1,\d{3},\d{3} bytes or more"):
        get()
    assert len(server.asked) == 1
    assert names_in(tmp_path) == []


def test_more_than_announced_is_not_read(get: Callable, server: Server) -> None:
    length = {"Content-Length": str(len(CONTENT))}
    server.put(FILE, Reply(CONTENT + OTHER, headers=length))
    assert get().read_bytes() == CONTENT


# --- silence, and the wish to stop -----------------------------------------------


@pytest.mark.parametrize("silent", [True, False], ids=["never answers", "falls silent"])
def test_a_silent_server_is_given_up(
    silent: bool, get: Callable, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(stream, "SILENCE_SECONDS", 0.3)
    gate = threading.Event()
    server.put(FILE, Reply(CONTENT, silent=silent, gate=gate))
    with pytest.raises(SourceError, match="silent for 0 s"):
        get()
    gate.set()


@pytest.mark.parametrize("silent", [True, False], ids=["before", "in the middle"])
def test_a_slow_server_can_be_cancelled(
    silent: bool, source: Source, server: Server, tmp_path: Path
) -> None:
    gate, cancel = threading.Event(), Cancellation()
    server.put(FILE, Reply(CONTENT, silent=silent, gate=gate), CONTENT)
    timer = threading.Timer(0.3, cancel.cancel)
    timer.start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        download(source, tmp_path, no_progress, cancel)
    assert time.monotonic() - began < 2
    gate.set()
    timer.join()
    assert WHOLE not in names_in(tmp_path)


def test_what_came_before_cancelling_is_continued(
    source: Source, server: Server, tmp_path: Path
) -> None:
    cancel = Cancellation()
    server.put(FILE, Reply(CONTENT, pause=0.02), CONTENT)

    def stop(step: str, done: int, total: int) -> None:
        if done >= HALF:
            cancel.cancel()

    with pytest.raises(Cancelled):
        download(source, tmp_path, stop, cancel)
    kept = (tmp_path / PART).stat().st_size
    assert HALF <= kept < len(CONTENT)
    assert download(source, tmp_path, no_progress, Cancellation()).name == WHOLE
    assert server.ranges(FILE) == ["", f"bytes={kept}-"]


def test_who_cancelled_before_asks_nobody(
    source: Source, server: Server, tmp_path: Path
) -> None:
    cancel = Cancellation()
    cancel.cancel()
    with pytest.raises(Cancelled):
        download(source, tmp_path, no_progress, cancel)
    assert names_in(tmp_path) == []


def test_threads_end(get: Callable, server: Server) -> None:
    server.put(FILE, Reply(OTHER, announced=False, endless=True))
    with pytest.raises(SourceError, match="it sends"):
        get()
    wait_for(lambda: "napari-sam21 download" not in str(threading.enumerate()))


# --- manners ---------------------------------------------------------------------


def test_pooch_says_nothing_of_it_but_speaks_to_others(
    get: Callable, capfd: pytest.CaptureFixture[str]
) -> None:
    said: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    handler = Handler()
    pooch.get_logger().addHandler(handler)
    try:
        get()
        assert said == []
        pooch.get_logger().info("another user of pooch")
    finally:
        pooch.get_logger().removeHandler(handler)
    assert said == ["another user of pooch"]
    assert "Downloading" not in "".join(capfd.readouterr())


def test_two_questions_at_most(get: Callable, server: Server) -> None:
    """However often it breaks off: there is a next time, and no storm."""
    server.put(FILE, Reply(CONTENT, stop_after=stream.CHUNK))
    with pytest.raises(SourceError, match="broke off"):
        get()
    assert len(server.asked) == module.REQUESTS == 2
