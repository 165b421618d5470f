"""Embeddings kept: the most recently used ones, bounded in bytes."""

from __future__ import annotations

import threading
from dataclasses import replace

from cachetools import LRUCache

from napari_sam21.core.embedding import Embedding
from napari_sam21.core.preprocess import ModelInput
from napari_sam21.core.runtime import Cancellation
from napari_sam21.core.sam2 import Model

DEFAULT_BUDGET = 1 << 30
"""About sixty embeddings of 16.8 MB."""


class MemoryStore:
    """Least recently used out; safe to use from several threads.

    Parameters
    ----------
    budget : int
        Bytes of features kept at most.
    """

    def __init__(self, budget: int = DEFAULT_BUDGET) -> None:
        self._lock = threading.Lock()
        self._cache: LRUCache[str, Embedding] = LRUCache(
            budget, getsizeof=lambda embedding: embedding.nbytes
        )

    @property
    def nbytes(self) -> int:
        """Bytes of features held now."""
        return int(self._cache.currsize)

    def get(self, key: str) -> Embedding | None:
        """Return the embedding of a key, and count it as just used."""
        with self._lock:
            return self._cache.get(key)

    def put(self, embedding: Embedding) -> None:
        """Keep an embedding, unless it alone exceeds the budget."""
        with self._lock:
            if embedding.nbytes <= self._cache.maxsize:
                self._cache[embedding.key] = embedding

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._cache.clear()


def encode_stored(
    model: Model,
    model_input: ModelInput,
    store: MemoryStore,
    cancel: Cancellation | None = None,
) -> Embedding:
    """Return the embedding of an input from the store, else encode and keep it.

    Two regions with equal pixels share a key, so a stored embedding gets the region
    and plane it is asked for.
    """
    found = store.get(model.key(model_input))
    if found is None:
        found = model.encode_input(model_input, cancel)
        store.put(found)
    region, shape = model_input.region, model_input.plane_shape
    if (found.region, found.shape) == (region, shape):
        return found
    return replace(found, region=region, shape=shape)
