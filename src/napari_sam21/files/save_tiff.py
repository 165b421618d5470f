"""Labels as OME-TIFF: tiled, compressed, with the pixel size, pyramids in SubIFDs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_sam21.core.arrays import dtype_of
from napari_sam21.core.errors import FileError
from napari_sam21.files.atomic import replacing
from napari_sam21.files.blocks import LazyArray, planes
from napari_sam21.files.calibration import LENGTHS, PIXEL, SYMBOLS, TIMES, Calibration
from napari_sam21.files.pyramid import Level, Progress, levels_of, watched
from napari_sam21.files.results import Results

TILE = 512
"""Largest side of a tile, in pixels."""

CLASSIC_BYTES = 2_000_000_000
"""Above, offsets of 64 bits are needed for sure once nothing compresses."""

OME_AXES = "tcz"
"""The leading axes that OME-XML knows."""

Count = Callable[[npt.NDArray[Any]], npt.NDArray[Any]]


def save_ome_tiff(
    results: Results,
    path: Path | str,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Write labels as a tiled, zlib-compressed OME-TIFF.

    int8 to int32 and uint8 to uint32 stay what they are; booleans become uint8, and
    integers of 64 bits the 32 bits that OME-TIFF has, if they fit. Pixel sizes are
    written in their unit, a plane of more than 2048 pixels with coarser levels. Tile by
    tile: no second copy of a plane is made.

    Parameters
    ----------
    results : Results
        Labels of 2 to 5 axes.
    path : pathlib.Path or str
        Should end in ``.ome.tif``.
    overwrite : bool
        Whether a file that is there is replaced (once the new one is complete).
    progress : callable or None

    Returns
    -------
    pathlib.Path

    Raises
    ------
    FileError
        If it cannot be written, or the labels have values or axes that OME-TIFF has
        not.
    """
    import tifffile

    path = Path(path)
    axes = ome_axes(results.calibration)
    dtype = _stored_dtype(results.labels)
    levels = levels_of(results, planes_only=True)
    count = watched(levels, progress)
    big = int(np.prod(levels[0].shape)) * dtype.itemsize > CLASSIC_BYTES
    with (
        replacing(path, overwrite=overwrite) as part,
        tifffile.TiffWriter(part, bigtiff=big, ome=True) as file,
    ):
        for number, level in enumerate(levels):
            first = number == 0
            file.write(
                tiles(level, dtype, count),
                shape=level.shape,
                dtype=dtype,
                tile=(tile_side(levels[0]),) * 2,
                compression="zlib",
                photometric="minisblack",
                subifds=len(levels) - 1 if first else 0,
                subfiletype=0 if first else 1,
                metadata=_metadata(results, axes) if first else None,
                **_resolution(results.calibration, level.step),
            )
    return path


def ome_axes(calibration: Calibration) -> str:
    """Return the axes as OME-XML names them; strangers get a name that is free.

    Raises
    ------
    FileError
        If there are more than five.
    """
    leading = calibration.axes[:-2]
    if len(leading) > len(OME_AXES):
        raise FileError(
            f"labels with {calibration.ndim} axes cannot be saved as OME-TIFF or "
            "OME-Zarr, which have five (TCZYX); save a part of them"
        )
    free = [axis for axis in "ztc" if axis not in leading]
    named = [axis if axis in OME_AXES else free.pop(0) for axis in leading]
    return "".join((*named, "y", "x")).upper()


def tile_side(level: Level) -> int:
    """Side of the tiles: no larger than the plane needs, and a multiple of 16."""
    return min(TILE, -(-max(level.shape[-2:]) // 16) * 16)


def tiles(level: Level, dtype: np.dtype[Any], count: Count) -> Iterator[Any]:
    """Iterate over the tiles of all planes, from left to right and top to bottom."""
    side = tile_side(level)
    for plane, band in level.bands(side):
        block = count(plane.read(band)).astype(dtype, copy=False)
        for row in range(0, block.shape[0], side):
            for column in range(0, block.shape[1], side):
                yield block[row : row + side, column : column + side]


def _stored_dtype(labels: LazyArray) -> np.dtype[Any]:
    dtype = dtype_of(labels)
    if dtype.kind == "b":
        return np.dtype(np.uint8)
    if dtype.itemsize < 8:
        return dtype.newbyteorder("=")
    low, high = _range(labels)
    stored = np.dtype(np.int32 if low < 0 else np.uint32)
    if low < np.iinfo(stored).min or high > np.iinfo(stored).max:
        raise FileError(
            f"labels from {low} to {high} do not fit into the 32 bits that OME-TIFF "
            "has; save them as OME-Zarr, or renumber them"
        )
    return stored


def _range(labels: LazyArray) -> tuple[int, int]:
    low = high = 0
    for plane in planes(labels):
        for band in plane.bands():
            block = plane.read(band)
            low = min(low, int(block.min(initial=0)))
            high = max(high, int(block.max(initial=0)))
    return low, high


def _metadata(results: Results, axes: str) -> dict[str, Any]:
    about = "; ".join(f"{title}: {text}" for title, text in results.about.lines())
    found: dict[str, Any] = {"axes": axes, "Description": about}
    if results.about.image:
        found["Name"] = results.about.image
    calibration = results.calibration
    for axis, scale, unit in zip(
        axes, calibration.scale, calibration.units, strict=True
    ):
        if axis == "T" and unit in TIMES:
            found |= {"TimeIncrement": scale, "TimeIncrementUnit": SYMBOLS[unit]}
        elif axis in "XYZ" and (unit in LENGTHS or scale != 1):
            # A step without a unit keeps its ratio to the others.
            key, symbol = f"PhysicalSize{axis}", SYMBOLS.get(unit, PIXEL)
            found |= {key: scale, f"{key}Unit": symbol}
    return found


def _resolution(calibration: Calibration, step: int) -> dict[str, Any]:
    """The tags that programs read which do not know OME-XML: pixels in a centimetre."""
    rows, columns = calibration.micrometers(-2), calibration.micrometers(-1)
    if rows is None or columns is None:
        return {}
    per = (1e4 / (columns * step), 1e4 / (rows * step))
    return {"resolution": per, "resolutionunit": "CENTIMETER"}
