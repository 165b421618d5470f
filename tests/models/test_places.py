"""Folders that are shared, full, or cannot be written."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from models.server import (
    Server,
    fetch_code,
    names_in,
    sha256,
    source_of,
    start,
)

import napari_sam21 as sam
from napari_sam21.core.errors import ModelError
from napari_sam21.models import home
from napari_sam21.models.fetch import fetch_model
from napari_sam21.models.imports import import_model
from napari_sam21.models.library import remove, state_of, states
from napari_sam21.models.table import Source

NAME = "served.dtmodel"
# --- folders ----------------------------------------------------------------------


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that NAPARI_SAM21_HOME names."""
    folder = tmp_path / "shared"
    monkeypatch.setenv("NAPARI_SAM21_HOME", str(folder))
    return folder


def test_models_go_to_the_folder_that_is_named(served: Source, shared: Path) -> None:
    assert fetch_model("served") == shared / "models" / "served"


def test_the_shared_folder_comes_first_and_ones_own_are_found(
    tiny_folder: Path, tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("mine", "both"):
        import_model(tiny_folder, name=name)
    monkeypatch.setenv("NAPARI_SAM21_HOME", str(tmp_path / "shared"))
    there = tmp_path / "shared" / "models"
    import_model(tiny_folder, name="theirs")
    shutil.copytree(models / "both", there / "both")
    assert state_of("mine").folder == models / "mine"
    assert state_of("both").folder == there / "both"
    assert state_of("theirs").folder == there / "theirs"
    assert [each.name for each in states() if each.own] == ["both", "mine", "theirs"]
    remove("both")
    assert state_of("both").folder == models / "both"


def test_a_broken_model_in_a_shared_folder_does_not_hide_ones_own(
    served: Source, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch_model("served")
    shared = tmp_path / "shared" / "models" / "served"
    shutil.copytree(models / "served", shared)
    (shared / "encoder.onnx").unlink()
    monkeypatch.setenv("NAPARI_SAM21_HOME", str(tmp_path / "shared"))
    assert fetch_model("served") == state_of("served").folder == models / "served"


@pytest.fixture
def unwritable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home below a regular file: nobody can write there, root neither."""
    path = tmp_path / "file" / "home"
    path.parent.write_text("not a folder")
    monkeypatch.setenv("NAPARI_SAM21_HOME", str(path))
    return path


def test_ones_own_folder_is_used_if_the_named_cannot_be(
    unwritable: Path, served: Source, models: Path
) -> None:
    assert fetch_model("served") == models / "served"
    assert sam.load_model("served").name == "served"


def test_no_folder_at_all_is_told_before_anybody_is_asked(
    unwritable: Path, served: Source, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home, "user_data_path", lambda *_, **__: unwritable / "data")
    words = "models cannot be kept in .* nor in .*; set NAPARI_SAM21_HOME to a folder"
    with pytest.raises(ModelError, match=words):
        fetch_model("served")
    with pytest.raises(ModelError, match=words):
        import_model(unwritable.parent.parent)
    assert server.asked == []


def test_a_cache_that_cannot_be_written_is_told(
    unwritable: Path, served: Source, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home, "user_cache_path", lambda *_, **__: unwritable / "cache")
    with pytest.raises(ModelError, match="cannot write to .*cache.*import a file that"):
        fetch_model("served")
    assert server.asked == []


def test_a_home_of_nobody_is_a_folder_like_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NAPARI_SAM21_HOME", "~nosuchuser/models")
    assert next(state.name for state in states()) == "starter"


# --- folders that the system will not let us write, in a process of its own --------

BOUND = """
import ctypes, os, sys
if os.getuid() == 0 and "bound" not in os.environ:
    libc = ctypes.CDLL(None)  # root may write everywhere, unless it gives that away:
    for right in (1, 2):      # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        if libc.prctl(24, right, 0, 0, 0) != 0:  # PR_CAPBSET_DROP
            print("cannot give rights away"); sys.exit(9)
    os.environ["bound"] = "1"
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
"""


def outcome(code: str) -> str:
    """What a process of its own printed; its last line."""
    process = start(code)
    out, err = process.communicate(timeout=60)
    assert process.returncode in (0, 3), out + err
    return out.strip().splitlines()[-1]


@pytest.mark.skipif(sys.platform == "win32", reason="rights are others on Windows")
@pytest.mark.parametrize("rights", [0o555, 0o000], ids=["read-only", "closed"])
def test_a_shared_folder_without_rights(
    rights: int, served: Source, shared: Path, places: Path, tiny_folder: Path
) -> None:
    import_model(tiny_folder, name="theirs")
    there = shared / "models"
    list_all = "print(*[each.name for each in library.states() if each.own]);"
    try:
        there.chmod(rights)
        code = (
            BOUND + fetch_code(served) + list_all
            + "say(lambda: library.remove('theirs'))"
        )  # fmt: skip
        process = start(code)
        out, err = process.communicate(timeout=60)
    finally:
        there.chmod(0o755)
    lines = out.splitlines()
    assert lines[0].endswith("data/napari-sam21/models/served"), out + err
    assert names_in(there) == ["theirs"]
    if rights:
        assert lines[1] == "theirs"
        assert "cannot be removed (Permission denied); it may be shared" in lines[2]
    else:
        assert "there is no model named 'theirs'" in lines[-1]


# --- full disks -------------------------------------------------------------------

LIMIT = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0}))\n"


@pytest.mark.skipif(sys.platform == "win32", reason="there is no RLIMIT_FSIZE")
def test_a_full_disk_while_fetching(served: Source, places: Path) -> None:
    said = outcome(LIMIT.format(100_001) + fetch_code(served))
    assert said.startswith("DiskError cannot write to ")
    assert "/served (File too large); free some space there, or import" in said
    assert names_in(places / "data" / "napari-sam21" / "models") == []
    # What came had to go, and what is there is whole: the next fetch is a new one.
    assert names_in(places / "cache" / "napari-sam21" / "downloads") == ["served.lock"]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no RLIMIT_FSIZE")
def test_a_full_disk_while_unpacking(
    places: Path, server: Server, tiny_folder: Path, archive: bytes
) -> None:
    """The archive fits, and what is in it does not."""
    largest = max(path.stat().st_size for path in tiny_folder.iterdir())
    source = source_of(server.put(NAME, archive), archive)
    downloads = places / "cache" / "napari-sam21" / "downloads"
    (downloads / "served").mkdir(parents=True)
    whole = downloads / "served" / f"{sha256(archive)[:16]}.dtmodel"
    whole.write_bytes(archive)
    said = outcome(LIMIT.format(largest - 1) + fetch_code(source))
    assert said.startswith("DiskError cannot write to ")
    assert "(File too large); free some space, or set NAPARI_SAM21_HOME" in said
    assert names_in(places / "data" / "napari-sam21" / "models") == []
    assert whole.read_bytes() == archive  # the next time it is not fetched again
    assert server.asked == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 256 KiB, where mounting is allowed."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip(
            "there is no program to mount a tmpfs; RLIMIT_FSIZE is tested above"
        )
    if done.returncode:
        pytest.skip(f"no tmpfs can be mounted here ({done.stderr.strip()}); "
                    "RLIMIT_FSIZE is tested above")  # fmt: skip
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_small_disk_for_downloads(
    small_disk: Path, served: Source, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is needed is more than is free; without that check the disk is filled."""
    monkeypatch.setattr(home, "user_cache_path", lambda *_, **__: small_disk)
    with pytest.raises(ModelError, match="disk/downloads has 0 MB free, but 0 MB are"):
        fetch_model("served")
    monkeypatch.setattr("napari_sam21.models.fetch.need_space", lambda *_: None)
    with pytest.raises(ModelError, match="No space left on device"):
        fetch_model("served")
    assert names_in(small_disk / "downloads") == ["served.lock"]
    assert names_in(models) == []


def test_a_small_disk_for_models(
    small_disk: Path, served: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAPARI_SAM21_HOME", str(small_disk))
    (small_disk / "filler").write_bytes(bytes(250_000))
    monkeypatch.setattr("napari_sam21.models.fetch.need_space", lambda *_: None)
    with pytest.raises(ModelError, match="No space left on device"):
        fetch_model("served")
    assert names_in(small_disk / "models") == []
    (small_disk / "filler").unlink()
    assert fetch_model("served").parent == small_disk / "models"


def test_a_disk_that_is_read_only(
    small_disk: Path, served: Source, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    monkeypatch.setenv("NAPARI_SAM21_HOME", str(small_disk))
    assert fetch_model("served") == models / "served"
