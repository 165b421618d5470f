"""ImageJ's ROIs in a zip, as the ROI Manager opens and saves them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_sam21.files.atomic import replacing
from napari_sam21.files.measure import described
from napari_sam21.files.outlines import Polygon, outline, to_xy
from napari_sam21.files.pyramid import Progress
from napari_sam21.files.results import Results

MOVE, LINE, CLOSE = 0.0, 1.0, 4.0
"""Steps of a path, as java.awt.geom and so ImageJ number them."""


def save_rois(
    results: Results,
    path: Path | str,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Write a zip with one ROI for each object and plane, named by the id.

    Outlines run along the edges of pixels in ImageJ's frame, where pixel (0, 0) covers
    [0, 1) × [0, 1): what ImageJ fills is the mask, bit for bit. An object in one piece
    is a traced ROI, as of ImageJ's wand; one with holes or of several pieces is one
    composite ROI. In a stack each ROI knows its slice, in a hyperstack z and t.

    Parameters
    ----------
    results : Results
    path : pathlib.Path or str
        Should end in ``.zip``.
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
    import roifile

    path = Path(path)
    with replacing(path, overwrite=overwrite) as part:
        roifile.roiwrite(part, _rois(results, progress), mode="w")
    return path


def _rois(results: Results, progress: Progress | None) -> Iterator[Any]:
    axes = results.calibration.axes[:-2]
    shape = results.labels.shape[:-2]
    for number, (measured, polygons) in enumerate(described(results, outline), 1):
        roi = _roi(polygons)
        roi.name = _name(measured.id, axes, measured.index)
        _place(roi, axes, measured.index, shape)
        yield roi
        if progress is not None:
            progress("outlining", number, 0)


def _name(number: int, axes: tuple[str, ...], index: tuple[int, ...]) -> str:
    """The id, and the slice counted from 1 as ImageJ does: names are unique."""
    where = (f"{axis}{i + 1:04}" for axis, i in zip(axes, index, strict=True))
    return "-".join((str(number), *where))


def _roi(polygons: list[Polygon]) -> Any:
    from roifile import ROI_TYPE, ImagejRoi

    shell = to_xy(polygons[0].shell)
    if len(polygons) == 1 and not polygons[0].holes:
        roi = ImagejRoi.frompoints(shell)
        if roi.subpixel_coordinates is None:  # else ImageJ knows freehand ones only
            roi.roitype = ROI_TYPE.TRACED
        return roi
    corners = np.concatenate([to_xy(each.shell) for each in polygons])
    roi = ImagejRoi.frompoints(np.array([corners.min(axis=0), corners.max(axis=0)]))
    roi.roitype = ROI_TYPE.RECT
    roi.right, roi.bottom = (int(edge) for edge in corners.max(axis=0))
    roi.n_coordinates, roi.integer_coordinates = 0, None
    roi.multi_coordinates = _path(polygons)
    roi.shape_roi_size = roi.multi_coordinates.size
    return roi


def _path(polygons: list[Polygon]) -> npt.NDArray[np.float32]:
    """All rings as one path, filled where an odd number of rings is around."""
    steps: list[float] = []
    for ring in (to_xy(ring) for each in polygons for ring in each.rings()):
        for number, (x, y) in enumerate(ring.tolist()):
            steps += (LINE if number else MOVE, x, y)
        steps.append(CLOSE)
    return np.array(steps, np.float32)


def _place(
    roi: Any, axes: tuple[str, ...], index: tuple[int, ...], shape: tuple[int, ...]
) -> None:
    """Tell a ROI its place, from 1: in a stack its slice, in a hyperstack z and t."""
    if len(index) > 1 and set(axes) <= set("tcz"):
        for axis, i in zip(axes, index, strict=True):
            setattr(roi, f"{axis}_position", i + 1)
    elif index:
        roi.position = int(np.ravel_multi_index(index, shape)) + 1
