"""From a table of sources to a model that is ready, over a real connection."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock
from models.server import Reply, Server, names_in, sha256, source_of

import napari_sam21 as sam
from napari_sam21.core.errors import Cancelled, ModelError
from napari_sam21.models import bring, fetch
from napari_sam21.models.fetch import fetch_model
from napari_sam21.models.library import states, verify
from napari_sam21.models.record import read_record
from napari_sam21.models.table import Source

NAME = "served.dtmodel"
LIST = "versions.json"
OTHER = b"another file " * 999


# --- as it should be --------------------------------------------------------------


def test_a_model_is_fetched_checked_and_recorded(
    served: Source, models: Path, downloads: Path
) -> None:
    folder = fetch_model("served")
    assert folder == models / "served"
    assert names_in(folder) == [
        "config.json", "decoder.onnx", "encoder.onnx", "model.json",
    ]  # fmt: skip
    record = read_record(folder)
    assert (record.name, record.title, record.licence) == (
        "served",
        "Served",
        "CC0-1.0",
    )
    assert (record.source, record.source_sha256) == (served.url, served.sha256)
    assert (record.contract, record.batches) == ("card", False)
    assert verify("served") == ""
    assert sam.load_model("served").name == "served"
    assert names_in(models) == ["served"]
    assert names_in(downloads) == ["served.lock"]


def test_what_is_ready_is_not_asked_for(served: Source, server: Server) -> None:
    fetch_model("served")
    server.asked.clear()
    fetch_model("served")
    fetch_model("starter")
    assert server.asked == []


def test_nothing_is_asked_for_before_somebody_asks(
    served: Source, server: Server
) -> None:
    assert [state.state for state in states() if state.name == "served"] == ["absent"]
    with pytest.raises(ModelError, match=r"not on this machine.*fetch_model\(\"served"):
        sam.load_model("served")
    assert server.asked == []


def test_importing_the_package_opens_no_connection() -> None:
    code = (
        "import socket\n"
        "def refuse(*_): raise AssertionError('network')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "import napari_sam21 as sam\n"
        "from napari_sam21.models import fetch, imports\n"
        "from napari_sam21.models.library import states\n"
        "[getattr(sam, name) for name in dir(sam)]; states()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_damaged_model_is_fetched_again(served: Source, server: Server) -> None:
    folder = fetch_model("served")
    (folder / "decoder.onnx").write_bytes(b"damaged")
    with pytest.raises(ModelError, match=r"damaged: decoder.onnx has 7 .*setup served"):
        sam.load_model("served")
    assert fetch_model("served") == folder
    assert len(server.asked) == 2
    assert verify("served") == ""


def test_progress_tells_the_steps_in_order(served: Source) -> None:
    steps: list[str] = []
    fetch_model("served", progress=lambda step, *_: steps.append(step))
    host = served.url.split("/")[2]
    assert list(dict.fromkeys(steps)) == [
        f"Asking {host}", "Fetching", "Unpacking", "Trying the model",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["nothing", "", "../served"])
def test_an_unknown_name_is_refused(name: str, served: Source) -> None:
    with pytest.raises(ModelError, match="there is no model named .*starter.*served"):
        fetch_model(name)


# --- sources, one after the other -------------------------------------------------


def test_404_then_the_next_source(
    server: Server, archive: bytes, use: Callable
) -> None:
    use(
        source_of(server.address + "gone.dtmodel", archive),
        source_of(server.put("second.dtmodel", archive), archive),
    )
    record = read_record(fetch_model("served"))
    assert [path for path, _ in server.asked] == ["/gone.dtmodel", "/second.dtmodel"]
    assert record.source.endswith("/second.dtmodel")


def test_what_one_source_began_another_ends(
    server: Server, archive: bytes, use: Callable
) -> None:
    half = Reply(archive, stop_after=163_840)
    first = server.put("first.dtmodel", half, Reply(status=503))
    second = server.put("second.dtmodel", archive)
    use(source_of(first, archive), source_of(second, archive))
    fetch_model("served")
    assert server.ranges("second.dtmodel") == ["bytes=163840-"]


VERDICTS = {
    "what came": (sha256(OTHER), "lists the file that came: the publisher has repl"),
    "the expected": (None, "lists the expected one: what came was damaged or"),
    "a third": ("a" * 64, f"lists a third one, {'a' * 64}"),
}


@pytest.mark.parametrize(("listed", "verdict"), VERDICTS.values(), ids=VERDICTS)
@pytest.mark.parametrize("form", ["by key", "in a list", "deep"])
def test_wrong_bytes_are_explained_by_the_publisher(
    form: str, listed: str | None, verdict: str, server: Server, archive: bytes,
    use: Callable,
) -> None:  # fmt: skip
    digest = f"sha256:{listed or sha256(archive)}"
    found = {
        "by key": {"another": "sha256:" + "b" * 64, "served": digest},
        "in a list": [{"id": "another"}, {"id": "served", "checksum": digest}],
        "deep": {"models": {"served": {"files": [{"sha": digest.upper()}]}}},
    }[form]
    url = server.put(LIST, json.dumps(found).replace("SHA256:", "sha256:").encode())
    use(source_of(server.put(NAME, OTHER), archive, versions_url=url))
    with pytest.raises(ModelError, match=verdict) as caught:
        fetch_model("served")
    assert (
        f"it sent a file with SHA-256 {sha256(OTHER)}, expected {sha256(archive)} "
        "(found in 1 independent place)"
    ) in str(caught.value)
    assert [path for path, _ in server.asked] == [f"/{NAME}", f"/{LIST}"]


UNREADABLE = {
    "404": Reply(status=404),
    "no JSON": Reply(b"<html>"),
    "empty": Reply(b""),
    "no text": Reply(b"\xff\xfe\x00"),
    "other models": Reply(b'{"another": "sha256:' + b"b" * 64 + b'"}'),
    "no digest": Reply(b'{"served": "latest"}'),
    "too deep": Reply(b"[" * 100_000),
    "endless": Reply(b" " * 99_999, announced=False, endless=True),
}


@pytest.mark.parametrize("reply", UNREADABLE.values(), ids=UNREADABLE)
def test_a_publisher_who_does_not_tell(
    reply: Reply, server: Server, archive: bytes, use: Callable
) -> None:
    url = server.put(LIST, reply)
    use(source_of(server.put(NAME, OTHER), archive, versions_url=url, witnesses=3))
    words = "3 independent places.*does not tell which is right: it cannot be read, or"
    with pytest.raises(ModelError, match=words):
        fetch_model("served")


def test_wrong_bytes_then_the_next_source(
    server: Server, archive: bytes, use: Callable, models: Path, downloads: Path
) -> None:
    first, second = server.put("a.dtmodel", OTHER), server.put("b.dtmodel", archive)
    use(source_of(first, archive), source_of(second, archive))
    assert read_record(fetch_model("served")).source == second
    assert names_in(models) == ["served"]
    assert names_in(downloads) == ["served.lock"]


def test_the_right_file_that_is_no_model_then_the_next_source(
    server: Server, archive: bytes, use: Callable, downloads: Path
) -> None:
    first, second = server.put("a.dtmodel", OTHER), server.put("b.dtmodel", archive)
    use(source_of(first, OTHER), source_of(second, archive))
    assert read_record(fetch_model("served")).source == second
    assert names_in(downloads) == ["served.lock"]


def test_all_that_was_tried_is_told(server: Server, archive: bytes, use: Callable
                                    ) -> None:  # fmt: skip
    first, second = server.put("a.dtmodel", OTHER), server.address + "b.dtmodel"
    use(source_of(first, archive), source_of(second, archive))
    with pytest.raises(ModelError, match="Served could not be fetched:") as caught:
        fetch_model("served")
    lines = str(caught.value).splitlines()
    assert lines[1].startswith(f"- {first}: it sent a file with SHA-256")
    assert lines[2] == f"- {second}: it answered 404 Not Found"
    assert "napari-sam21 models import FILE" in lines[3]
    assert "HTTPS_PROXY" in lines[3]
    assert "NAPARI_SAM21_MIRROR" in lines[3]


# --- stopping, waiting, no room ---------------------------------------------------


def test_cancelled_and_continued_later(
    served: Source, server: Server, archive: bytes, models: Path, downloads: Path
) -> None:
    cancel = sam.Cancellation()
    server.put(NAME, Reply(archive, pause=0.02), archive)

    def stop(step: str, done: int, total: int) -> None:
        if step == "Fetching" and done > 100_000:
            threading.Thread(target=cancel.cancel).start()

    began = time.monotonic()
    with pytest.raises(Cancelled):
        fetch_model("served", progress=stop, cancel=cancel)
    assert time.monotonic() - began < 3
    assert names_in(models) == []
    assert names_in(downloads) == ["served", "served.lock"]
    assert [path.suffix for path in (downloads / "served").iterdir()] == [".part"]
    fetch_model("served")
    assert server.ranges(NAME)[1].startswith("bytes=1")


def test_cancelled_while_another_fetches(served: Source, downloads: Path) -> None:
    cancel, steps = sam.Cancellation(), set()
    timer = threading.Timer(0.3, cancel.cancel)
    downloads.mkdir(parents=True)
    with FileLock(downloads / "served.lock"):
        timer.start()
        began = time.monotonic()
        with pytest.raises(Cancelled):
            fetch_model("served", cancel=cancel, progress=lambda s, *_: steps.add(s))
        assert time.monotonic() - began < 2
    assert steps == {"Waiting for another napari that fetches the model"}


def test_a_cancelled_model_is_not_installed(served: Source, models: Path) -> None:
    cancel = sam.Cancellation()

    def stop(step: str, done: int, total: int) -> None:
        if done == total:
            cancel.cancel()

    with pytest.raises(Cancelled):
        fetch_model("served", progress=stop, cancel=cancel)
    assert names_in(models) == []


def test_two_threads_fetch_once(served: Source, server: Server) -> None:
    found: list[Path] = []
    threads = [
        threading.Thread(target=lambda: found.append(fetch_model("served")))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(found) == 3
    assert len(server.asked) == 1


Usage = namedtuple("Usage", "total used free")


def test_too_little_room_is_found_out_before(
    served: Source, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        bring.shutil, "disk_usage", lambda _: Usage(10**9, 10**9 - 10**5, 10**5)
    )
    words = (
        r"has 0 MB free, but 1 MB are needed; free some space, or set NAPARI_SAM21_H"
    )
    with pytest.raises(ModelError, match=words):
        fetch_model("served")
    assert server.asked == []


def test_a_drive_that_does_not_know_its_size_is_tried(
    served: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bring.shutil, "disk_usage", lambda _: Usage(0, 0, 0))
    assert fetch_model("served").is_dir()


def test_a_full_disk_ends_it_without_asking_others(
    server: Server, archive: bytes, use: Callable, downloads: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A folder in the place of the part: it cannot be written, as on a full disk."""
    first, second = server.put("a.dtmodel", archive), server.put("b.dtmodel", archive)
    use(source_of(first, archive), source_of(second, archive))
    (downloads / "served" / f"{sha256(archive)[:16]}.part").mkdir(parents=True)
    with pytest.raises(ModelError, match=r"cannot write to .*downloads.* .*free some"):
        fetch_model("served")
    assert len(server.asked) <= 1


def test_no_sources_no_question(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("napari_sam21.models.library.PACKAGE_FOLDER", tmp_path)
    with pytest.raises(
        ModelError, match="of model 'starter' are missing .*install nap"
    ):
        fetch_model("starter")


def test_the_lock_is_looked_at_often() -> None:
    assert fetch.LOCK_SECONDS <= 0.5
