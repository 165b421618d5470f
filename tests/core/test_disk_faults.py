"""A disk that is full, read-only, gone or failing: one message, and no harm."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import hammer
import pytest
from hammer import ENTRY, check, held, item

from napari_sam21.core import disk_store
from napari_sam21.core.disk_store import DiskStore

resource = pytest.importorskip("resource", reason="faults are made as POSIX lets us")

HERE = str(Path(hammer.__file__).parent)


def said_once(store: DiskStore, told: list[str]) -> str:
    """Whatever is asked now, there is one message, and nothing is kept."""
    for number in range(3):
        store.put(item(number))
        store.get(f"key {number}")
        store.touch(f"key {number}")
    assert len(told) == 1
    assert told[0] == store.problem
    assert str(store.folder) in told[0]
    assert "Make room there or choose another folder" in told[0]
    return told[0]


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Let the disk be full: files of this process cannot grow beyond a limit.

    Only while a store works: what pytest prints may go to a file, too.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_full_disk(store: DiskStore, told: list[str]) -> None:
    store.put(item(1))
    with file_size_limit(ENTRY // 2):
        said = said_once(store, told)
    assert "File too large" in said
    assert held(store) == [1], "half an entry has no name, and is gone"
    assert len(list(store.folder.iterdir())) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_no_space_left(
    store: DiskStore, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> tuple[int, str]:
        return os.open("/dev/full", os.O_WRONLY), str(store.folder / "part")

    monkeypatch.setattr(disk_store.tempfile, "mkstemp", full)
    assert "No space left" in said_once(store, told)


def test_a_disk_too_full_for_any_embedding(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil._ntuple_diskusage(0, 0, 5 * ENTRY)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    store, told = DiskStore(folder), []
    store.tell = told.append
    assert store.budget == ENTRY // 2, "who asks before does not hide the fault"
    assert "No space left" in said_once(store, told)
    assert not folder.exists()


def test_a_file_in_place_of_the_folder(store: DiskStore, told: list[str]) -> None:
    store.folder.parent.mkdir()
    store.folder.write_text("not a folder")
    assert "File exists" in said_once(store, told)
    assert store.folder.read_text() == "not a folder"


def test_a_file_in_place_of_a_parent(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store, told = DiskStore(tmp_path / "file" / "a" / "b"), []
    store.tell = told.append
    assert store.nbytes == 0
    assert "Not a directory" in said_once(store, told)


@pytest.fixture
def unwritable() -> Iterator[DiskStore]:
    """A store with one entry whose folder may be read only; root becomes nobody."""
    folder = Path(tempfile.mkdtemp(prefix="sam21-"))
    store = DiskStore(folder, 4 * ENTRY)
    store.put(item(9))
    before, nobody = os.geteuid(), 65534
    for path in (folder, *folder.iterdir()):
        path.chmod(0o555)
    if before == 0:
        os.seteuid(nobody)
    yield store
    os.seteuid(before)
    folder.chmod(0o700)
    shutil.rmtree(folder)


def test_a_folder_that_may_not_be_written(unwritable: DiskStore) -> None:
    told: list[str] = []
    unwritable.tell = told.append
    assert check(unwritable.get("key 9"), 9), "reading does"
    assert "Permission denied" in said_once(unwritable, told)


READ_ONLY = """
import sys
from pathlib import Path
sys.path.insert(0, {here!r})
from hammer import check, item
from napari_sam21.core.disk_store import DiskStore
store, told = DiskStore(Path({folder!r})), []
store.tell = told.append
assert check(store.get("key 1"), 1), "a read-only folder can be read"
store.put(item(2)); store.put(item(3)); store.get("key 1")
print(*told, sep="\\n")
"""


def test_a_read_only_mount(store: DiskStore) -> None:
    """In a mount namespace of its own, where the system lets us make one."""
    store.put(item(1))
    script = READ_ONLY.format(here=HERE, folder=str(store.folder))
    mount = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1"'
    probe = ["unshare", "--mount", "--map-root-user"]
    if shutil.which("unshare") is None or subprocess.run([*probe, "true"]).returncode:
        pytest.skip("no mount namespaces here")
    shell = [*probe, "sh", "-c", f'({mount}) || exit 77; exec "$2" -c "$3"']
    arguments = ["sh", str(store.folder), sys.executable, script]
    done = subprocess.run([*shell, *arguments], capture_output=True, text=True)
    if done.returncode == 77:
        pytest.skip(f"no read-only mount here: {done.stderr}")
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done.stderr
    (message,) = done.stdout.splitlines()
    assert "Read-only file system" in message


def test_a_folder_that_vanishes_is_made_again(
    store: DiskStore, told: list[str]
) -> None:
    """Somebody cleaned up: no reason to stop."""
    store.put(item(1))
    shutil.rmtree(store.folder.parent)
    assert store.get("key 1") is None
    store.put(item(2))
    assert check(store.get("key 2"), 2)
    assert told == []


def test_a_folder_that_vanishes_for_good(store: DiskStore, told: list[str]) -> None:
    store.put(item(1))
    shutil.rmtree(store.folder.parent)
    store.folder.parent.write_text("")
    assert store.folder.name in said_once(store, told)


def test_a_disk_that_fails_to_read(
    store: DiskStore, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    store.put(item(0))
    monkeypatch.setattr(disk_store, "read_whole", fail)
    store.get("key 0")
    assert "cannot be read from (Input/output error)" in said_once(store, told)


def test_the_message_is_logged_once(
    store: DiskStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.folder.parent.mkdir()
    store.folder.write_text("")
    with caplog.at_level(logging.WARNING), ThreadPoolExecutor(8) as pool:
        list(pool.map(store.put, [item(n) for n in range(40)]))
    assert [each.message for each in caplog.records] == [store.problem]


def test_a_folder_that_goes_while_it_is_made(
    store: DiskStore, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """``mkdir`` finds the folder, looks what it is, and it has been deleted."""
    make, goes = Path.mkdir, iter([True, True, False])

    def mkdir(path: Path, *args: int, **options: bool) -> None:
        if path == store.folder and next(goes, False):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
        make(path, *args, **options)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    store.put(item(1))
    assert check(store.get("key 1"), 1)
    assert not told
