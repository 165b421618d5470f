"""OME-Zarr 0.1 to 0.5, and plain arrays, through zarr.

By zarr alone: the library ome-zarr brings s3fs, aiohttp and a server along, and what
there is to read is one table of JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_sam21.core.errors import FileError
from napari_sam21.files.calibration import PIXEL, Calibration, unit_named
from napari_sam21.files.opened import OpenedImage, stem_of, unreadable

BEFORE_AXES = ("t", "c", "z", "y", "x")
"""Axes of the versions that did not name them."""


def open_zarr(path: Path) -> OpenedImage:
    """Open the folder of an OME-Zarr image (or labels), or of one zarr array.

    Raises
    ------
    FileError
        If it is neither; for a plate, a list of labels, or a collection it names
        what is inside.
    """
    import zarr
    from zarr.errors import BaseZarrError

    try:
        node = zarr.open(path, mode="r")
    except (BaseZarrError, OSError, ValueError, KeyError, TypeError) as error:
        raise unreadable(path, error) from error
    if isinstance(node, zarr.Array):
        return OpenedImage(stem_of(path), (node,), _of_array(node))
    attributes = described(node)
    if "multiscales" not in attributes:
        raise _no_image(path, node, attributes)
    try:
        return _opened(path, node, attributes["multiscales"][0])
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise unreadable(path, f"its multiscales are damaged: {error!r}") from error


def described(group: Any) -> Mapping[str, Any]:
    """Return the OME part of the attributes of a group, of whichever version."""
    attributes = dict(group.attrs)
    found = attributes.get("ome", attributes)
    return found if isinstance(found, Mapping) else {}


def _opened(path: Path, group: Any, words: Mapping[str, Any]) -> OpenedImage:
    levels = tuple(group[each["path"]] for each in words["datasets"])
    axes = words.get("axes") or BEFORE_AXES[-levels[0].ndim :]
    axes = [{"name": each} if isinstance(each, str) else each for each in axes]
    names = [str(each["name"]) for each in axes]
    units = [unit_named(each.get("unit", ""), PIXEL) for each in axes]
    scale = [a * b for a, b in zip(*_scales(words, len(axes)), strict=True)]
    calibration = Calibration.of(levels[0].ndim, scale, units, names)
    return OpenedImage(stem_of(path), levels, calibration)


def _scales(words: Mapping[str, Any], ndim: int) -> list[list[float]]:
    """Scale of the finest level, and that of all levels; ones if there are none."""
    found = []
    for each in (words["datasets"][0], words):
        steps = each.get("coordinateTransformations", [])
        scales = [step["scale"] for step in steps if step["type"] == "scale"]
        found.append([float(value) for value in (scales or [[1.0] * ndim])[0]])
    return found


def _of_array(array: Any) -> Calibration:
    """Axes of a plain array: what zarr 3 calls its dimensions, if it does."""
    names = getattr(array.metadata, "dimension_names", None)
    known = names if names and all(names) else None
    return Calibration.of(array.ndim, axes=known)


def _no_image(path: Path, group: Any, attributes: Mapping[str, Any]) -> FileError:
    inside = sorted(group.keys())[:5]
    kinds = {
        "plate": "is a plate of many images",
        "labels": "is a list of labels",
        "bioformats2raw.layout": "is a collection of images",
    }
    kind = next((kinds[key] for key in kinds if key in attributes), "is no image")
    hint = f"such as {path / inside[0]}" if inside else "that holds an image"
    return FileError(
        f"{path} {kind}: its attributes have no multiscales; name a folder inside it, "
        f"{hint}"
    )
