"""Labels as OME-Zarr: a multiscale label image, in chunks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from napari_sam21.core.arrays import dtype_of
from napari_sam21.core.errors import FileError
from napari_sam21.files.atomic import replacing
from napari_sam21.files.calibration import PIXEL
from napari_sam21.files.pyramid import Level, Progress, levels_of, watched
from napari_sam21.files.results import Results
from napari_sam21.files.save_tiff import ome_axes

CHUNK = 1024
"""Largest side of a chunk, in pixels."""

VERSIONS = {"0.4": 2, "0.5": 3}
"""Version of OME-Zarr → format of zarr. More programs read 0.4."""

KINDS = {"t": "time", "c": "channel"}


def save_ome_zarr(
    results: Results,
    path: Path | str,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
    version: str = "0.4",
) -> Path:
    """Write labels as an OME-Zarr label image with all its levels.

    Chunks of one plane and at most 1024² pixels; empty ones are not stored. The group
    is labels by itself (it has ``image-label``), and may be moved into the folder
    ``labels`` of an OME-Zarr image.

    Parameters
    ----------
    results : Results
        Labels of 2 to 5 axes; every integer type is kept.
    path : pathlib.Path or str
        Should end in ``.ome.zarr``.
    overwrite : bool
        Whether a folder that is there is replaced (once the new one is complete).
    progress : callable or None
    version : str
        Of OME-Zarr: ``"0.4"``, which most programs read, or ``"0.5"``.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    FileError
        If it cannot be written, or has more than five axes.
    """
    import zarr

    path = Path(path)
    if version not in VERSIONS:
        raise FileError(f"OME-Zarr {version} is unknown; use {' or '.join(VERSIONS)}")
    axes = ome_axes(results.calibration).lower()
    levels = levels_of(results, planes_only=False)
    count = watched(levels, progress)
    with replacing(path, overwrite=overwrite) as part:
        group = zarr.open_group(part, mode="w", zarr_format=VERSIONS[version])  # type: ignore[arg-type]
        for number, level in enumerate(levels):
            array = _new_array(group, str(number), level, axes)
            for plane, band in level.bands(array.chunks[-2]):
                block = count(plane.read(band))
                array[(*plane.index, slice(band.r0, band.r1), slice(None))] = block
        group.attrs.update(_attributes(results, levels, axes, version))
    return path


def _new_array(group: Any, name: str, level: Level, axes: str) -> Any:
    shape = level.shape
    dtype = dtype_of(level.array)
    old = group.metadata.zarr_format == 2
    return group.create_array(
        name,
        shape=shape,
        dtype=np.uint8 if dtype.kind == "b" else dtype.newbyteorder("="),
        chunks=(*(1 for _ in shape[:-2]), *(min(side, CHUNK) for side in shape[-2:])),
        fill_value=0,
        chunk_key_encoding={"name": "v2" if old else "default", "separator": "/"},
        dimension_names=None if old else tuple(axes),
    )


def _attributes(
    results: Results, levels: tuple[Level, ...], axes: str, version: str
) -> dict[str, Any]:
    scales = [_scale(results, levels[0].shape, level) for level in levels]
    multiscales = {
        "name": results.about.image or "labels",
        "axes": [
            {"name": axis, "type": KINDS.get(axis, "space"), **_unit(unit)}
            for axis, unit in zip(axes, results.calibration.units, strict=True)
        ],
        "datasets": [
            {
                "path": str(number),
                "coordinateTransformations": [{"type": "scale", "scale": scale}],
            }
            for number, scale in enumerate(scales)
        ],
        "metadata": dict(results.about.lines()),
    }
    if version == "0.5":
        words = {"multiscales": [multiscales], "image-label": {}, "version": version}
        return {"ome": words}
    return {
        "multiscales": [{"version": version, **multiscales}],
        "image-label": {"version": version},
    }


def _unit(unit: str) -> dict[str, str]:
    return {} if unit == PIXEL else {"unit": unit}


def _scale(results: Results, full: tuple[int, ...], level: Level) -> list[float]:
    """Step along each axis: whole multiples, as levels are made, in the plane."""
    factors = [
        max(round(ours / side), 1) for ours, side in zip(full, level.shape, strict=True)
    ]
    factors[-2:] = [level.step] * 2 if level.step > 1 else factors[-2:]
    return [
        float(step * factor)
        for step, factor in zip(results.calibration.scale, factors, strict=True)
    ]
