"""Outlines as GeoJSON, as QuPath opens them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from napari_sam21.core.errors import FileError
from napari_sam21.files.atomic import replacing
from napari_sam21.files.measure import Measurement, described
from napari_sam21.files.outlines import Polygon, outline, to_xy
from napari_sam21.files.pyramid import Progress
from napari_sam21.files.results import Results

OBJECT_TYPES = ("detection", "annotation")
"""QuPath's kinds: detections are light, annotations can be edited."""


def save_geojson(
    results: Results,
    path: Path | str,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
    object_type: str = "detection",
) -> Path:
    """Write a FeatureCollection with a feature for each object and plane.

    Outlines run along the edges of pixels, in pixels of the image: (0, 0) is the upper
    left corner of the first one, as in QuPath. An object of several pieces is a
    MultiPolygon; holes are holes. Name: the id; classification, measurements and plane
    (z, t) where there are some.

    Parameters
    ----------
    results : Results
    path : pathlib.Path or str
    overwrite : bool
        Whether a file that is there is replaced.
    progress : callable or None
        Told of objects done.
    object_type : str
        ``"detection"``, or ``"annotation"``.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    FileError
        If it cannot be written, or the object type is another.
    """
    path = Path(path)
    if object_type not in OBJECT_TYPES:
        raise FileError(
            f"object type {object_type!r} is unknown; use {' or '.join(OBJECT_TYPES)}"
        )
    axes = results.calibration.axes[:-2]
    with (
        replacing(path, overwrite=overwrite) as part,
        part.open("w", encoding="utf-8") as file,
    ):
        about = json.dumps(dict(results.about.lines()), ensure_ascii=False)
        file.write(f'{{"type": "FeatureCollection", "about": {about}, "features": [')
        for number, (measured, polygons) in enumerate(described(results, outline)):
            words = feature(measured, polygons, axes, object_type)
            file.write(",\n" if number else "\n")
            file.write(json.dumps(words, ensure_ascii=False))
            if progress is not None:
                progress("outlining", number + 1, 0)
        file.write("\n]}\n")
    return path


def feature(
    measured: Measurement,
    polygons: list[Polygon],
    axes: tuple[str, ...],
    object_type: str,
) -> dict[str, Any]:
    """Return an object as a GeoJSON feature."""
    properties: dict[str, Any] = {"objectType": object_type, "name": str(measured.id)}
    if measured.class_name:
        properties["classification"] = {"name": measured.class_name}
    properties["measurements"] = _measurements(measured)
    geometry = _geometry(polygons)
    if measured.index:
        geometry["plane"] = _plane(axes, measured.index)
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def _geometry(polygons: list[Polygon]) -> dict[str, Any]:
    lines = [
        [[*to_xy(ring).tolist(), to_xy(ring[:1])[0].tolist()] for ring in each.rings()]
        for each in polygons
    ]
    if len(lines) == 1:
        return {"type": "Polygon", "coordinates": lines[0]}
    return {"type": "MultiPolygon", "coordinates": lines}


def _plane(axes: tuple[str, ...], index: tuple[int, ...]) -> dict[str, int]:
    """QuPath's plane: all channels are -1; an axis it does not know counts as z."""
    found = {"c": -1, "z": 0, "t": 0}
    for axis, i in zip(axes, index, strict=True):
        found[axis if axis in found else "z"] = i
    return found


def _measurements(measured: Measurement) -> dict[str, float]:
    named = {
        "Label": measured.id,
        "Area px": measured.area_px,
        f"Area {measured.area_unit}": measured.area_world,
        "Predicted IoU": measured.predicted_iou,
        "Prompts": measured.prompts,
    }
    return {name: value for name, value in named.items() if value is not None}
