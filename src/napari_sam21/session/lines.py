"""Lines of a journal: JSON with a checksum in front, arrays packed into it.

A line is eight hexadecimal digits of CRC-32, a space, and one JSON object in UTF-8.
Masks are ``{"shape", "bits"}``: one bit an element in C order, the highest bit first.
Numbers are an integer, if all are the same, else ``{"dtype", "data"}``, little-endian.
``bits`` and ``data`` are compressed by zlib, then written in base64.
"""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_sam21.core.errors import SessionError
from napari_sam21.session.change import Change

Line = dict[str, Any]


def to_line(content: Line) -> bytes:
    """Write a record as one line."""
    text = json.dumps(content, separators=(",", ":"), allow_nan=False).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def from_line(line: bytes) -> Line:
    """Read a record.

    Raises
    ------
    SessionError
        If the line is cut short or damaged.
    """
    digits, _, text = line.removesuffix(b"\n").partition(b" ")
    try:
        intact = line.endswith(b"\n") and int(digits, 16) == zlib.crc32(text)
        found = json.loads(text) if intact else None
    except ValueError:
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("kind"), str):
        raise SessionError(f"a line of {len(line)} bytes is damaged or cut short")
    return found


def pack_change(change: Change) -> Line:
    """Return the fields of a record that hold a change."""
    return {
        "corner": list(change.corner),
        "changed": pack_mask(change.changed),
        "before": pack_numbers(change.before),
        "after": pack_numbers(change.after),
    }


def unpack_change(line: Line) -> Change:
    """Return the change that a record holds.

    Raises
    ------
    SessionError
        If it holds none.
    """
    try:
        corner = tuple(int(each) for each in line["corner"])
        changed = unpack_mask(line["changed"])
        before, after = unpack_numbers(line["before"]), unpack_numbers(line["after"])
    except (KeyError, TypeError, ValueError, zlib.error) as error:
        raise SessionError(f"a record {line['kind']!r} is unreadable") from error
    count = np.count_nonzero(changed)
    fits = all(each.shape in ((), (count,)) for each in (before, after))
    if len(corner) != changed.ndim or min(corner, default=0) < 0 or not fits:
        raise SessionError(f"a record {line['kind']!r} contradicts itself")
    return Change(corner, changed, before, after)


def pack_mask(mask: npt.NDArray[np.bool_]) -> Line:
    """Pack a mask of any shape."""
    return {"shape": list(mask.shape), "bits": _squeeze(np.packbits(mask).tobytes())}


def unpack_mask(packed: Line) -> npt.NDArray[np.bool_]:
    """Unpack a mask."""
    shape = tuple(int(each) for each in packed["shape"])
    raw = np.frombuffer(_release(packed["bits"]), np.uint8)
    return np.unpackbits(raw, count=int(np.prod(shape))).astype(bool).reshape(shape)


def pack_numbers(values: npt.NDArray[np.integer[Any]]) -> int | Line:
    """Pack integers of any shape; a number, if all are the same."""
    if values.ndim == 0:
        return int(values)
    low, high = (int(values.min()), int(values.max())) if values.size else (0, 0)
    if values.size and low == high:  # as a rule: what an object lies on is background
        return low
    least = np.promote_types(np.min_scalar_type(low), np.min_scalar_type(high))
    small = values.astype(least.newbyteorder("<"))
    return {"dtype": small.dtype.str, "data": _squeeze(small.tobytes())}


def unpack_numbers(packed: int | Line) -> npt.NDArray[np.integer[Any]]:
    """Unpack integers, flat; of shape () if all are the same."""
    if isinstance(packed, int):
        return np.asarray(packed)
    kind = np.dtype(packed["dtype"])
    if kind.kind not in "iu":
        raise ValueError(f"{kind} holds no integers")
    return np.frombuffer(_release(packed["data"]), kind)


def _squeeze(raw: bytes) -> str:
    return base64.b64encode(zlib.compress(raw, 6)).decode("ascii")


def _release(text: str) -> bytes:
    return zlib.decompress(base64.b64decode(text, validate=True))
