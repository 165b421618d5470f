"""Which image a session belongs to: told by its pixels, not by its name."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from napari_sam21.core.arrays import dtype_of


@dataclass(frozen=True)
class Identity:
    """What tells one image from others.

    Attributes
    ----------
    name : str
        For people; it may change.
    shape : tuple of int
    dtype : str
    digest : str
        SHA-256 of pixels spread over three planes; hexadecimal.
    path : str or None
        The file it came from, if napari knows.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    digest: str
    path: str | None = None

    def in_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {**asdict(self), "shape": list(self.shape)}

    def is_that_of(self, told: Any) -> bool:
        """Whether a header tells of this image; name and path do not matter."""
        mine = self.in_json()
        keys = ("shape", "dtype", "digest")
        return isinstance(told, dict) and all(told.get(k) == mine[k] for k in keys)


def identify(data: Any, name: str, path: str | None = None) -> Identity:
    """Look at an image; reads single pixels of a few planes only.

    Parameters
    ----------
    data : array-like
        numpy, dask, zarr, …; level 0.
    """
    shape = tuple(int(each) for each in data.shape)
    kind = dtype_of(data)
    digest = hashlib.sha256()
    for plane in _planes(shape[:-2]):
        found = np.asarray(data[(*plane, *(_spread(size) for size in shape[-2:]))])
        digest.update(np.ascontiguousarray(found).tobytes())
    return Identity(name, shape, kind.str, digest.hexdigest(), path)


def _spread(size: int) -> slice:
    """About 37 positions along an axis."""
    return slice(size // 74, None, max(1, size // 37))


def _planes(outer: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Three planes at most: the first, the middle and the last."""
    count = int(np.prod(outer))
    flat = sorted({0, count // 2, count - 1})
    return (
        [tuple(int(i) for i in np.unravel_index(n, outer)) for n in flat]
        if outer
        else [()]
    )
