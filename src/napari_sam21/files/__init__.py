"""Images from files, and results to files: no napari, no Qt.

>>> from napari_sam21 import files
>>> with files.open_image("cells-labels.tif") as image:
...     results = files.Results.of(image.data, image.calibration)
...     files.save(results, "cells.geojson")

Libraries that read and write a format are imported when it is needed.
"""

from napari_sam21.files.calibration import Calibration
from napari_sam21.files.formats import FORMATS, Format, save
from napari_sam21.files.measure import Measurement, measure
from napari_sam21.files.opened import OpenedImage
from napari_sam21.files.read import open_image
from napari_sam21.files.results import Note, Provenance, Results
from napari_sam21.files.save_csv import save_csv
from napari_sam21.files.save_geojson import save_geojson
from napari_sam21.files.save_rois import save_rois
from napari_sam21.files.save_tiff import save_ome_tiff
from napari_sam21.files.save_zarr import save_ome_zarr

__all__ = [
    "FORMATS",
    "Calibration",
    "Format",
    "Measurement",
    "Note",
    "OpenedImage",
    "Provenance",
    "Results",
    "measure",
    "open_image",
    "save",
    "save_csv",
    "save_geojson",
    "save_ome_tiff",
    "save_ome_zarr",
    "save_rois",
]
