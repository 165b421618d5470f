"""TIFF through tifffile: axes, pyramids, and pixel sizes of three dialects."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from napari_sam21.files.blocks import LazyArray
from napari_sam21.files.calibration import PIXEL, Calibration, unit_named
from napari_sam21.files.opened import OpenedImage, stem_of, unreadable

CENTIMETER = 3
"""Value of the tag ResolutionUnit. Inches are for printers, and left alone."""

Sizes = dict[str, tuple[float, str]]
"""Name of an axis → step along it, and its unit."""


def open_tiff(path: Path) -> OpenedImage:
    """Open the first series of a TIFF.

    Raises
    ------
    FileError
        If it is damaged, no TIFF, or compressed as only imagecodecs can read.
    """
    import tifffile

    try:
        file = tifffile.TiffFile(path)
    except (OSError, tifffile.TiffFileError, struct.error, ValueError) as error:
        raise unreadable(path, error) from error
    try:
        return _opened(file, path)
    except (OSError, IndexError, KeyError, TypeError, ValueError) as error:
        file.close()
        raise unreadable(path, error) from error


def _opened(file: Any, path: Path) -> OpenedImage:
    series = file.series[0]
    axes = series.axes.lower()
    rgb = axes.endswith("s") and series.shape[-1] in (3, 4)
    # Samples that do not come last are planes of colours: channels.
    names = [{"s": "c", "q": "", "i": ""}.get(axis, axis) for axis in axes]
    names = names[:-1] if rgb else names
    if len(names) < 2 or names[-2:] != ["y", "x"]:
        raise ValueError(f"its axes are {series.axes}, which do not end in YX")
    _check_codec(series.keyframe)
    stores = _stores(series)
    levels = tuple(array for array, _ in stores) or (_memmap(path, series),)
    closers = (*(store.close for _, store in stores), file.close)
    calibration = _calibration(names, sizes_of(file))
    return OpenedImage(stem_of(path), levels, calibration, rgb, closers)


def _is_plain(series: Any) -> bool:
    """Whether the pixels lie in the file as they lie in memory."""
    return len(series.levels) == 1 and series.dataoffset is not None


def _memmap(path: Path, series: Any) -> LazyArray:
    import numpy as np

    dtype = series.dtype.newbyteorder(series.keyframe.parent.byteorder)
    return np.memmap(path, dtype, "r", series.dataoffset, series.shape)


def _stores(series: Any) -> list[tuple[LazyArray, Any]]:
    """Arrays of the levels, and what they read from; none if a memmap will do."""
    import zarr

    if _is_plain(series):
        return []
    stores = [series.aszarr(level=level) for level in range(len(series.levels))]
    return [(zarr.open_array(store, mode="r"), store) for store in stores]


def _check_codec(page: Any) -> None:
    """Find out now, not in the middle of a run, that a codec is missing."""
    import tifffile

    try:
        known = tifffile.TIFF.DECOMPRESSORS[int(page.compression)]
    except KeyError as error:
        raise ValueError(
            f"its compression {page.compression!s} needs: pip install imagecodecs"
        ) from error
    del known


def _calibration(names: list[str], sizes: Sizes) -> Calibration:
    found = Calibration.of(len(names), axes=names if all(names) else None)
    steps = [sizes.get(axis, (1.0, PIXEL)) for axis in found.axes]
    scale, units = zip(*steps, strict=True)
    return Calibration(found.axes, scale, units)


def sizes_of(file: Any) -> Sizes:
    """Find the pixel size in OME-XML, else where ImageJ has it, else in the tags.

    Parameters
    ----------
    file : tifffile.TiffFile

    Returns
    -------
    dict
        From x, y, z and t, as far as the file says, to size and unit.
    """
    if file.ome_metadata:
        return _from_ome(file.ome_metadata)
    tags = file.pages[0].tags
    if file.imagej_metadata:
        return _from_imagej(file.imagej_metadata, tags)
    return _from_tags(tags) if _unit_of(tags) == CENTIMETER else {}


def _from_ome(text: str) -> Sizes:
    found: Sizes = {}
    pixels = ElementTree.fromstring(text).find(".//{*}Pixels")
    attributes = {} if pixels is None else pixels.attrib
    for axis, key, usual in (
        ("x", "PhysicalSizeX", "µm"),
        ("y", "PhysicalSizeY", "µm"),
        ("z", "PhysicalSizeZ", "µm"),
        ("t", "TimeIncrement", "s"),
    ):
        if key in attributes and float(attributes[key]) > 0:
            unit = unit_named(attributes.get(f"{key}Unit", usual), PIXEL)
            found[axis] = float(attributes[key]), unit
    return found


def _from_imagej(words: dict[str, Any], tags: Any) -> Sizes:
    unit = unit_named(words.get("unit", ""), PIXEL)
    found = {axis: (size, unit) for axis, (size, _) in _from_tags(tags, 1.0).items()}
    if words.get("spacing"):
        found["z"] = abs(float(words["spacing"])), unit
    if words.get("finterval"):
        found["t"] = float(words["finterval"]), unit_named(words.get("tunit", "s"), "s")
    # ImageJ writes 1 pixel per pixel when it knows nothing.
    return {} if unit == PIXEL and {s for s, _ in found.values()} <= {1.0} else found


def _from_tags(tags: Any, per: float = 10_000.0) -> Sizes:
    """Sizes in µm, if the resolution is per centimetre."""
    found: Sizes = {}
    for axis, key in (("x", "XResolution"), ("y", "YResolution")):
        count, length = tags[key].value if key in tags else (0, 1)
        if count and length:
            found[axis] = per * length / count, "micrometer"
    return found


def _unit_of(tags: Any) -> int:
    return int(tags["ResolutionUnit"].value) if "ResolutionUnit" in tags else 0
