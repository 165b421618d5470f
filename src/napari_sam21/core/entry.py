"""One embedding as one file: magic, version, checksum, JSON header, raw numbers.

========  =====================================================================
bytes     what
========  =====================================================================
0 – 7     ``SAM21EMB``
8 – 11    version of the format, uint32, little-endian
12 – 15   length of the header, uint32, little-endian
16 – 47   SHA-256 of everything else in the file
48 –      header: a JSON object in ASCII, filled up with spaces so that the numbers
          begin at a multiple of 64 bytes
then      the tensors in the header's order, C order, little-endian, each filled up
          with zeros to a multiple of 64 bytes
========  =====================================================================

The header has ``key``, ``model_id``, ``region``, ``shape`` (of the plane) and
``tensors``: name, dtype (``float32``) and shape of each. Nothing in a file is ever
executed: there is no pickle. float16 would halve the files, and changes masks by a
pixel or two (``benchmarks/measure_disk_store.py``): what comes from disk is exactly
what was computed.
"""

from __future__ import annotations

import hashlib
import json
import math
import struct
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

from napari_sam21.core.embedding import Embedding
from napari_sam21.core.errors import Sam21Error
from napari_sam21.core.geometry import Region

MAGIC = b"SAM21EMB"
VERSION = 1
PREFIX = struct.Struct("<8sII32s")
COVERED = 16
"""Bytes of the prefix before the checksum; they are covered by it."""
ALIGNMENT = 64
LARGEST = 1 << 30
"""Bytes of an entry at most: a file beyond it is none of ours, and is not read."""
DTYPES = {"float32": np.dtype("<f4")}

Bytes = npt.NDArray[np.uint8]
Float32 = npt.NDArray[np.float32]


class DamagedEntryError(Sam21Error):
    """A file is not the entry that its name promises."""


class Tensor(NamedTuple):
    """Name, dtype and shape of one tensor of an entry."""

    name: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        """Bytes of its numbers, without what fills them up."""
        return math.prod(self.shape) * DTYPES[self.dtype].itemsize


class Header(NamedTuple):
    """What an entry says of itself."""

    key: str
    model_id: str
    region: Region
    shape: tuple[int, int]
    tensors: tuple[Tensor, ...]


def pack(embedding: Embedding) -> list[bytes | memoryview]:
    """Return an entry as pieces to be written one after another.

    Raises
    ------
    ValueError
        If the features are not float32.
    """
    arrays = {name: _stored(each) for name, each in embedding.features.items()}
    header = _header_bytes(embedding)
    pieces: list[bytes | memoryview] = [header]
    for array in arrays.values():
        # A flat view of bytes: hashed and written without a copy.
        flat = array.reshape(-1).view(np.uint8)
        pieces += [flat.data, bytes(-flat.size % ALIGNMENT)]
    begin = PREFIX.pack(MAGIC, VERSION, len(header), bytes(32))[:COVERED]
    return [begin, _checksum([begin, *pieces]), *pieces]


def packed_size(pieces: Iterable[bytes | memoryview]) -> int:
    """Return the bytes that some pieces take in a file."""
    return sum(len(piece) for piece in pieces)


def unpack(content: Bytes, key: str) -> Embedding:
    """Return the embedding that a file holds.

    Parameters
    ----------
    content : array of uint8, shape (n,)
        The whole file. The features may be views of it.
    key : str
        Of the embedding that is wanted.

    Raises
    ------
    DamagedEntryError
        If the file is of another version or kind, damaged, cut off, or holds the
        embedding of another key.
    """
    if content.size < PREFIX.size:
        raise DamagedEntryError(f"an entry of {content.size} bytes is cut off")
    magic, version, length, checksum = PREFIX.unpack(content[: PREFIX.size].tobytes())
    if (magic, version) != (MAGIC, VERSION):
        raise DamagedEntryError(f"{magic!r}, version {version}, is another format")
    if checksum != _checksum([content[:COVERED].data, content[PREFIX.size :].data]):
        raise DamagedEntryError("the checksum differs: an entry is damaged or cut off")
    start = PREFIX.size + length
    header = _parse(content[PREFIX.size : start].tobytes())
    if header.key != key:
        raise DamagedEntryError(f"this is the entry of {header.key}, not of {key}")
    return Embedding(
        _features(content[start:], header.tensors),
        header.region,
        header.shape,
        header.key,
        header.model_id,
    )


def read_whole(file: BinaryIO, size: int) -> Bytes:
    """Return the content of an open file of a known size.

    Raises
    ------
    DamagedEntryError
        If the file is too large for an entry, or ends early.
    """
    if size > LARGEST:
        raise DamagedEntryError(f"{size} bytes are more than an entry can have")
    content = np.empty(size, np.uint8)  # unlike a bytearray it is not zeroed first
    if file.readinto(content.data) != size:  # type: ignore[attr-defined]
        raise DamagedEntryError("an entry ended while it was read")
    return content


def _stored(feature: Float32) -> Float32:
    """Return a feature as it is written: little-endian, C order."""
    if feature.dtype != np.float32:
        raise ValueError(f"features of {feature.dtype} cannot be kept, only float32")
    return np.ascontiguousarray(feature, DTYPES["float32"])


def _header_bytes(embedding: Embedding) -> bytes:
    tensors = [
        {"name": name, "dtype": "float32", "shape": each.shape}
        for name, each in embedding.features.items()
    ]
    fields = {
        "key": embedding.key,
        "model_id": embedding.model_id,
        "region": embedding.region,
        "shape": embedding.shape,
        "tensors": tensors,
    }
    text = json.dumps(fields).encode("ascii")
    return text + b" " * (-(PREFIX.size + len(text)) % ALIGNMENT)


def _checksum(pieces: Iterable[bytes | memoryview]) -> bytes:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.digest()


def _parse(text: bytes) -> Header:
    """Read a header; its checksum was right, yet anybody can compute one."""
    try:
        fields = json.loads(text)
        height, width = _sizes(fields["shape"])
        return Header(
            str(fields["key"]),
            str(fields["model_id"]),
            Region(*_sizes(fields["region"])),
            (height, width),
            tuple(_tensor(each) for each in fields["tensors"]),
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise DamagedEntryError(f"a header cannot be read: {error!r}") from error


def _tensor(fields: Mapping[str, Any]) -> Tensor:
    if fields["dtype"] not in DTYPES:
        raise ValueError(f"dtype {fields['dtype']!r} is none of {list(DTYPES)}")
    return Tensor(str(fields["name"]), fields["dtype"], _sizes(fields["shape"]))


def _sizes(values: Any) -> tuple[int, ...]:
    """Return whole numbers that are not negative, as a tuple."""
    sizes = tuple(values)
    if not all(type(each) is int and each >= 0 for each in sizes):
        raise ValueError(f"{sizes} must be whole numbers from 0")
    return sizes


def _features(numbers: Bytes, tensors: tuple[Tensor, ...]) -> dict[str, Float32]:
    """Cut the numbers of an entry into its tensors, as float32."""
    features: dict[str, Float32] = {}
    start = 0
    for tensor in tensors:
        end = start + tensor.nbytes
        if end > numbers.size:
            raise DamagedEntryError(f"{tensor.name} is cut off")
        stored = numbers[start:end].view(DTYPES[tensor.dtype]).reshape(tensor.shape)
        features[tensor.name] = stored.astype(np.float32, copy=False)
        start = end + -end % ALIGNMENT
    return features
