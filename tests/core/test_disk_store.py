"""The folder of embeddings: what is kept, what goes first, and damaged entries."""

from __future__ import annotations

import os
import shutil
import stat
import time
from pathlib import Path

import numpy as np
import pytest
from hammer import ENTRY, KEYS, check, held, item
from hypothesis import given, settings
from hypothesis import strategies as st

import napari_sam21 as sam
from napari_sam21.core.disk_store import PART, DiskStore
from napari_sam21.core.entry import pack

POSIX = pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX systems")
HOUR = 3600 * 10**9


# --- what is kept ----------------------------------------------------------------


def test_what_is_put_is_got(store: DiskStore) -> None:
    store.put(item(3))
    assert check(store.get("key 3"), 3)
    assert store.get("key 4") is None
    assert store.nbytes == ENTRY


def test_real_features_come_back_exactly(
    tiny: sam.Model, image: np.ndarray, folder: Path
) -> None:
    made = tiny.encode(image, region=(0, 0, 100, 90))
    DiskStore(folder).put(made)
    found = DiskStore(folder).get(made.key)
    assert found is not None
    for name, feature in made.features.items():
        np.testing.assert_array_equal(found.features[name], feature, strict=True)
    prompts = sam.Prompts([(40, 50)], [1])
    answers = [tiny.decode(each, prompts) for each in (made, found)]
    np.testing.assert_array_equal(answers[0].logits, answers[1].logits)
    np.testing.assert_array_equal(answers[0].mask(), answers[1].mask())


def test_nothing_is_touched_before_something_is_kept(store: DiskStore) -> None:
    assert (store.get("key 1"), store.nbytes, store.problem) == (None, 0, None)
    store.touch("key 1")
    store.clear()
    assert not store.folder.parent.exists()


@POSIX
def test_the_folder_is_the_users_alone(store: DiskStore) -> None:
    store.put(item(1))
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700
    (file,) = store.folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@POSIX
def test_a_folder_that_is_there_keeps_its_mode(store: DiskStore) -> None:
    store.folder.mkdir(parents=True)
    store.folder.chmod(0o755)
    store.put(item(1))
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o755


def test_the_same_key_is_kept_once(store: DiskStore) -> None:
    for _ in range(3):
        store.put(item(1))
    assert store.nbytes == ENTRY


def test_clear_deletes_what_is_ours_only(store: DiskStore) -> None:
    for number in range(3):
        store.put(item(number))
    foreign = store.folder / "thesis.txt"
    foreign.write_text("mine")
    (store.folder / f"{PART}abc.sam21emb").write_bytes(b"left")
    store.clear()
    assert list(store.folder.iterdir()) == [foreign]
    assert store.nbytes == 0
    foreign.unlink()
    store.clear()
    assert not store.folder.exists()
    store.put(item(1))
    assert check(store.get("key 1"), 1)


def test_a_key_may_hold_anything(store: DiskStore) -> None:
    for key in ("", "../../x", "a/b", "ü\0\n", "k" * 5000):
        made = sam.Embedding(item(1).features, item(1).region, (1, 1), key, "m")
        store.put(made)
        found = store.get(key)
        assert found is not None
        assert found.key == key
    assert {each.parent for each in store.folder.rglob("*")} == {store.folder}


# --- what goes -------------------------------------------------------------------


def test_the_least_recently_used_goes_first(store: DiskStore) -> None:
    for number in range(4):
        store.put(item(number))
    store.get("key 0")
    store.touch("key 1")
    store.put(item(4))
    store.put(item(5))
    assert held(store) == [0, 1, 4, 5]
    assert store.nbytes == store.budget


def test_use_counts_in_the_next_session(folder: Path) -> None:
    for number in range(4):
        DiskStore(folder, 4 * ENTRY).put(item(number))
    DiskStore(folder, 4 * ENTRY).get("key 0")
    DiskStore(folder, 4 * ENTRY).put(item(4))
    assert held(DiskStore(folder)) == [0, 2, 3, 4]


def test_what_exceeds_the_budget_alone_pushes_nothing_out(store: DiskStore) -> None:
    store.put(item(1))
    store.put(item(2, cells=20_000))
    assert held(store) == [1]
    assert store.problem is None


def test_a_smaller_budget_is_kept_to(folder: Path) -> None:
    large, small = DiskStore(folder, 8 * ENTRY), DiskStore(folder, 2 * ENTRY)
    for number in range(8):
        large.put(item(number))
    small.put(item(8))
    assert held(small) == [7, 8]


def test_a_budget_of_nothing_is_off(folder: Path) -> None:
    store = DiskStore(folder, 0)
    store.put(item(1))
    assert (store.get("key 1"), store.problem) == (None, None)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("free", "held", "budget"),
    [(10**15, 0, 4 * 10**9), (5000, 0, 500), (4000, 1000, 500)],
)
def test_the_default_budget(
    folder: Path, monkeypatch: pytest.MonkeyPatch, free: int, held: int, budget: int
) -> None:
    monkeypatch.setattr(
        shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(0, 0, free)
    )
    folder.mkdir(parents=True)
    (folder / f"{'0' * 64}.sam21emb").write_bytes(bytes(held))
    assert DiskStore(folder).budget == budget


def test_other_files_count_for_nothing(store: DiskStore) -> None:
    store.put(item(0))
    for name in ("big.bin", "0" * 64, f"{'g' * 64}.sam21emb", "sub"):
        (store.folder / name).write_bytes(bytes(9 * ENTRY))
    (store.folder / f"{'a' * 64}.sam21emb").mkdir()
    for number in range(1, 6):
        store.put(item(number))
    assert held(store) == [2, 3, 4, 5]
    assert len(list(store.folder.iterdir())) == 9


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, KEYS - 1), st.sampled_from("pgt")), max_size=25),
    st.lists(st.integers(-(10**18), 10**18), min_size=25, max_size=25),
)
def test_order_of_use_holds_whatever_the_clock_does(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[int, str]],
    clock: list[int],
) -> None:
    """A list of keys in order of use is the model; several processes take turns."""
    folder = tmp_path_factory.mktemp("clock")
    model: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        for (number, deed), now in zip(steps, clock, strict=False):
            patch.setattr(time, "time_ns", lambda now=now: 2 * 10**18 + now)
            store = DiskStore(folder, 4 * ENTRY)
            if deed == "p":
                store.put(item(number))
                model = [*(n for n in model if n != number), number][-4:]
            elif number in model:
                if deed == "g":
                    assert check(store.get(f"key {number}"), number)
                else:
                    store.touch(f"key {number}")
                model = [*(n for n in model if n != number), number]
            assert held(store) == sorted(model)


@pytest.mark.parametrize("hours", [-24 * 365, 24 * 365])
def test_a_clock_that_is_set(
    store: DiskStore, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    for number in range(4):
        store.put(item(number))
    now = time.time_ns() + hours * HOUR
    monkeypatch.setattr(time, "time_ns", lambda: now)
    store.get("key 0")
    store.put(item(4))
    store.put(item(5))
    assert held(store) == [0, 3, 4, 5]


# --- damage ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "content", [b"", b"x", bytes(ENTRY), b"".join(pack(item(2)))[:-1]]
)
def test_a_damaged_entry_is_dropped_and_made_again(
    store: DiskStore, content: bytes
) -> None:
    store.put(item(1))
    store._path("key 1").write_bytes(content)
    assert store.get("key 1") is None
    assert held(store) == []
    store.put(item(1))
    assert check(store.get("key 1"), 1)
    assert store.problem is None


def test_the_entry_of_another_key_is_never_taken(store: DiskStore) -> None:
    store.put(item(1))
    store._path("key 1").rename(store._path("key 2"))
    assert store.get("key 2") is None


@settings(max_examples=150, deadline=None)
@given(place=st.integers(0, ENTRY - 1), change=st.integers(1, 255), cut=st.booleans())
def test_the_right_numbers_or_none(
    tmp_path_factory: pytest.TempPathFactory, place: int, change: int, cut: bool
) -> None:
    store = DiskStore(tmp_path_factory.mktemp("damage"))
    store.put(item(1))
    path = store._path("key 1")
    content = bytearray(path.read_bytes())
    content[place] ^= change
    path.write_bytes(content[:place] if cut else content)
    assert store.get("key 1") is None
    assert not path.exists()
    assert store.problem is None


def test_a_huge_file_is_not_read(store: DiskStore) -> None:
    store.put(item(1))
    with store._path("key 1").open("r+b") as file:
        file.truncate(1 << 40)  # sparse: it takes no room
    assert store.get("key 1") is None
    assert held(store) == []


def test_a_folder_in_place_of_an_entry(store: DiskStore) -> None:
    store._path("key 1").mkdir(parents=True)
    assert store.get("key 1") is None
    assert store.problem is None
