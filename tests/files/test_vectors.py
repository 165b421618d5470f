"""ImageJ ROIs and GeoJSON give back the labels they were made of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import roifile
from labelled import discs
from skimage.draw import polygon2mask

from napari_sam21 import samples
from napari_sam21.core.errors import FileError
from napari_sam21.files import (
    Calibration,
    Note,
    Provenance,
    Results,
    save_geojson,
    save_rois,
)


def fill(rings_xy: list[Any], shape: tuple[int, ...]) -> np.ndarray:
    """Pixels whose centre (ImageJ: + 0.5) an odd number of rings is around."""
    mask = np.zeros(shape, bool)
    for ring in rings_xy:
        mask ^= polygon2mask(shape, np.asarray(ring)[:, ::-1] - 0.5)
    return mask


def rois(path: Path) -> list[roifile.ImagejRoi]:
    found = roifile.roiread(path)
    assert isinstance(found, list)
    return found


def lines(roi: roifile.ImagejRoi) -> list[Any]:
    found = roi.coordinates(multi=True)
    return found if isinstance(found, list) else [found]


def features(path: Path) -> list[dict[str, Any]]:
    found = json.loads(path.read_text("utf-8"))
    assert found["type"] == "FeatureCollection"
    return found["features"]


def polygons(geometry: dict[str, Any]) -> list[Any]:
    kind, lines = geometry["type"], geometry["coordinates"]
    return [lines] if kind == "Polygon" else lines


# --- ImageJ ----------------------------------------------------------------------


def test_rois_give_back_the_labels(tmp_path: Path) -> None:
    labels = discs((90, 110))
    path = save_rois(Results.of(labels), tmp_path / "a.zip")
    found = {int(roi.name): roi for roi in rois(path)}
    assert list(found) == [n for n in np.unique(labels).tolist() if n]
    for number, roi in found.items():
        assert np.array_equal(fill(lines(roi), labels.shape), labels == number)
        assert roi.position == 0


def test_real_nuclei_come_back(tmp_path: Path) -> None:
    labels = samples.read_labels("fluorescence")
    for roi in rois(save_rois(Results.of(labels), tmp_path / "a.zip")):
        assert np.array_equal(fill(lines(roi), labels.shape), labels == int(roi.name))


def test_kinds_of_rois(tmp_path: Path) -> None:
    labels = np.zeros((90, 110), np.uint16)
    labels[3:9, 4:12] = 1
    labels[20:40, 20:40] = 2
    labels[25:30, 25:30] = 0
    found = rois(save_rois(Results.of(labels), tmp_path / "a.zip"))
    simple, ring = found
    assert simple.roitype == roifile.ROI_TYPE.TRACED
    assert (simple.left, simple.top, simple.right, simple.bottom) == (4, 3, 13, 10)
    assert simple.options & roifile.ROI_OPTIONS.SUB_PIXEL_RESOLUTION == 0
    assert ring.composite
    assert (ring.left, ring.top, ring.right, ring.bottom) == (20, 20, 40, 40)
    assert len(lines(ring)) == 2


def test_rois_know_their_slice(tmp_path: Path) -> None:
    labels = np.zeros((3, 40, 50), np.uint16)
    labels[:, 5:9, 5:9] = 4
    found = rois(save_rois(Results.of(labels), tmp_path / "a.zip"))
    assert [roi.position for roi in found] == [1, 2, 3]
    assert [roi.name for roi in found] == ["4-z0001", "4-z0002", "4-z0003"]


def test_rois_know_their_place_in_a_hyperstack(tmp_path: Path) -> None:
    labels = np.zeros((2, 3, 40, 50), np.uint16)
    labels[1, 2, 5:9, 5:9] = 4
    (roi,) = rois(save_rois(Results.of(labels), tmp_path / "a.zip"))
    assert (roi.t_position, roi.z_position, roi.c_position) == (2, 3, 0)
    assert roi.name == "4-t0002-z0003"
    strange = Calibration.of(4, axes=("position", "z", "y", "x"))
    (roi,) = rois(save_rois(Results.of(labels, strange), tmp_path / "b.zip"))
    assert roi.position == 6


@pytest.mark.parametrize("column", [30_000, 50_000, 70_000])
def test_rois_far_out(tmp_path: Path, column: int) -> None:
    labels = np.zeros((12, column + 30), np.uint8)
    labels[3:9, column : column + 20] = 1
    (roi,) = rois(save_rois(Results.of(labels), tmp_path / "a.zip"))
    x, y = np.asarray(roi.coordinates()).T
    assert (x.min(), x.max(), y.min(), y.max()) == (column, column + 20, 3, 9)


# --- QuPath ----------------------------------------------------------------------


def test_features_give_back_the_labels(tmp_path: Path) -> None:
    labels = discs((90, 110))
    path = save_geojson(Results.of(labels), tmp_path / "a.geojson")
    found = features(path)
    assert [each["properties"]["name"] for each in found] == [
        str(n) for n in np.unique(labels).tolist() if n
    ]
    for each in found:
        rings = [ring for lines in polygons(each["geometry"]) for ring in lines]
        assert all(ring[0] == ring[-1] for ring in rings)
        number = int(each["properties"]["name"])
        assert np.array_equal(fill(rings, labels.shape), labels == number)


def test_holes_are_holes_and_pieces_are_polygons(tmp_path: Path) -> None:
    labels = np.zeros((60, 60), np.uint16)
    labels[5:20, 5:20] = labels[30:40, 30:40] = 1
    labels[8:10, 8:10] = labels[12:14, 12:14] = 0
    (found,) = features(save_geojson(Results.of(labels), tmp_path / "a.geojson"))
    assert found["geometry"]["type"] == "MultiPolygon"
    assert sorted(map(len, polygons(found["geometry"]))) == [1, 3]


def test_features_have_what_qupath_reads(tmp_path: Path) -> None:
    labels = np.zeros((2, 3, 40, 50), np.uint16)
    labels[1, 2, 5:9, 5:9] = 4
    results = Results.of(
        labels,
        Calibration.of(4, 0.5, "µm"),
        Provenance("cells", "starter"),
        {4: Note("Tumour", 0.9, 2)},
    )
    path = save_geojson(results, tmp_path / "a.geojson", object_type="annotation")
    (found,) = features(path)
    assert found["geometry"]["plane"] == {"c": -1, "z": 2, "t": 1}
    assert found["properties"] == {
        "objectType": "annotation",
        "name": "4",
        "classification": {"name": "Tumour"},
        "measurements": {
            "Label": 4,
            "Area px": 16,
            "Area µm²": 4.0,
            "Predicted IoU": 0.9,
            "Prompts": 2,
        },
    }
    assert json.loads(path.read_text("utf-8"))["about"]["model"] == "starter"


def test_no_objects_are_a_collection_too(tmp_path: Path) -> None:
    empty = Results.of(np.zeros((9, 9), np.uint8))
    assert features(save_geojson(empty, tmp_path / "a.geojson")) == []
    with pytest.raises(FileError, match="object type 'cell' is unknown"):
        save_geojson(empty, tmp_path / "b.geojson", object_type="cell")
