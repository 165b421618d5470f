"""Where this session keeps embeddings, how full it is, and how to have it otherwise.

Knows no napari and no Qt. What is changed here takes effect at once, for every viewer
of this process, and is remembered.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from napari_sam21.core.errors import StoreError
from napari_sam21.core.lanes import Deliver, Lane
from napari_sam21.core.runtime import Cancellation
from napari_sam21.core.store import EMBEDDING_BYTES, EmbeddingStore, Store
from napari_sam21.models import keeping
from napari_sam21.models.home import CACHE_VARIABLE

LOOK_SECONDS = 5.0
"""The folder is looked at this often at most, and only when something happens."""

GB = 10**9


class Storeroom:
    """The store of a session, for people.

    Parameters
    ----------
    store : Store
        One without a disk cannot be changed.
    deliver : callable
        Runs a call in the thread that owns the layers.
    changed : callable
        Called when something here looks different.
    failed : callable
        Gets what went wrong.
    """

    def __init__(
        self,
        store: Store,
        deliver: Deliver,
        changed: Callable[[], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._store = store if isinstance(store, EmbeddingStore) else None
        self._changed, self._failed = changed, failed
        self._lane = Lane("sam21-storeroom", deliver)
        self._looked = -LOOK_SECONDS
        self._sizes: tuple[int, int] | None = None

    def close(self) -> None:
        """Let the thread end."""
        self._lane.close()

    # --- what is there -----------------------------------------------------------

    @property
    def on_disk(self) -> bool:
        """Whether embeddings are kept on disk now."""
        store = self._store
        return store is not None and store.disk is not None

    @property
    def fixed(self) -> str:
        """Why place and switch cannot be changed here; empty if they can."""
        said = keeping.environment()
        return f"{CACHE_VARIABLE} is set to {said}" if said else ""

    def in_words(self) -> str:
        """Say how much is kept, and where."""
        disk = None if self._store is None else self._store.disk
        if disk is None or disk.problem is not None:
            return "In memory only"
        if self._sizes is None:
            return "Disk"
        held, budget = self._sizes
        return f"Disk: {held / GB:.1f} of {budget / GB:.3g} GB"

    def tip(self) -> str:
        """Say where they are, and why it is so."""
        disk = None if self._store is None else self._store.disk
        words = []
        if disk is not None:
            words.append(disk.problem or f"Kept in {disk.folder}")
        else:
            words.append("Embeddings are lost when napari is closed")
        if self.fixed:
            words.append(self.fixed)
        return "\n".join(words)

    def look(self, soon: bool = False) -> None:
        """Look how full the folder is, off the caller's thread, now and then.

        Parameters
        ----------
        soon : bool
            However lately it was looked at.
        """
        now = time.monotonic()
        rested = soon or now - self._looked >= LOOK_SECONDS
        if rested and self.on_disk and not self._lane.busy:
            self._looked = now
            self._lane.submit(self._measure, self._measured, self._failed)

    def _measure(self, _: Cancellation) -> tuple[int, int]:
        disk = None if self._store is None else self._store.disk
        return (0, 0) if disk is None else (disk.nbytes, disk.budget)

    def _measured(self, sizes: tuple[int, int]) -> None:
        if sizes != self._sizes:
            self._sizes = sizes
            self._changed()

    # --- to have it otherwise ----------------------------------------------------

    def keep_on_disk(self, wanted: bool) -> None:
        """Keep embeddings on disk from now on, or in memory only."""
        self._choose(replace(keeping.chosen(), on_disk=wanted))

    def move(self, folder: Path) -> None:
        """Keep embeddings in a folder from now on; what lies in the old one stays.

        Raises
        ------
        StoreError
            If it cannot be written to.
        """
        if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
            raise StoreError(
                f"{folder} is no folder that you may write to; choose another one"
            )
        self._choose(replace(keeping.chosen(), on_disk=True, folder=str(folder)))

    def move_back(self) -> None:
        """Keep embeddings in the user's own cache again."""
        self._choose(replace(keeping.chosen(), folder=""))

    def give(self, budget: int) -> None:
        """Keep so many bytes at most from now on.

        Raises
        ------
        StoreError
            If not even one embedding fits.
        """
        if budget <= EMBEDDING_BYTES:
            raise StoreError(
                f"{budget:,} bytes do not hold one embedding of 16.8 MB; give more, or "
                "switch the disk off"
            )
        self._choose(replace(keeping.chosen(), budget=budget))

    def _choose(self, choice: keeping.Keeping) -> None:
        keeping.remember(choice)
        if self._store is not None:
            self._store.use_disk(keeping.disk_store())
            self._sizes = None
            self.look(soon=True)
        self._changed()

    def delete_all(self) -> None:
        """Delete every embedding, in memory and on disk, off the caller's thread."""
        store = self._store
        if store is not None:
            self._lane.submit(lambda _: _emptied(store), self._deleted, self._failed)

    def _deleted(self, sizes: tuple[int, int]) -> None:
        self._sizes = sizes
        self._changed()


def _emptied(store: EmbeddingStore) -> tuple[int, int]:
    try:
        store.clear()
    except OSError as error:
        raise StoreError(
            f"the embeddings in {error.filename} cannot be deleted ({error.strerror}); "
            "check its permissions"
        ) from error
    disk = store.disk
    return (0, 0) if disk is None else (disk.nbytes, disk.budget)
