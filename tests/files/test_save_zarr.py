"""Labels that come back from OME-Zarr as they were, in both formats of zarr."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import dask.array
import numpy as np
import pytest
import zarr
from labelled import discs, mostly_empty

from napari_sam21.core.errors import Cancelled, FileError
from napari_sam21.files import Calibration, Provenance, Results, open_image
from napari_sam21.files.save_zarr import save_ome_zarr


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("ndim", [2, 3, 4, 5])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "int64"])
def test_pixels_and_sizes_come_back(
    tmp_path: Path, version: str, ndim: int, dtype: str
) -> None:
    labels = discs((2, 2, 3, 70, 90)[-ndim:], dtype)
    calibration = Calibration.of(ndim, (3, 1, 2.5, 0.3, 0.2)[-ndim:], "nm")
    results = Results.of(labels, calibration)
    path = save_ome_zarr(results, tmp_path / "a.ome.zarr", version=version)
    with open_image(path) as image:
        found = np.asarray(image.data[...])
        assert image.calibration == calibration
    assert found.dtype == labels.dtype
    assert np.array_equal(found, labels)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_levels_chunks_and_words(tmp_path: Path, version: str) -> None:
    plane = mostly_empty(5000)
    about = Provenance(image="cells", model="starter")
    results = Results.of(plane, Calibration.of(2, 0.5, "µm"), about)
    path = save_ome_zarr(results, tmp_path / "a.ome.zarr", version=version)
    group = zarr.open_group(path, mode="r")
    words = group.attrs["ome"] if version == "0.5" else group.attrs
    assert "image-label" in words
    (multiscales,) = words["multiscales"]
    assert multiscales["metadata"]["model"] == "starter"
    assert [each["unit"] for each in multiscales["axes"]] == ["micrometer"] * 2
    for number, step in enumerate((1, 2, 4)):
        level = group[str(number)]
        assert level.chunks == (1024, 1024)
        assert np.array_equal(level[...], plane[::step, ::step])
        (scale,) = multiscales["datasets"][number]["coordinateTransformations"]
        assert scale == {"type": "scale", "scale": [0.5 * step] * 2}
    if version == "0.4":  # the specification wants folders
        assert (
            json.loads((path / "0" / ".zarray").read_text())["dimension_separator"]
            == "/"
        )


def test_empty_chunks_are_not_stored(tmp_path: Path) -> None:
    plane = np.zeros((3000, 3000), np.uint16)
    plane[1100, 1100] = 1
    path = save_ome_zarr(Results.of(plane), tmp_path / "a.ome.zarr")
    chunks = [file for file in (path / "0").rglob("*") if file.name.isdigit()]
    assert [str(file.relative_to(path)) for file in chunks if file.is_file()] == [
        "0/1/1"
    ]


def test_levels_that_are_there_are_saved_with_their_scale(tmp_path: Path) -> None:
    full = dask.array.from_array(discs((4, 100, 121)), chunks=(1, 64, 64))
    levels = [full, full[::2, ::2, ::2]]
    results = Results.of(levels, Calibration.of(3, (2, 1, 1), "µm"))
    path = save_ome_zarr(results, tmp_path / "a.ome.zarr")
    with open_image(path) as image:
        assert [level.shape for level in image.levels] == [(4, 100, 121), (2, 50, 61)]
        assert np.array_equal(image.levels[1][...], np.asarray(levels[1]))
    words = zarr.open_group(path, mode="r").attrs["multiscales"][0]["datasets"]
    (step,) = words[1]["coordinateTransformations"]
    assert step["scale"] == [4, 2, 2]


def test_a_cancelled_save_leaves_the_earlier_folder(tmp_path: Path) -> None:
    path = save_ome_zarr(Results.of(discs((64, 64))), tmp_path / "a.ome.zarr")
    with pytest.raises(FileError, match="exists already"):
        save_ome_zarr(Results.of(discs((64, 64))), path)

    def stop(*_: object) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        save_ome_zarr(Results.of(discs((90, 90))), path, overwrite=True, progress=stop)
    with open_image(path) as image:
        assert image.data.shape == (64, 64)
    save_ome_zarr(Results.of(discs((90, 90))), path, overwrite=True)
    with open_image(path) as image:
        assert image.data.shape == (90, 90)
    assert list(tmp_path.iterdir()) == [path]


def test_an_unknown_version(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"OME-Zarr 2 is unknown; use 0\.4 or 0\.5"):
        save_ome_zarr(Results.of(discs((64, 64))), tmp_path / "a.zarr", version="2")


def test_napari_reads_the_levels(tmp_path: Path, open_in_napari: Any) -> None:
    """Its own reader takes the arrays, but no pixel size: see docs/results.md."""
    plane = mostly_empty(2500)
    results = Results.of(plane, Calibration.of(2, 0.5, "µm"))
    layer = open_in_napari(save_ome_zarr(results, tmp_path / "a.ome.zarr"))
    assert np.array_equal(np.asarray(layer.data[0]), plane)
    assert layer.data[1].shape == (1250, 1250)
    assert tuple(layer.scale) == (1, 1)
