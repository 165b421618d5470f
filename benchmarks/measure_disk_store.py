"""Coming back to a slice over encoding it; and what float16 or zlib would change.

Coming back is everything between the pixels in a stack and an embedding that a click
can use: read, resize, digest, look up. The encode it is held against is a whole one
too, of the same slice, in the same round.
"""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt

import napari_sam21 as sam
from benchmarks.timing import Outcome, Spread, interleaved, ratio, timed
from napari_sam21.core.disk_store import DiskStore
from napari_sam21.core.embedding import Embedding
from napari_sam21.core.preprocess import prepare
from napari_sam21.core.store import EmbeddingStore, MemoryStore, encode_stored
from napari_sam21.samples import SAMPLES, read_image, read_labels

SLICES = 4
OBJECTS, CLICKS = 20, 3
SCALES = (1, 4)
"""Samples as they are, and magnified: a large mask has more pixels on its edge."""

Array = npt.NDArray[np.float32]
CODECS: dict[str, tuple[Callable[[Array], bytes], Callable[[bytes], Array]]] = {
    "float32": (
        lambda array: array.tobytes(),
        lambda content: np.frombuffer(content, np.float32),
    ),
    "float16": (
        lambda array: array.astype(np.float16).tobytes(),
        lambda content: np.frombuffer(content, np.float16).astype(np.float32),
    ),
    "float32_zlib": (
        lambda array: zlib.compress(array.tobytes(), 1),
        lambda content: np.frombuffer(zlib.decompress(content), np.float32),
    ),
}
"""Ways to make bytes of a tensor, and back."""


def measure(folder: Path, rounds: int) -> list[Outcome]:
    """Time coming back, then weigh the ways to write an embedding."""
    model = sam.load_model(folder)
    with tempfile.TemporaryDirectory() as scratch:
        back = coming_back(model, Path(scratch), rounds)
        codecs = all_codecs(model, Path(scratch), rounds)
    return [*back, *codecs, *masks_in_half(model)]


# --- coming back -----------------------------------------------------------------


def stack_of(folder: Path) -> npt.NDArray[np.uint16]:
    """Return a stack on disk, (4, 2048, 2048) uint16, as a microscope leaves it."""
    grey = read_image("brightfield").astype(np.uint16) * 16
    plane = np.tile(grey, (2, 2))
    path = folder / "stack.npy"
    np.save(path, np.stack([np.roll(plane, 97 * z, axis=1) for z in range(SLICES)]))
    return np.load(path, mmap_mode="r")  # type: ignore[no-any-return]


def coming_back(model: sam.Model, folder: Path, rounds: int) -> list[Outcome]:
    """Compare an encode with the same slice from memory, and from disk."""
    stack = stack_of(folder)
    disk = DiskStore(folder / "embeddings")
    full = EmbeddingStore(MemoryStore(), disk)
    empty, bare = EmbeddingStore(MemoryStore(0), disk), MemoryStore(0)
    turn = iter(range(10**9))

    def visit(store: EmbeddingStore | MemoryStore) -> None:
        plane = np.asarray(stack[next(turn) % SLICES])
        encode_stored(model, prepare(plane, contrast_limits=(0, 4080)), store)

    for _ in range(SLICES):
        visit(full)
    full.flush()
    sides = {"encode": bare, "memory": full, "disk": empty}
    found = interleaved(
        {
            name: timed(lambda store=store: visit(store))
            for name, store in sides.items()
        },
        rounds,
    )
    if disk.problem is not None:
        raise SystemExit(disk.problem)
    return [ratio(f"back_{name}", found[name], found["encode"]) for name in sides][1:]


# --- ways to write ---------------------------------------------------------------


def all_codecs(model: sam.Model, folder: Path, rounds: int) -> list[Outcome]:
    """Time writing and reading back an embedding, over raw float32."""
    features = model.encode(read_image("brightfield")).features
    whole = np.concatenate([each.ravel() for each in features.values()])

    def there_and_back(name: str) -> None:
        path = folder / name
        pack, unpack = CODECS[name]
        path.write_bytes(pack(whole))
        unpack(path.read_bytes())

    found = interleaved(
        {name: timed(lambda name=name: there_and_back(name)) for name in CODECS},
        max(3, rounds // 3),
    )
    raw, *others = CODECS
    sizes = {name: [(folder / name).stat().st_size / 1e6] for name in CODECS}
    times = [ratio(f"codec_{name}", found[name], found[raw]) for name in others]
    return times + [
        ratio(f"size_{name}", sizes[name], sizes[raw], unit="MB") for name in others
    ]


# --- masks from half the precision -----------------------------------------------


def masks_in_half(model: sam.Model) -> list[Outcome]:
    """Ask the same clicks of an embedding, and of one rounded to float16."""
    pairs = [
        pair
        for name, scale in product(SAMPLES, SCALES)
        for pair in answers(model, name, scale)
    ]
    flips = [int((left.mask() != right.mask()).sum()) for left, right in pairs]
    ious = [_iou(left.mask(), right.mask()) for left, right in pairs]
    errors = [float(np.abs(a.logits - b.logits).max()) for a, b in pairs]
    changed = [100.0 * (each > 0) for each in flips]
    return [
        _most("half_changed", changed, float(np.mean(changed))),
        _most("half_flips", flips, max(flips)),
        _most("half_iou", ious, min(ious)),
        _most("half_logits", errors, max(errors)),
    ]


def answers(
    model: sam.Model, name: str, scale: int
) -> list[tuple[sam.Answer, sam.Answer]]:
    """Click objects of a sample up to three times, each answer fed into the next."""
    image, labels = (
        np.repeat(np.repeat(each, scale, 0), scale, 1)
        for each in (read_image(name), read_labels(name))
    )
    exact = model.encode(image)
    rounded = in_half(exact)
    rng = np.random.default_rng(0)
    found: list[tuple[sam.Answer, sam.Answer]] = []
    for number in rng.permutation(np.unique(labels)[1:])[:OBJECTS]:
        places = np.argwhere(labels == number)
        points = [tuple(map(float, each)) for each in rng.choice(places, CLICKS)]
        last: tuple[sam.Answer | None, sam.Answer | None] = (None, None)
        for count in range(1, CLICKS + 1):
            prompts = sam.Prompts(points[:count], [1] * count)
            pair = (
                model.decode(exact, prompts, last[0]),
                model.decode(rounded, prompts, last[1]),
            )
            found.append(pair)
            last = pair
    return found


def in_half(embedding: Embedding) -> Embedding:
    """Return what float16 on disk would give back."""
    features = {
        name: feature.astype(np.float16).astype(np.float32)
        for name, feature in embedding.features.items()
    }
    return replace(embedding, features=features)


def _iou(left: npt.NDArray[np.bool_], right: npt.NDArray[np.bool_]) -> float:
    union = int((left | right).sum())
    return float((left & right).sum() / union) if union else 1.0


def _most(key: str, values: list[float] | list[int], value: float) -> Outcome:
    """Report an extreme (or a mean); the quartiles are of all answers."""
    return Outcome(key, value, Spread.of(values))
