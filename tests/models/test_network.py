"""Mirrors, proxies, and machines without a network."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from models.server import Reply, Server, closed_port, names_in, running, source_of

from napari_sam21.core.errors import ModelError
from napari_sam21.models import stream
from napari_sam21.models.fetch import fetch_model
from napari_sam21.models.record import RECORD, read_record
from napari_sam21.models.table import Source

NAME = "served.dtmodel"
PROXIES = [f"{each}_proxy" for each in ("http", "https", "all", "no")]


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Another server, which is the institute's mirror."""
    with running() as state:
        monkeypatch.setenv("NAPARI_SAM21_MIRROR", state.address.rstrip("/"))
        yield state


# --- mirrors ----------------------------------------------------------------------


def test_the_mirror_is_asked_first(
    served: Source, server: Server, mirror: Server, archive: bytes
) -> None:
    url = mirror.put(NAME, archive)
    assert read_record(fetch_model("served")).source == url
    assert server.asked == []


@pytest.mark.parametrize("reply", [Reply(status=404), Reply(b"other bytes")])
def test_without_the_mirror_the_publisher_is_asked(
    reply: Reply, served: Source, server: Server, mirror: Server
) -> None:
    mirror.put(NAME, reply)
    assert read_record(fetch_model("served")).source == served.url
    assert len(mirror.asked) == len(server.asked) == 1


def test_a_password_of_the_mirror_is_not_told(
    served: Source, mirror: Server, archive: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = mirror.address.replace("//", "//me:secret@")
    monkeypatch.setenv("NAPARI_SAM21_MIRROR", address)
    mirror.put(NAME, archive)
    steps: list[str] = []
    folder = fetch_model("served", progress=lambda step, *_: steps.append(step))
    assert read_record(folder).source == mirror.address + NAME
    assert "secret" not in (folder / RECORD).read_text() + str(steps)


@pytest.mark.parametrize(
    "value",
    ["ftp://a.b/", "/mnt/models", "https://", "a.b", "http://a:b/", "https://["],
)
def test_a_mirror_that_is_no_address_is_refused(
    value: str, served: Source, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAPARI_SAM21_MIRROR", value)
    with pytest.raises(ModelError, match="NAPARI_SAM21_MIRROR is .*names a host") as e:
        fetch_model("served")
    assert repr(value) in str(e.value)
    assert "NAPARI_SAM21_HOME" in str(e.value)
    assert server.asked == []


# --- offline, and proxies ---------------------------------------------------------

UNREACHABLE = {
    "closed port": "http://127.0.0.1:{port}/",
    "no such name": "http://models.invalid/",
    "no name": "http://a..b/",
    "no secret": "https://127.0.0.1:{port}/",
}


@pytest.mark.parametrize("address", UNREACHABLE.values(), ids=UNREACHABLE)
def test_offline_fails_soon_and_says_what_to_do(
    address: str, archive: bytes, use: Callable, models: Path
) -> None:
    use(source_of(address.format(port=closed_port()) + NAME, archive))
    began = time.monotonic()
    with pytest.raises(ModelError, match=r"offline.*napari-sam21 models import FILE"):
        fetch_model("served")
    assert time.monotonic() - began < stream.ANSWER_SECONDS + 2
    assert names_in(models) == []


def test_a_name_that_is_looked_up_for_ever(
    archive: bytes, use: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resolver that is not there blocks for longer than anybody waits."""
    monkeypatch.setattr(stream, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(1) or [])
    use(source_of("http://models.invalid/" + NAME, archive))
    began = time.monotonic()
    with pytest.raises(ModelError, match="silent for 0 s"):
        fetch_model("served")
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_proxy_is_asked(
    variable: str, archive: bytes, use: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"http://models.invalid/{NAME}"
    use(source_of(url, archive))
    with running() as proxy:
        proxy.replies[url] = [Reply(archive)]
        monkeypatch.setenv(variable, proxy.address)
        assert read_record(fetch_model("served")).source == url
        assert proxy.asked == [(url, "")]


def test_no_proxy_is_heeded(served: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert fetch_model("served").is_dir()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_down_is_named(
    scheme: str, archive: bytes, use: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    down = f"http://127.0.0.1:{closed_port()}"
    monkeypatch.setenv(f"{scheme.upper()}_PROXY", down)
    use(source_of(f"{scheme}://models.invalid/{NAME}", archive))
    words = (
        r"the proxy refused, or cannot be reached(.|\n)*Behind a proxy set HTTPS_PRO"
    )
    with pytest.raises(ModelError, match=words):
        fetch_model("served")
