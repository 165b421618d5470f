"""The file format: exact, checked to the last byte, and nothing in it is executed."""

from __future__ import annotations

import json
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from napari_sam21.core import entry
from napari_sam21.core.embedding import Embedding
from napari_sam21.core.entry import DamagedEntryError, pack, packed_size, unpack
from napari_sam21.core.geometry import Region

FEATURES = {
    "a": np.arange(6, dtype=np.float32).reshape(1, 2, 3),
    "b": np.array([np.nan, np.inf, -np.inf, 1e-45, -0.0, 3e38], np.float32),
    "empty": np.zeros((0, 4), np.float32),
    "scalar": np.array(7, np.float32),
}


def embedding(key: str = "key", **features: np.ndarray) -> Embedding:
    chosen = features or {name: each.copy() for name, each in FEATURES.items()}
    return Embedding(chosen, Region(1, 2, 30, 40), (50, 60), key, "model")


def written(made: Embedding) -> bytes:
    return b"".join(pack(made))


def read(content: bytes, key: str = "key") -> Embedding:
    return unpack(np.frombuffer(content, np.uint8).copy(), key)


def assert_same(found: Embedding, made: Embedding) -> None:
    assert (found.key, found.model_id) == (made.key, made.model_id)
    assert (found.region, found.shape) == (made.region, made.shape)
    assert isinstance(found.region, Region)
    assert list(found.features) == list(made.features)
    for name, feature in made.features.items():
        kept = found.features[name]
        assert (kept.dtype, kept.shape) == (np.float32, feature.shape)
        assert not kept.flags.writeable
        # Bytes, not numbers: NaN and the sign of zero are kept too.
        assert kept.tobytes() == feature.tobytes()


def forged(header: bytes, numbers: bytes = b"") -> bytes:
    """An entry of any header, with the right checksum."""
    begin = entry.PREFIX.pack(entry.MAGIC, entry.VERSION, len(header), bytes(32))[:16]
    return begin + entry._checksum([begin, header, numbers]) + header + numbers


def fields(**changes: Any) -> bytes:
    """A header that would do, with some fields changed."""
    good = {"key": "key", "model_id": "m", "region": [0, 0, 1, 1], "shape": [1, 1]}
    tensors = [{"name": "f", "dtype": "float32", "shape": [2]}]
    return json.dumps(good | {"tensors": tensors} | changes).encode()


def test_every_bit_comes_back() -> None:
    assert_same(read(written(embedding())), embedding())


@pytest.mark.parametrize("dtype", ["<f4", ">f4"])
def test_any_layout_in_memory_is_written(dtype: str) -> None:
    grid = np.arange(12, dtype=dtype).reshape(3, 4)[:, ::2].T
    if dtype == ">f4":
        with pytest.raises(ValueError, match="only float32"):
            pack(embedding(f=grid))
    else:
        found = read(written(embedding(f=grid))).features["f"]
        np.testing.assert_array_equal(found, grid)


def test_other_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="float64"):
        pack(embedding(f=np.zeros(3)))


def test_the_layout_is_the_documented_one() -> None:
    content = written(embedding())
    magic, version, length, _ = entry.PREFIX.unpack(content[:48])
    assert (magic, version) == (b"SAM21EMB", 1)
    assert (48 + length) % 64 == 0
    header = json.loads(content[48 : 48 + length])
    assert list(header) == ["key", "model_id", "region", "shape", "tensors"]
    first = np.frombuffer(content, "<f4", 6, 48 + length)
    np.testing.assert_array_equal(first, np.arange(6))
    assert len(content) == packed_size(pack(embedding()))
    assert len(content) % 64 == 0


def test_numbers_are_aligned_and_not_copied() -> None:
    content = np.frombuffer(written(embedding()), np.uint8).copy()
    found = unpack(content, "key")
    assert all(each.flags.aligned for each in found.features.values())
    assert np.shares_memory(found.features["a"], content)


def test_the_entry_of_another_key_is_refused() -> None:
    with pytest.raises(DamagedEntryError, match="the entry of other, not of key"):
        read(written(embedding("other")))


CONTENT = written(embedding())


@settings(max_examples=400, deadline=None)
@given(st.integers(0, len(CONTENT) - 1), st.integers(1, 255))
@example(0, 1)  # magic
@example(8, 3)  # version
@example(12, 64)  # length of the header
@example(16, 255)  # checksum
@example(50, 1)  # header
@example(len(CONTENT) - 1, 1)  # what fills up
def test_any_changed_byte_is_seen(place: int, change: int) -> None:
    content = bytearray(CONTENT)
    content[place] ^= change
    with pytest.raises(DamagedEntryError):
        read(bytes(content))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(CONTENT) - 1))
def test_any_truncation_is_seen(length: int) -> None:
    with pytest.raises(DamagedEntryError):
        read(CONTENT[:length])


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_block_lost_or_swapped_is_seen(data: st.DataObject) -> None:
    """What a power cut leaves: zeros, blocks of other files, a longer tail."""
    start = data.draw(st.integers(0, len(CONTENT)))
    end = data.draw(st.integers(start, len(CONTENT)))
    block = data.draw(st.binary(max_size=200) | st.just(bytes(end - start)))
    content = CONTENT[:start] + block + CONTENT[end:]
    if content != CONTENT:
        with pytest.raises(DamagedEntryError):
            read(content)


@pytest.mark.parametrize(
    "header",
    [
        b"", b"{", b"[]", b"\xff", b"null", b"[" * 60_000,
        fields(key=7), fields(region=[0, 0, 1]), fields(region=None),
        fields(shape=[1, 2, 3]), fields(shape=[1, -2]), fields(shape=[1.0, 2]),
        fields(tensors={"f": 1}), fields(tensors=[{}]), fields(tensors=7),
        fields(tensors=[{"name": "f", "dtype": "object", "shape": [1]}]),
        fields(tensors=[{"name": "f", "dtype": ["float32"], "shape": [1]}]),
        fields(tensors=[{"name": "f", "dtype": "float32", "shape": [3]}]),
        fields(tensors=[{"name": "f", "dtype": "float32", "shape": [1 << 62, 9]}]),
        fields(tensors=[{"name": "f", "dtype": "float32", "shape": [True]}]),
    ],
)  # fmt: skip
def test_a_forged_header_is_refused(header: bytes) -> None:
    with pytest.raises(DamagedEntryError):
        read(forged(header, bytes(8)))


def test_a_forged_header_that_would_do_is_read() -> None:
    found = read(forged(fields(), bytes(8)))
    assert found.features["f"].tolist() == [0, 0]


class Bomb:
    """Unpickling it would make a file."""

    def __reduce__(self) -> Any:
        return open, ("unpickled", "w")


def test_pickles_are_refused_and_not_opened(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bomb = pickle.dumps(Bomb())
    np.save(tmp_path / "o.npy", np.array([Bomb()], object), allow_pickle=True)
    contents = bomb, forged(bomb), (tmp_path / "o.npy").read_bytes()
    for content in contents:
        with pytest.raises(DamagedEntryError):
            read(content)
    assert not (tmp_path / "unpickled").exists()
