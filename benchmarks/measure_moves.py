"""Ten thousand random moves over slices: what is held stays within the budget.

The path of a move in the store, with its default budget and three times as many slices
as it holds. What encodes is a stand-in that costs no time: its embeddings are as large
as those of a model. Memory is what the system says is resident.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast

import numpy as np

from benchmarks.timing import Outcome, plain
from napari_sam21.core.embedding import Embedding
from napari_sam21.core.geometry import whole_plane
from napari_sam21.core.preprocess import ModelInput
from napari_sam21.core.store import DEFAULT_BUDGET, MemoryStore, encode_stored

SLICES, MOVES = 200, 10_000
FEATURES = {
    "high_res_feats_0": (1, 32, 256, 256),
    "high_res_feats_1": (1, 64, 128, 128),
    "image_embed": (1, 256, 64, 64),
}
SHAPE = (2048, 2048)
STATM = Path("/proc/self/statm")


class StandIn:
    """Encodes at once; counts how often it had to."""

    def __init__(self) -> None:
        self.encoded = 0

    def key(self, found: ModelInput) -> str:
        """Return the key of an input's embedding."""
        return found.digest

    def encode_input(self, found: ModelInput, cancel: Any = None) -> Embedding:
        """Return an embedding of the usual size."""
        self.encoded += 1
        features = {
            name: np.full(shape, self.encoded, np.float32)
            for name, shape in FEATURES.items()
        }
        return Embedding(features, found.region, SHAPE, found.digest, "moves")


def resident() -> int:
    """Return the bytes of this process that are in memory now."""
    return int(STATM.read_text(encoding="ascii").split()[1]) * os.sysconf(
        "SC_PAGE_SIZE"
    )


def measure(folder: Path, rounds: int) -> list[Outcome]:
    """Move about, and watch what is held."""
    tensor = np.zeros((1, 3, 1, 1), np.float32)
    slices = [
        ModelInput(tensor, whole_plane(SHAPE), SHAPE, f"slice {z}")
        for z in range(SLICES)
    ]
    store, model = MemoryStore(), StandIn()
    start = resident()
    held, taken = [], []
    for z in np.random.default_rng(0).integers(0, SLICES, MOVES):
        encode_stored(cast(Any, model), slices[z], store)
        held.append(100 * store.nbytes / DEFAULT_BUDGET)
        taken.append(100 * (resident() - start) / DEFAULT_BUDGET)
    print(f"  {MOVES} moves, {model.encoded} of them encoded", flush=True)
    return [_most("moves_held", held), _most("moves_resident", taken)]


def _most(key: str, values: list[float]) -> Outcome:
    spread = plain(key, values, "%").spread
    return Outcome(key, max(values), spread)
