"""A process that reads and writes a folder of embeddings as fast as it can.

Run with: folder, budget, seed, steps. It prints how often it met an entry; wrong
numbers end it with an error.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from napari_sam21.core.disk_store import DiskStore
from napari_sam21.core.embedding import Embedding
from napari_sam21.core.entry import pack, packed_size
from napari_sam21.core.geometry import Region

KEYS = 10
CELLS = 3000


def item(number: int, cells: int = CELLS) -> Embedding:
    """The one embedding of a key: its numbers tell which; all entries are as large."""
    feature = np.arange(number, number + cells, dtype=np.float32)
    region = Region(0, 0, number, 1)
    return Embedding({"f": feature}, region, (9, 9), f"key {number}", "model")


ENTRY = packed_size(pack(item(0)))
"""Bytes of any of these entries."""


def held(store: DiskStore) -> list[int]:
    """Which items are there; looks at names only, and counts nothing as used."""
    return [n for n in range(KEYS) if store._path(item(n).key).exists()]


def hammer(store: DiskStore, seed: int, steps: int) -> int:
    """Put, get, touch and sometimes clear; return the number of hits."""
    rng, hits = np.random.default_rng(seed), 0
    for _ in range(steps):
        number = int(rng.integers(KEYS))
        deed = rng.integers(100)
        if deed < 45:
            store.put(item(number))
        elif deed < 97:
            hits += check(store.get(f"key {number}"), number)
        else:
            store.clear()
    if store.problem is not None:
        raise SystemExit(store.problem)
    return hits


def check(found: Embedding | None, number: int) -> bool:
    """Whether an entry was there; then it must be the right one."""
    if found is None:
        return False
    right = item(number)
    if found.key != right.key or found.region != right.region:
        raise SystemExit(f"{found.key} instead of {right.key}")
    np.testing.assert_array_equal(found.features["f"], right.features["f"])
    return True


if __name__ == "__main__":
    folder, budget, seed, steps = sys.argv[1:]
    store = DiskStore(Path(folder), int(budget))
    sys.stdout.write(f"{hammer(store, int(seed), int(steps))}\n")
