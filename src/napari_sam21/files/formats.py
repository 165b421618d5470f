"""The formats that results are saved in: one table for command line, dock, notebook."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from napari_sam21.core.errors import FileError
from napari_sam21.files.pyramid import Progress
from napari_sam21.files.results import Results
from napari_sam21.files.save_csv import save_csv
from napari_sam21.files.save_geojson import save_geojson
from napari_sam21.files.save_rois import save_rois
from napari_sam21.files.save_tiff import save_ome_tiff
from napari_sam21.files.save_zarr import save_ome_zarr


class Save(Protocol):
    """How every writer is called."""

    def __call__(
        self,
        results: Results,
        path: Path | str,
        *,
        overwrite: bool = False,
        progress: Progress | None = None,
    ) -> Path:
        """Write results, and return the path."""


@dataclass(frozen=True)
class Format:
    """A format.

    Attributes
    ----------
    name : str
        On the command line.
    title : str
        In a menu.
    suffix : str
        Of its files, with the dot.
    save : callable
        The writer.
    open_in : str
        Programs that take it.
    """

    name: str
    title: str
    suffix: str
    save: Save
    open_in: str


FORMATS: dict[str, Format] = {
    each.name: each
    for each in (
        Format(
            "ome-tiff", "Labels as OME-TIFF", ".ome.tif", save_ome_tiff,
            "napari, Fiji, QuPath, CellProfiler, Python",
        ),
        Format(
            "ome-zarr", "Labels as OME-Zarr", ".ome.zarr", save_ome_zarr,
            "napari with napari-ome-zarr, Fiji, Python",
        ),
        Format(
            "rois", "ImageJ ROIs", ".rois.zip", save_rois,
            "Fiji and ImageJ: ROI Manager",
        ),
        Format(
            "geojson", "Outlines for QuPath", ".geojson", save_geojson,
            "QuPath, GIS programs",
        ),
        Format(
            "csv", "Table of objects", ".csv", save_csv,
            "Python, R, spreadsheets",
        ),
    )
}  # fmt: skip
"""All formats by name, in the order of a menu."""


def format_named(name: str) -> Format:
    """Return a format of the table.

    Raises
    ------
    FileError
        If there is none of that name.
    """
    if name not in FORMATS:
        raise FileError(f"format {name!r} is unknown; use one of {', '.join(FORMATS)}")
    return FORMATS[name]


def save(
    results: Results,
    path: Path | str,
    to: str | None = None,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Save results in a format of the table.

    Parameters
    ----------
    results : Results
    path : pathlib.Path or str
    to : str or None
        Name of the format; None takes the one that the suffix of `path` is of.
    overwrite : bool
        Whether what is there is replaced (once the new one is complete).
    progress : callable or None

    Returns
    -------
    pathlib.Path

    Raises
    ------
    FileError
        If the format is unknown, or the file cannot be written.
    """
    found = format_named(to) if to is not None else format_of(path)
    return found.save(results, path, overwrite=overwrite, progress=progress)


def format_of(path: Path | str) -> Format:
    """Return the format that the suffix of a path is of.

    Raises
    ------
    FileError
        If it is of none.
    """
    name = Path(path).name.lower()
    for suffix, format_name in SUFFIXES.items():
        if name.endswith(suffix):
            return FORMATS[format_name]
    raise FileError(
        f"{path} does not say its format; end it in one of {', '.join(SUFFIXES)}, "
        "or name the format"
    )


SUFFIXES = {
    ".tif": "ome-tiff",
    ".tiff": "ome-tiff",
    ".zarr": "ome-zarr",
    ".zip": "rois",
    ".geojson": "geojson",
    ".csv": "csv",
}
"""Suffix → name of the format."""
