"""One embedding of many: made, or found where it is kept longest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_sam21.core.disk_store import DiskStore
from napari_sam21.core.errors import Cancelled, StoreError
from napari_sam21.core.fill import Progress, fill, how_long, how_much
from napari_sam21.core.preprocess import ModelInput, prepare
from napari_sam21.core.runtime import Cancellation
from napari_sam21.core.store import EMBEDDING_BYTES, EmbeddingStore, MemoryStore


@pytest.fixture
def source(image: np.ndarray) -> ModelInput:
    return prepare(image)


@pytest.fixture
def kept(tmp_path: Path) -> EmbeddingStore:
    return EmbeddingStore(MemoryStore(), DiskStore(tmp_path / "kept", 10**9))


def test_it_is_on_disk_at_once_and_leaves_memory_alone(tiny, source, kept) -> None:
    assert fill(tiny, source, kept)
    key = tiny.key(source)
    assert kept.disk.get(key).key == key
    assert kept.memory.nbytes == 0
    assert not fill(tiny, source, kept)


def test_what_is_in_memory_only_comes_to_the_disk(tiny, source, kept, encodes) -> None:
    found = tiny.encode_input(source)
    kept.memory.put(found)
    assert fill(tiny, source, kept)
    assert kept.disk.has(found.key)
    assert encodes == [found.key]


def test_without_a_disk_it_is_kept_in_memory(tiny, source) -> None:
    store = EmbeddingStore(MemoryStore())
    assert fill(tiny, source, store)
    assert not fill(tiny, source, store)
    assert store.memory.nbytes == EMBEDDING_BYTES


def test_a_damaged_entry_is_made_again_when_it_is_used(tiny, source, kept) -> None:
    fill(tiny, source, kept)
    (path,) = kept.disk.folder.iterdir()
    path.write_bytes(b"damaged")
    assert kept.get(tiny.key(source)) is None
    assert fill(tiny, source, kept)


def test_what_cannot_be_kept_is_an_error(tiny, source, tmp_path) -> None:
    (tmp_path / "taken").write_text("")
    store = EmbeddingStore(MemoryStore(), DiskStore(tmp_path / "taken", 10**9))
    with pytest.raises(StoreError, match="choose another folder for embeddings"):
        fill(tiny, source, store)
    assert store.capacity == store.memory.capacity
    assert fill(tiny, source, store), "in memory from now on"


def test_a_wish_to_stop(tiny, source, kept) -> None:
    cancel = Cancellation()
    cancel.cancel()
    with pytest.raises(Cancelled):
        fill(tiny, source, kept, cancel)
    assert not kept.disk.folder.exists()


def test_capacities() -> None:
    memory = MemoryStore(10 * EMBEDDING_BYTES)
    assert (memory.capacity, memory.room_aside) == (10, 2)


def test_progress_counts_and_guesses() -> None:
    progress = Progress(10)
    assert progress.seconds_left is None
    progress = progress.after(False, 0.1).after(True, 2.0)
    progress = progress.after(True, 4.0).without("slice 3: broken")
    assert (progress.made, progress.found, progress.done) == (2, 1, 4)
    assert progress.seconds_left == pytest.approx(6 * 3.0)
    assert progress.problems == ("slice 3: broken",)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 s"), (44, "44 s"), (50, "1 min"), (600, "10 min"), (9000, "2.5 h")],
)
def test_how_long(seconds: float, words: str) -> None:
    assert how_long(seconds) == words


def test_how_much() -> None:
    assert (how_much(1), how_much(100)) == ("17 MB", "1.7 GB")
