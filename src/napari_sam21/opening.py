"""Images for the command line: levels, names of axes, and whether there are colours."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple, Protocol

from napari_sam21.core.errors import ImageError


class Opened(Protocol):
    """What is needed of an image that was opened."""

    @property
    def levels(self) -> tuple[Any, ...]:
        """Arrays of shape (…, H, W) or (…, H, W, 3 or 4), finest first."""

    @property
    def axes(self) -> tuple[str, ...]:
        """Name of each axis, without that of colours."""


class OpenedTiff(NamedTuple):
    """The first series of a TIFF."""

    levels: tuple[Any, ...]
    axes: tuple[str, ...]


def open_image(path: Path) -> Opened:
    """Open an image file.

    Raises
    ------
    ImageError
        If there is none, or it cannot be read.
    """
    import tifffile

    if not path.is_file():
        raise ImageError(f"there is no file {path}; check the path")
    try:
        with tifffile.TiffFile(path) as file:
            series = file.series[0]
            axes = series.axes.lower()
            names = axes[:-1] if axes.endswith("s") else axes
            return OpenedTiff((series.asarray(),), tuple(names))
    except (tifffile.TiffFileError, OSError, ValueError, IndexError) as error:
        raise ImageError(
            f"{path} cannot be read ({error}); expected a TIFF that is whole"
        ) from error
