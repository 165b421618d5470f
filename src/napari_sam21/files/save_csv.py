"""The object table as CSV."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from napari_sam21.files.atomic import replacing
from napari_sam21.files.measure import Measurement, measure
from napari_sam21.files.pyramid import Progress
from napari_sam21.files.results import Results

BEFORE_SLICE = ("id", "class")
AFTER_SLICE = (
    "area_px",
    "area_world",
    "area_unit",
    "centroid_row",
    "centroid_column",
    "box_row0",
    "box_column0",
    "box_row1",
    "box_column1",
    "predicted_iou",
    "prompts",
)
"""Columns, with one for each leading axis between (``slice_z``, …)."""


def save_csv(
    results: Results,
    path: Path | str,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Write the object table: a row for each object and plane.

    Lines that begin with ``#`` come first: image, model, digest, provider, version,
    pixel size (``pandas.read_csv(path, comment="#")`` skips them). UTF-8. What is
    unknown is empty. Rows and columns count from 0 to centres of pixels, as in napari.

    Parameters
    ----------
    results : Results
    path : pathlib.Path or str
    overwrite : bool
        Whether a file that is there is replaced.
    progress : callable or None
        Told of objects done.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    FileError
        If it cannot be written.
    """
    path = Path(path)
    axes = [f"slice_{axis}" for axis in results.calibration.axes[:-2]]
    with (
        replacing(path, overwrite=overwrite) as part,
        part.open("w", newline="", encoding="utf-8") as file,
    ):
        for title, text in header(results):
            file.write(f"# {title}: {' '.join(text.split())}\n")
        table = csv.writer(file, lineterminator="\n")
        table.writerow([*BEFORE_SLICE, *axes, *AFTER_SLICE])
        for number, each in enumerate(measure(results), 1):
            table.writerow(_row(each))
            if progress is not None:
                progress("measuring", number, 0)
    return path


def header(results: Results) -> list[tuple[str, str]]:
    """Title and text of the lines above the table."""
    pixel = results.calibration.describe()
    return [*results.about.lines(), ("pixel size", pixel)]


def _row(each: Measurement) -> list[Any]:
    """None becomes an empty field."""
    rounded = [round(value, 3) for value in each.centroid_rc]
    world = None if each.area_world is None else f"{each.area_world:.6g}"
    iou = None if each.predicted_iou is None else f"{each.predicted_iou:.4f}"
    area = [each.area_px, world, each.area_unit]
    after = [*area, *rounded, *each.box_rc, iou, each.prompts]
    return [each.id, each.class_name, *each.index, *after]
