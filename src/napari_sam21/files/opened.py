"""An image that was opened: levels that are read when they are sliced."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from napari_sam21.core.errors import FileError
from napari_sam21.files.blocks import LazyArray
from napari_sam21.files.calibration import Calibration

SUFFIXES = (".ome.tif", ".ome.tiff", ".ome.zarr")
"""What is no part of a name, though it has two dots."""


@dataclass(frozen=True)
class OpenedImage:
    """An image of a file, not yet read. A context manager; or call `close`.

    Attributes
    ----------
    name : str
        Of the file, without what its format adds.
    levels : tuple of array, each of shape (…, H, W) or (…, H, W, 3|4)
        Finest first; numpy, memmap or zarr, of any real dtype and byte order.
    calibration : Calibration
        Axes, scale and units of the finest level; the axis of RGB is not in it.
    rgb : bool
        Whether an axis of 3 or 4 colours comes last.
    """

    name: str
    levels: tuple[LazyArray, ...]
    calibration: Calibration
    rgb: bool = False
    closers: tuple[Callable[[], object], ...] = ()

    @property
    def data(self) -> LazyArray:
        """The finest level."""
        return self.levels[0]

    @property
    def channel_axis(self) -> int | None:
        """The axis of channels that are not colours, or None."""
        axes = self.calibration.axes
        return axes.index("c") if "c" in axes else None

    def close(self) -> None:
        """Let the file go; levels that are not in memory cannot be read any more."""
        for each in self.closers:
            each()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def unreadable(path: object, why: object) -> FileError:
    """Make the error for a file that is not what its name says."""
    return FileError(
        f"{path} cannot be read ({why}); expected a TIFF, an OME-Zarr folder, or a "
        "picture (png, jpg, …) that is whole; try to open it in napari or Fiji"
    )


def stem_of(path: Path) -> str:
    """Name of a file without the suffix of its format, be it double."""
    lower = path.name.lower()
    for suffix in SUFFIXES:
        if lower.endswith(suffix):
            return path.name[: -len(suffix)]
    return path.stem
