"""Several processes at once, and processes that are ended in the middle."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest
from models.server import (
    Reply,
    Server,
    fetch_code,
    names_in,
    start,
    wait_for,
)

import napari_sam21 as sam
from napari_sam21.models import home
from napari_sam21.models.fetch import fetch_model
from napari_sam21.models.imports import import_model
from napari_sam21.models.library import own_names, state_of, verify
from napari_sam21.models.table import Source

NAME = "served.dtmodel"


@pytest.fixture(autouse=True)
def same_places(places: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep models where the other processes do."""
    if home.user_data_path() != places / "data":
        pytest.skip("the places of other processes cannot be set on this system")
    for kind in ("data", "cache"):
        there = places / kind / "napari-sam21"
        monkeypatch.setattr(home, f"user_{kind}_path", lambda *_, f=there, **__: f)
    return places


@pytest.fixture
def folder(same_places: Path) -> Path:
    return same_places / "data" / "napari-sam21" / "models"


def test_two_processes_fetch_once(
    served: Source, server: Server, archive: bytes, folder: Path
) -> None:
    gate = threading.Event()
    server.put(NAME, Reply(archive, gate=gate))
    # The second only knows that it has to wait when it waits: it says so.
    tell = (
        "\nimport functools\nfetch.fetch_model = functools.partial(fetch.fetch_model,"
    )
    tell += " progress=lambda step, *_: print(step, flush=True))\n"
    first = start(fetch_code(served))
    wait_for(lambda: server.asked)
    second = start(tell + fetch_code(served))
    assert second.stdout is not None
    assert second.stdout.readline().startswith("Waiting for another napari")
    gate.set()
    for process in (first, second):
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        assert out.splitlines()[-1] == str(folder / "served")
    assert len(server.asked) == 1
    assert verify("served") == ""


def test_a_process_that_is_killed_while_fetching(
    served: Source, server: Server, archive: bytes, folder: Path, places: Path
) -> None:
    server.put(NAME, Reply(archive, pause=0.1), archive)
    process = start(fetch_code(served))
    parts = places / "cache" / "napari-sam21" / "downloads"
    wait_for(lambda: any(each.stat().st_size for each in parts.glob("served/*.part")))
    process.kill()
    process.communicate(timeout=60)
    assert names_in(folder) == []
    assert state_of("served").state == "absent"
    assert fetch_model("served") == folder / "served"
    assert server.ranges(NAME)[1].startswith("bytes=")
    assert verify("served") == ""
    assert names_in(parts) == ["served.lock"]


@pytest.mark.parametrize("step", ["bring", "move_into_place"])
def test_a_process_that_is_killed_while_unpacking(
    step: str, served: Source, server: Server, folder: Path
) -> None:
    hang = f"""
import time
from napari_sam21.models import install
done = install.{step}
def hang(*arguments):
    if {step == "bring"}:
        done(*arguments)
    print("here", flush=True)
    time.sleep(60)
install.{step} = hang
"""
    process = start(hang + fetch_code(served))
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    process.kill()
    process.communicate(timeout=60)
    (left,) = names_in(folder)
    assert left.startswith(home.STAGED)
    assert own_names() == ()
    assert state_of("served").state == "absent"
    assert fetch_model("served") == folder / "served"
    assert len(server.asked) == 1  # what came was whole
    assert sam.load_model("served").name == "served"


def test_an_older_model_outlives_a_process_that_is_killed(
    tiny_folder: Path, folder: Path
) -> None:
    import_model(tiny_folder, name="mine")
    process = start(f"""
import time
from napari_sam21.models import install
def hang(*arguments):
    print("here", flush=True)
    time.sleep(60)
install.move_into_place = hang
imports.import_model({str(tiny_folder)!r}, name="mine", replace=True)
""")
    assert process.stdout is not None
    assert process.stdout.readline() == "here\n"
    process.kill()
    process.communicate(timeout=60)
    assert own_names() == ("mine",)
    assert verify("mine") == ""


def test_many_give_one_name_at_once(tiny_folder: Path, folder: Path) -> None:
    """The last wins, each is whole, and nobody's folder stays behind."""
    gone: list[Exception] = []

    def bring() -> None:
        try:
            import_model(tiny_folder, name="mine", replace=True)
        except Exception as error:
            gone.append(error)

    threads = [threading.Thread(target=bring) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert gone == []
    assert names_in(folder) == ["mine"]
    assert verify("mine") == ""


def test_a_name_that_many_take_is_given_each_time(folder: Path) -> None:
    """Between a look at a name and its taking, others may have taken or freed it."""
    folder.mkdir(parents=True)
    gone: list[OSError] = []

    def give(text: str) -> None:
        for _ in range(60):
            try:
                with home.staged_folder(folder) as staged:
                    (staged / "whose").write_text(text)
                    home.move_into_place(staged, folder / "mine")
            except OSError as error:
                gone.append(error)

    threads = [threading.Thread(target=give, args=(str(n),)) for n in range(6)]
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # they meet at every step
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(usual)
    assert gone == []
    assert names_in(folder) == ["mine"]
    assert (folder / "mine" / "whose").read_text() in "012345"
