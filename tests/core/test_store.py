"""Embeddings kept: what goes first, how much stays, and nothing encoded twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from graphs import decoder, encoder

import napari_sam21 as sam
from napari_sam21.core.embedding import Embedding
from napari_sam21.core.errors import Cancelled
from napari_sam21.core.geometry import Region
from napari_sam21.core.preprocess import prepare
from napari_sam21.core.runtime import Graph
from napari_sam21.core.store import MemoryStore, encode_stored


class Counting(Graph):
    """A graph that counts its runs."""

    runs = 0

    def run(self, *arguments: object) -> list[np.ndarray]:
        self.runs += 1
        return super().run(*arguments)


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
