"""Embeddings kept: what goes first, how much stays, and nothing encoded twice."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from graphs import decoder, encoder

import napari_sam21 as sam
from napari_sam21.core.background import ROOM, Background
from napari_sam21.core.disk_store import DiskStore
from napari_sam21.core.embedding import Embedding
from napari_sam21.core.errors import Cancelled
from napari_sam21.core.geometry import Region
from napari_sam21.core.preprocess import prepare
from napari_sam21.core.runtime import Graph
from napari_sam21.core.store import EmbeddingStore, MemoryStore, encode_stored


class Counting(Graph):
    """A graph that counts its runs."""

    runs = 0

    def run_signed(self, *arguments: object) -> tuple[list[np.ndarray], str]:
        self.runs += 1
        return super().run_signed(*arguments)


@pytest.fixture(scope="module")
def counted() -> tuple[sam.Model, Counting]:
    graph = Counting(encoder().SerializeToString(), "encoder")
    return sam.Model("t", graph, Graph(decoder().SerializeToString(), "d")), graph


def item(key: str, cells: int = 25) -> Embedding:
    """An embedding of four bytes a cell."""
    feature = np.zeros(cells, np.float32)
    return Embedding({"f": feature}, Region(0, 0, 1, 1), (1, 1), key, "model")


def held(store: MemoryStore, keys: str) -> str:
    return "".join(key for key in keys if store.get(key) is not None)


def test_what_is_put_is_got() -> None:
    store, kept = MemoryStore(), item("a")
    store.put(kept)
    assert store.get("a") is kept
    assert store.get("b") is None
    assert store.nbytes == 100


def test_the_least_recently_used_goes_first() -> None:
    store = MemoryStore(300)
    for key in "abc":
        store.put(item(key))
    store.get("a")
    store.put(item("d"))
    assert held(store, "abcd") == "acd"
    assert store.nbytes == 300


def test_the_budget_is_in_bytes() -> None:
    store = MemoryStore(300)
    for key in "abc":
        store.put(item(key))
    store.put(item("d", cells=60))  # 240 bytes push out everything else
    assert held(store, "abcd") == "d"
    assert store.nbytes == 240


def test_what_exceeds_the_budget_alone_is_not_kept_and_pushes_nothing_out() -> None:
    store = MemoryStore(300)
    store.put(item("a"))
    store.put(item("b", cells=76))
    assert held(store, "ab") == "a"


def test_the_same_key_is_kept_once() -> None:
    store = MemoryStore(300)
    for _ in range(5):
        store.put(item("a"))
    assert store.nbytes == 100


def test_clear() -> None:
    store = MemoryStore()
    store.put(item("a"))
    store.clear()
    assert (store.get("a"), store.nbytes) == (None, 0)


def test_many_threads_keep_the_books_right() -> None:
    store = MemoryStore(1000)
    items = [item(str(n), cells=n) for n in range(1, 60)]

    def work(seed: int) -> None:
        for n in np.random.default_rng(seed).integers(0, len(items), 400):
            store.put(items[n])
            store.get(items[-n].key)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(16)))
    found = [store.get(each.key) for each in items]
    assert store.nbytes == sum(each.nbytes for each in found if each is not None)
    assert 0 < store.nbytes <= 1000


def test_an_input_is_encoded_once(
    counted: tuple[sam.Model, Counting], image: np.ndarray
) -> None:
    model, graph = counted
    store, before = MemoryStore(), graph.runs
    first = encode_stored(model, prepare(image), store)
    second = encode_stored(model, prepare(image.astype(np.int32)), store)
    assert graph.runs == before + 1
    assert second.features is first.features


def test_equal_pixels_share_features_but_keep_their_place(
    counted: tuple[sam.Model, Counting],
) -> None:
    model, graph = counted
    store, before = MemoryStore(), graph.runs
    tiles = np.tile(np.arange(32, dtype=np.uint8), (64, 2))
    inputs = (
        prepare(tiles, contrast_limits=(0, 31), region=(0, 0, 64, 32)),
        prepare(tiles, contrast_limits=(0, 31), region=(0, 32, 64, 64)),
        prepare(tiles[:, :32], contrast_limits=(0, 31)),
    )
    left, right, alone = (encode_stored(model, each, store) for each in inputs)
    assert graph.runs == before + 1
    assert left.features is right.features is alone.features
    assert (left.region, right.region) == ((0, 0, 64, 32), (0, 32, 64, 64))
    assert (right.shape, alone.shape) == ((64, 64), (64, 32))
    answer = model.decode(right, sam.Prompts([(30, 50)], [1]))
    rows, columns = np.nonzero(answer.mask())
    np.testing.assert_allclose((rows.mean(), columns.mean()), (30, 50), atol=1)


def test_what_was_cancelled_is_not_kept(tiny: sam.Model, image: np.ndarray) -> None:
    store, cancellation = MemoryStore(), sam.Cancellation()
    cancellation.cancel()
    with pytest.raises(Cancelled):
        encode_stored(tiny, prepare(image), store, cancellation)
    assert store.nbytes == 0


def test_a_store_too_small_still_answers(tiny: sam.Model, image: np.ndarray) -> None:
    store = MemoryStore(10)
    assert encode_stored(tiny, prepare(image), store).nbytes > 10
    assert store.nbytes == 0


# --- memory, then disk -----------------------------------------------------------


@pytest.fixture
def store(folder: Path) -> Iterator[EmbeddingStore]:
    """Two levels with room for three items in memory, and for all on disk."""
    store = EmbeddingStore(MemoryStore(300), DiskStore(folder))
    yield store
    store.close()


def test_memory_comes_first(store: EmbeddingStore) -> None:
    kept = item("a")
    store.put(kept)
    assert store.get("a") is kept
    assert store.get("b") is None


def test_what_memory_forgot_comes_from_disk_and_stays(store: EmbeddingStore) -> None:
    for key in "abcd":
        store.put(item(key))
    assert store.flush(10)
    assert store.memory.get("a") is None
    found = store.get("a")
    assert found is not None
    assert store.memory.get("a") is found
    assert store.memory.nbytes == 300


def test_it_is_there_in_the_next_session(store: EmbeddingStore, folder: Path) -> None:
    store.put(item("a"))
    store.close()
    later = EmbeddingStore(MemoryStore(), DiskStore(folder))
    assert later.get("a") is not None
    assert later.memory.nbytes == 100


def test_use_in_memory_counts_on_disk(store: EmbeddingStore) -> None:
    store.use_disk(DiskStore(store.disk.folder, 3 * store_size(store)))
    for key in "abc":
        store.put(item(key))
    assert store.flush(10)
    assert store.get("a") is not None  # in memory
    assert store.flush(10)
    store.put(item("d"))
    assert store.flush(10)
    assert [key for key in "abcd" if store.disk.get(key)] == ["a", "c", "d"]


def store_size(store: EmbeddingStore) -> int:
    """Bytes of one item on disk."""
    store.disk.put(item("x"))
    size = store.disk.nbytes
    store.disk.clear()
    return size


def test_without_a_disk_nothing_is_written(folder: Path) -> None:
    store = EmbeddingStore(MemoryStore())
    store.put(item("a"))
    assert store.get("a") is not None
    assert store.flush(10)
    store.clear()
    assert store.get("a") is None
    assert not folder.exists()


def test_another_folder_from_now_on(store: EmbeddingStore, tmp_path: Path) -> None:
    store.put(item("a"))
    assert store.flush(10)
    store.use_disk(DiskStore(tmp_path / "other"))
    store.put(item("b"))
    assert store.flush(10)
    assert [store.disk.get(key) is None for key in "ab"] == [True, False]
    store.use_disk(None)
    store.put(item("c"))
    assert store.flush(10)
    assert len(list((tmp_path / "other").iterdir())) == 1


def test_clear_empties_both(store: EmbeddingStore) -> None:
    store.put(item("a"))
    store.clear()
    assert (store.get("a"), store.memory.nbytes, store.disk.nbytes) == (None, 0, 0)


def test_an_answer_does_not_wait_for_the_disk(
    counted: tuple[sam.Model, Counting],
    image: np.ndarray,
    store: EmbeddingStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A disk that hangs: clicks go on, a little waits, the rest is not kept there."""
    gate, held_up = threading.Event(), []

    def hang(embedding: Embedding) -> None:
        held_up.append(embedding.key)
        assert gate.wait(20)

    monkeypatch.setattr(store.disk, "put", hang)
    for number in range(ROOM + 5):
        assert encode_stored(counted[0], prepare(image[number:]), store).nbytes
    assert not store.flush(0.01)
    started = time.monotonic()
    store.close(0.1)
    assert time.monotonic() - started < 5
    gate.set()
    assert store.flush(10)
    assert len(held_up) in (ROOM, ROOM + 1)


def test_disk_answers_instead_of_the_encoder(
    counted: tuple[sam.Model, Counting], image: np.ndarray, folder: Path
) -> None:
    model, graph = counted
    first = EmbeddingStore(MemoryStore(), DiskStore(folder))
    made = encode_stored(model, prepare(image), first)
    first.close()
    before = graph.runs
    later = EmbeddingStore(MemoryStore(), DiskStore(folder))
    found = encode_stored(model, prepare(image), later)
    assert graph.runs == before
    assert (found.region, found.shape, found.key) == (made.region, made.shape, made.key)
    for name, feature in made.features.items():
        np.testing.assert_array_equal(found.features[name], feature)


def test_a_damaged_entry_is_encoded_anew(
    counted: tuple[sam.Model, Counting], image: np.ndarray, folder: Path
) -> None:
    model, graph = counted
    first = EmbeddingStore(MemoryStore(), DiskStore(folder))
    made = encode_stored(model, prepare(image), first)
    first.close()
    (path,) = folder.iterdir()
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\x55\xaa")
    before = graph.runs
    later = EmbeddingStore(MemoryStore(), DiskStore(folder))
    found = encode_stored(model, prepare(image), later)
    assert graph.runs == before + 1
    np.testing.assert_array_equal(
        found.features["image_embed"], made.features["image_embed"]
    )
    assert later.flush(10)
    assert later.disk.get(made.key) is not None


def test_a_cancelled_encode_is_nowhere(
    tiny: sam.Model, image: np.ndarray, store: EmbeddingStore, folder: Path
) -> None:
    cancellation = sam.Cancellation()
    cancellation.cancel()
    with pytest.raises(Cancelled):
        encode_stored(tiny, prepare(image), store, cancellation)
    assert store.flush(10)
    assert (store.memory.nbytes, folder.exists()) == (0, False)


def test_a_fault_of_the_disk_is_told_once_and_clicks_go_on(
    tiny: sam.Model, image: np.ndarray, store: EmbeddingStore, folder: Path
) -> None:
    folder.parent.mkdir(parents=True)
    folder.write_text("in the way")
    told, other, gone = [], [], []
    store.subscribe(told.append)
    store.subscribe(other.append)
    store.subscribe(gone.append)()
    for number in range(3):
        assert encode_stored(tiny, prepare(image[number:]), store).nbytes
        assert store.flush(10)
    assert told == other == [store.disk.problem]
    assert gone == []


def test_ten_thousand_moves_keep_within_the_budget(store: EmbeddingStore) -> None:
    one = store_size(store)
    memory, disk = 300, 20 * one
    store.use_disk(DiskStore(store.disk.folder, disk))
    largest, met = 0, {"memory": 0, "disk": 0, "nowhere": 0}
    for number in np.random.default_rng(0).integers(0, 30, 10_000):
        key = chr(ord("A") + number)
        level = "memory" if store.memory.get(key) else "disk"
        if store.get(key) is None:
            level = "nowhere"
            store.put(item(key))
            assert store.flush(10)
        met[level] += 1
        assert store.memory.nbytes <= memory
        largest = max(largest, store.disk.nbytes)
    assert disk - one < largest <= disk * 1.05
    assert all(count > 500 for count in met.values()), met


# --- what is done in the background ----------------------------------------------


def test_jobs_are_done_in_order() -> None:
    background, done = Background("b", room=100), []
    for number in range(100):
        assert background.submit(partial(done.append, number))
    assert background.flush(10)
    assert done == list(range(100))
    assert background.submit(partial(done.append, 100))
    background.close(10)
    assert done[-1] == 100
    assert not background.submit(partial(done.append, 101))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_job_that_fails_does_not_stop_the_next() -> None:
    background, done = Background("b"), []
    background.submit(partial(divmod, 1, 0))
    background.flush(10)
    background.submit(partial(done.append, 1))
    assert background.flush(10)
    assert done == [1]


def test_jobs_share_a_thread_which_ends_when_nothing_comes() -> None:
    threads: list[threading.Thread] = []
    background = Background("b", idle=0.2)
    for _ in range(2):
        assert background.submit(lambda: threads.append(threading.current_thread()))
        assert background.flush(10)
    assert threads[0] is threads[1]
    threads[0].join(10)
    assert not threads[0].is_alive()
    assert background.submit(lambda: threads.append(threading.current_thread()))
    assert background.flush(10)
    assert threads[2] is not threads[0]


def test_a_closed_background_ends_its_thread_at_once() -> None:
    threads: list[threading.Thread] = []
    background = Background("b", idle=1000)
    background.submit(lambda: threads.append(threading.current_thread()))
    background.close(10)
    threads[0].join(10)
    assert not threads[0].is_alive()
    assert not background.submit(lambda: None)
