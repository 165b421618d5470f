"""Embeddings kept: in memory, below that on disk, each level bounded in bytes."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Protocol

from cachetools import LRUCache

from napari_sam21.core.background import Background
from napari_sam21.core.contract import FEATURES
from napari_sam21.core.disk_store import DiskStore
from napari_sam21.core.embedding import Embedding
from napari_sam21.core.preprocess import ModelInput
from napari_sam21.core.runtime import Cancellation
from napari_sam21.core.sam2 import Model

DEFAULT_BUDGET = 1 << 30
"""About sixty embeddings of 16.8 MB."""

EMBEDDING_BYTES = sum(4 * math.prod(shape) for shape in FEATURES.values())
"""Of any model, in memory."""
ENTRY_BYTES = EMBEDDING_BYTES + 4096
"""The same on disk, at most."""

ASIDE_SHARE = 4
"""At most a quarter of the memory is filled at a time with what nobody asked for."""

PATIENCE = 2.0
"""Seconds that the end of a session waits for the disk."""

Tell = Callable[[str], None]


class Store(Protocol):
    """What keeps embeddings; from any thread."""

    def get(self, key: str) -> Embedding | None:
        """Return the embedding of a key, and count it as just used."""

    def put(self, embedding: Embedding) -> None:
        """Keep an embedding, if there is room."""

    @property
    def capacity(self) -> int:
        """How many embeddings are kept at most, where they are kept longest."""

    def has(self, key: str) -> bool:
        """Whether an embedding is there where it is kept longest; counts as a use."""

    def put_now(self, embedding: Embedding) -> None:
        """Keep an embedding where it is kept longest, in the calling thread."""

    @property
    def room_aside(self) -> int:
        """How many embeddings may be made on the off chance, one after another."""

    def put_aside(self, embedding: Embedding) -> None:
        """Keep what was made on the off chance: in memory only."""


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
    def capacity(self) -> int:
        """How many embeddings are kept at most."""
        return int(self._cache.maxsize // EMBEDDING_BYTES)

    @property
    def room_aside(self) -> int:
        """How many may be made on the off chance: what is in use must stay."""
        return self.capacity // ASIDE_SHARE

    def has(self, key: str) -> bool:
        """Whether an embedding is there; counts it as just used."""
        return self.get(key) is not None

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

    def put_now(self, embedding: Embedding) -> None:
        """Keep an embedding, as `put` does."""
        self.put(embedding)

    def put_aside(self, embedding: Embedding) -> None:
        """Keep an embedding, as `put` does."""
        self.put(embedding)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._cache.clear()


class EmbeddingStore:
    """Memory first, then disk; the disk is written to in the background.

    Parameters
    ----------
    memory : MemoryStore
    disk : DiskStore, optional
        Default: nothing is kept on disk.
    """

    def __init__(self, memory: MemoryStore, disk: DiskStore | None = None) -> None:
        self.memory = memory
        self._writing = Background("sam21-store")
        self._listeners: list[Tell] = []
        self.use_disk(disk)

    @property
    def disk(self) -> DiskStore | None:
        """Where embeddings are kept on disk; None if they are not."""
        return self._disk

    def use_disk(self, disk: DiskStore | None) -> None:
        """Keep embeddings in another folder from now on, or (None) in memory only."""
        self._disk = disk
        if disk is not None:
            disk.tell = self._tell

    def get(self, key: str) -> Embedding | None:
        """Return the embedding of a key, and count it as just used, on both levels.

        From disk it takes some ten milliseconds: not for a thread that draws.
        """
        disk = self._disk
        found = self.memory.get(key)
        if disk is None:
            return found
        if found is not None:
            self._writing.submit(partial(disk.touch, key))
            return found
        found = disk.get(key)
        if found is not None:
            self.memory.put(found)
        return found

    def put(self, embedding: Embedding) -> None:
        """Keep an embedding in memory now, and on disk soon.

        Who makes many, one after another, calls `flush` now and then: what is too much
        for the disk is kept in memory only.
        """
        disk = self._disk
        self.memory.put(embedding)
        if disk is not None:
            self._writing.submit(partial(disk.put, embedding))

    @property
    def _lasting(self) -> DiskStore | None:
        """The disk, while it can be used."""
        disk = self._disk
        return None if disk is None or disk.problem is not None else disk

    @property
    def capacity(self) -> int:
        """How many embeddings are kept at most, on disk if they are kept there."""
        disk = self._lasting
        return self.memory.capacity if disk is None else disk.budget // ENTRY_BYTES

    @property
    def room_aside(self) -> int:
        """How many may be made on the off chance, in memory."""
        return self.memory.room_aside

    def has(self, key: str) -> bool:
        """Whether an embedding is on disk, or without a disk in memory."""
        disk = self._lasting
        return self.memory.has(key) if disk is None else disk.has(key)

    def put_now(self, embedding: Embedding) -> None:
        """Keep an embedding on disk, or without a disk in memory.

        The calling thread writes: whoever makes many never gets ahead of the disk, and
        what the user has in memory stays there.
        """
        disk = self._lasting
        if disk is None:
            self.memory.put(embedding)
        else:
            disk.put(embedding)

    def put_aside(self, embedding: Embedding) -> None:
        """Keep what was made on the off chance: in memory, and not on disk.

        There it would drive out what somebody has used.
        """
        self.memory.put(embedding)

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all is on disk; False if it is not, after so many seconds."""
        return self._writing.flush(timeout)

    def clear(self) -> None:
        """Forget everything, in memory and on disk.

        Raises
        ------
        OSError
            If something on disk cannot be deleted.
        """
        self.flush(PATIENCE)
        self.memory.clear()
        if self._disk is not None:
            self._disk.clear()

    def close(self, timeout: float = PATIENCE) -> None:
        """Keep nothing more on disk; wait some seconds for what is being written."""
        self._writing.close(timeout)

    def subscribe(self, tell: Tell) -> Callable[[], None]:
        """Have somebody told, once, when the disk cannot be used any more.

        Parameters
        ----------
        tell : callable
            Gets the message, in whatever thread met the fault.

        Returns
        -------
        callable
            Ends it.
        """
        self._listeners.append(tell)

        def end() -> None:
            if tell in self._listeners:
                self._listeners.remove(tell)

        return end

    def _tell(self, message: str) -> None:
        for tell in tuple(self._listeners):
            tell(message)


def encode_stored(
    model: Model,
    model_input: ModelInput,
    store: Store,
    cancel: Cancellation | None = None,
    keep: Callable[[Embedding], None] | None = None,
) -> Embedding:
    """Return the embedding of an input from the store, else encode and keep it.

    Two regions with equal pixels share a key, so a stored embedding gets the region
    and plane it is asked for.
    """
    found = store.get(model.key(model_input))
    if found is None:
        found = model.encode_input(model_input, cancel)
        (keep or store.put)(found)
    region, shape = model_input.region, model_input.plane_shape
    if (found.region, found.shape) == (region, shape):
        return found
    return replace(found, region=region, shape=shape)
