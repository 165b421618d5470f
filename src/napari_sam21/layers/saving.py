"""A Labels layer as files take it, and back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sam21.files.calibration import Calibration
from napari_sam21.files.read import open_image
from napari_sam21.files.results import Note, NotesKey, Provenance, Results
from napari_sam21.layers.label_array import levels_of

if TYPE_CHECKING:
    from napari.layers import Labels


def results_of(
    labels: Labels,
    about: Provenance | None = None,
    notes: Mapping[NotesKey, Note] | None = None,
) -> Results:
    """Return a layer's labels, all levels of them, with their pixel size and units.

    Nothing is copied: what is written meanwhile may be in the file.

    Raises
    ------
    FileError
        If files cannot hold such labels.
    """
    return Results.of(levels_of(labels), calibration_of(labels), about, notes)


def calibration_of(labels: Labels) -> Calibration:
    """Return names, steps and units of a layer's axes."""
    return Calibration.of(
        labels.ndim,
        [float(each) for each in labels.scale],
        [str(each) for each in labels.units],
        list(labels.axis_labels),
    )


def place_is_lost(labels: Labels) -> bool:
    """Whether a layer lies elsewhere than its pixel size alone says."""
    placed = np.array([labels.data_to_world(each) for each in _probes(labels.ndim)])
    plain = _probes(labels.ndim) * np.abs(labels.scale)
    return not np.allclose(placed, plain, atol=1e-6 * float(np.abs(labels.scale).max()))


def open_labels(path: Path | str) -> Labels:
    """Open saved labels as a layer that objects can be written to.

    A pyramid becomes a multiscale layer. Labels in zarr stay there, and commits go to
    that file; those of other files are read into memory.

    Raises
    ------
    FileError
        If the file cannot be read, or holds no labels.
    """
    from napari.layers import Labels

    path = Path(path).expanduser()
    with open_image(path) as opened:
        Results.of(opened.levels, opened.calibration)
        levels = [_writable(path, level) for level in opened.levels]
    many = len(levels) > 1
    return Labels(
        levels if many else levels[0],
        name=opened.name,
        multiscale=many,
        scale=opened.calibration.scale,
        units=opened.calibration.units,
        axis_labels=opened.calibration.axes,
    )


def _writable(path: Path, level: Any) -> Any:
    if not path.is_dir():
        return np.array(level)
    import zarr

    return zarr.open_array(path, path=level.path, mode="r+")


def _probes(ndim: int) -> Any:
    return np.vstack([np.zeros(ndim), np.eye(ndim)])
