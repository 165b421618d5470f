"""The object table: one row for each object and plane."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from napari_sam21.core.geometry import Region
from napari_sam21.files.blocks import Cut, Plane, objects, planes
from napari_sam21.files.results import Results

T = TypeVar("T")


@dataclass(frozen=True)
class Measurement:
    """An object in a plane. None is unknown.

    Attributes
    ----------
    id : int
    index : tuple of int
        Which plane: the position along each leading axis.
    area_px : int
        Number of pixels.
    area_world : float or None
        Area in `area_unit`; None if the pixels have no size.
    area_unit : str
        Such as ``"µm²"``; empty if unknown.
    centroid_rc : tuple of float
        Mean row and column of its pixels, plane frame (an integer is the centre of a
        pixel, as in napari; ImageJ and QuPath say half a pixel more).
    box_rc : Region
        First row and column, and one past the last ones; plane frame.
    class_name : str or None
    predicted_iou : float or None
    prompts : int or None
    """

    id: int
    index: tuple[int, ...]
    area_px: int
    area_world: float | None
    area_unit: str
    centroid_rc: tuple[float, float]
    box_rc: Region
    class_name: str | None = None
    predicted_iou: float | None = None
    prompts: int | None = None


def measure(results: Results) -> Iterator[Measurement]:
    """Measure the objects of labels, plane by plane, in the order of their ids.

    Planes are read in bands and objects from their bounding boxes, so that neither a
    large plane nor a stack is ever in memory as a whole.

    Parameters
    ----------
    results : Results

    Yields
    ------
    Measurement
    """
    for measurement, _ in described(results, lambda _: None):
        yield measurement


def described(
    results: Results, describe: Callable[[Cut], T]
) -> Iterator[tuple[Measurement, T]]:
    """As `measure`, and beside each what a function makes of its mask.

    Masks themselves are not kept: those of a dense plane are as large as the plane.
    """
    for plane in planes(results.labels):
        rows = (
            (_measured(results, plane, cut), describe(cut)) for cut in objects(plane)
        )
        yield from sorted(rows, key=lambda row: row[0].id)


def _measured(results: Results, plane: Plane, cut: Cut) -> Measurement:
    from skimage.measure import regionprops

    (shape,) = regionprops(cut.mask.view(np.uint8))
    row, column = shape.centroid
    area = int(shape.area)
    size, unit = results.calibration.pixel_area() or (None, "")
    note = results.note(cut.id, plane.index)
    return Measurement(
        id=cut.id,
        index=plane.index,
        area_px=area,
        area_world=None if size is None else area * size,
        area_unit=unit,
        centroid_rc=(float(row) + cut.box.r0, float(column) + cut.box.c0),
        box_rc=cut.box,
        class_name=note.class_name,
        predicted_iou=note.predicted_iou,
        prompts=note.prompts,
    )
