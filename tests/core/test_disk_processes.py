"""Several processes in one folder, and some that are killed in it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import hammer
import pytest
from hammer import ENTRY, KEYS, check, held, item

from napari_sam21.core import disk_store
from napari_sam21.core.disk_store import ABANDONED, PART, DiskStore

HAMMER = Path(hammer.__file__)
HOUR = 3600 * 10**9


def start(folder: Path, budget: int, seed: int, steps: int) -> subprocess.Popen[str]:
    arguments = [str(each) for each in (folder, budget, seed, steps)]
    return subprocess.Popen(
        [sys.executable, str(HAMMER), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_processes_hammer_one_folder(folder: Path) -> None:
    """They write the same keys, evict, clear and read, all at once."""
    budget = 5 * ENTRY
    processes = [start(folder, budget, seed, 1500) for seed in range(4)]
    outcomes = [process.communicate(timeout=120) for process in processes]
    assert [each.returncode for each in processes] == [0] * 4, outcomes
    assert all(int(out) > 50 for out, _ in outcomes), outcomes
    store = DiskStore(folder, budget)
    store.put(item(1))
    assert store.nbytes <= budget
    assert not list(folder.glob(f"{PART}*"))
    for number in held(store):
        assert check(store.get(f"key {number}"), number)


def test_threads_hammer_one_store(folder: Path) -> None:
    store = DiskStore(folder, 5 * ENTRY)
    with ThreadPoolExecutor(4) as pool:
        hits = list(pool.map(lambda seed: hammer.hammer(store, seed, 300), range(4)))
    assert all(hits)


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {here!r})
from hammer import item
from napari_sam21.core import disk_store
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
disk_store._move = die
disk_store.DiskStore(Path({folder!r})).put(item(1))
"""


@pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")
def test_killed_while_writing(store: DiskStore) -> None:
    """A temporary stays, is never taken for an entry, and goes when it is old."""
    store.put(item(0))
    script = KILLED.format(here=str(HAMMER.parent), folder=str(store.folder))
    done = subprocess.run([sys.executable, "-c", script])
    assert done.returncode == -signal.SIGKILL
    (part,) = store.folder.glob(f"{PART}*")
    assert store.get("key 1") is None
    store.put(item(1))
    assert check(store.get("key 1"), 1)
    assert part.exists(), "for all we know somebody is at it"
    old = time.time_ns() - ABANDONED - HOUR
    os.utime(part, ns=(old, old))
    store.put(item(2))
    assert not part.exists()
    assert held(store) == [0, 1, 2]


def test_killed_at_any_moment(folder: Path) -> None:
    """What a killed process leaves is right or gone; the next one goes on."""
    for seed in range(6):
        process = start(folder, 5 * ENTRY, seed, 10**6)
        time.sleep(0.5 + 0.03 * seed)
        process.kill()
        process.communicate()
    store = DiskStore(folder, 5 * ENTRY)
    for number in range(KEYS):
        check(store.get(f"key {number}"), number)
        store.put(item(number))
        assert store.nbytes <= store.budget
    assert store.problem is None


def test_a_temporary_from_the_future_goes_too(store: DiskStore) -> None:
    store.put(item(0))
    part = store.folder / f"{PART}abc.sam21emb"
    part.write_bytes(b"x")
    later = time.time_ns() + ABANDONED + HOUR
    os.utime(part, ns=(later, later))
    store.put(item(1))
    assert not part.exists()


def test_a_temporary_that_is_swept_is_written_again(
    store: DiskStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    move, swept = disk_store._move, []

    def sweep_first(part: Path, path: Path) -> None:
        if not swept:
            swept.append(part)
            part.unlink()
        move(part, path)

    monkeypatch.setattr(disk_store, "_move", sweep_first)
    store.put(item(1))
    assert check(store.get("key 1"), 1)
    assert store.problem is None
