"""Labels that come back from OME-TIFF as they were: pixels, sizes, units, levels."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import dask.array
import numpy as np
import pytest
import tifffile
import zarr
from labelled import discs, mostly_empty

from napari_sam21.core.errors import FileError
from napari_sam21.files import Calibration, Provenance, Results, open_image
from napari_sam21.files.save_tiff import save_ome_tiff

SHAPES = {
    2: (130, 170),
    3: (4, 130, 170),
    4: (2, 3, 70, 90),
    5: (2, 2, 3, 70, 90),
}


def came_back(path: Path) -> tuple[np.ndarray, Calibration]:
    with open_image(path) as image:
        return np.asarray(image.data[...]), image.calibration


@pytest.mark.parametrize("ndim", SHAPES)
@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32"]
)
def test_pixels_and_sizes_come_back(tmp_path: Path, ndim: int, dtype: str) -> None:
    labels = discs(SHAPES[ndim], dtype)
    scale = (3, 1, 2.5, 0.3, 0.2)[-ndim:]
    calibration = Calibration.of(ndim, scale, "µm")
    path = save_ome_tiff(Results.of(labels, calibration), tmp_path / "a.ome.tif")
    found, sizes = came_back(path)
    assert found.dtype == labels.dtype
    assert np.array_equal(found, labels)
    assert sizes.axes == calibration.axes
    assert sizes.scale[-3:] == calibration.scale[-3:]
    assert sizes.units[-2:] == ("micrometer", "micrometer")


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda a: dask.array.from_array(a, chunks=50), "dask"),
        (lambda a: zarr.array(a, chunks=(1, 50, 60)), "zarr"),
        (lambda a: a.astype(">u2"), "big-endian"),
        (lambda a: a[:, ::-1], "view"),
    ],
)
def test_any_array_can_be_saved(tmp_path: Path, make: Any, name: str) -> None:
    labels = make(discs((3, 130, 170)))
    found, _ = came_back(
        save_ome_tiff(Results.of(labels), tmp_path / f"{name}.ome.tif")
    )
    assert np.array_equal(found, np.asarray(labels))


def test_the_file_is_tiled_and_compressed_and_says_where_it_is_from(
    tmp_path: Path,
) -> None:
    about = Provenance(image="my <cells> & more", model="starter", digest="abc")
    labels = discs((700, 900))
    results = Results.of(labels, Calibration.of(2, 0.5, "µm"), about)
    path = save_ome_tiff(results, tmp_path / "a.ome.tif")
    assert path.stat().st_size < labels.nbytes / 20
    with tifffile.TiffFile(path) as file:
        page = file.pages[0]
        assert page.is_tiled
        assert page.compression.name == "ADOBE_DEFLATE"
        assert page.tags["ResolutionUnit"].value == 3
        assert page.tags["XResolution"].value == (20_000, 1)
        words = file.ome_metadata
    assert "my &lt;cells&gt; &amp; more" in words
    assert "model: starter; model digest: abc" in words
    assert 'PhysicalSizeXUnit="µm"' in words


def test_units_are_kept_as_given(tmp_path: Path) -> None:
    calibration = Calibration(
        ("t", "y", "x"), (90.0, 120.0, 0.12), ("second", "nanometer", "micrometer")
    )
    path = save_ome_tiff(
        Results.of(discs((3, 64, 64)), calibration), tmp_path / "a.tif"
    )
    assert came_back(path)[1] == calibration


def test_a_ratio_without_a_unit_is_kept(tmp_path: Path) -> None:
    calibration = Calibration.of(3, (3, 1, 1))
    path = save_ome_tiff(
        Results.of(discs((3, 64, 64)), calibration), tmp_path / "a.tif"
    )
    assert came_back(path)[1] == calibration


def test_a_large_plane_gets_levels_that_are_lines_of_it(tmp_path: Path) -> None:
    plane = mostly_empty(6000)
    path = save_ome_tiff(Results.of(plane), tmp_path / "a.ome.tif")
    with open_image(path) as image:
        sides = [level.shape[0] for level in image.levels]
        assert sides == [6000, 3000, 1500]
        assert np.array_equal(image.levels[1][...], plane[::2, ::2])
        assert np.array_equal(image.levels[2][...], plane[::4, ::4])
    assert np.array_equal(tifffile.imread(path), plane)


def test_levels_that_are_there_are_saved(tmp_path: Path) -> None:
    full = discs((2, 300, 400))
    levels = [full, full[:, 1::2, 1::2]]
    path = save_ome_tiff(Results.of(levels), tmp_path / "a.ome.tif")
    with open_image(path) as image:
        for ours, theirs in zip(levels, image.levels, strict=True):
            assert np.array_equal(ours, theirs[...])


def test_levels_that_shrink_along_z_are_not(tmp_path: Path) -> None:
    full = discs((4, 100, 120))
    levels = [full, full[::2, ::2, ::2]]
    path = save_ome_tiff(Results.of(levels), tmp_path / "a.ome.tif")
    with open_image(path) as image:
        assert len(image.levels) == 1


def test_saving_needs_no_second_copy(tmp_path: Path) -> None:
    plane = mostly_empty(6000)
    tracemalloc.start()
    try:
        save_ome_tiff(Results.of(plane), tmp_path / "a.ome.tif")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < plane.nbytes / 2


def test_64_bits_become_32_if_they_fit(tmp_path: Path) -> None:
    labels = discs((60, 70), "int64")
    found, _ = came_back(save_ome_tiff(Results.of(labels), tmp_path / "a.ome.tif"))
    assert found.dtype == np.uint32
    assert np.array_equal(found, labels)
    labels[0, 0] = -3
    path = save_ome_tiff(Results.of(labels), tmp_path / "b.ome.tif")
    assert came_back(path)[0][0, 0] == -3
    labels[0, 0] = 1 << 40
    with pytest.raises(FileError, match="do not fit into the 32 bits.*OME-Zarr"):
        save_ome_tiff(Results.of(labels), tmp_path / "c.ome.tif")
    assert not (tmp_path / "c.ome.tif").exists()


def test_a_mask_is_saved_as_ones(tmp_path: Path) -> None:
    mask = discs((60, 70)) > 0
    found, _ = came_back(save_ome_tiff(Results.of(mask), tmp_path / "a.ome.tif"))
    assert np.array_equal(found, mask.astype(np.uint8))


def test_six_axes_are_too_many(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="labels with 6 axes cannot be saved"):
        save_ome_tiff(Results.of(np.zeros((1, 1, 1, 1, 8, 8), int)), tmp_path / "a.tif")


def test_axes_of_other_names_find_a_free_one(tmp_path: Path) -> None:
    calibration = Calibration.of(4, axes=("position", "t", "y", "x"))
    labels = discs((2, 3, 64, 64))
    path = save_ome_tiff(Results.of(labels, calibration), tmp_path / "a.tif")
    found, sizes = came_back(path)
    assert sizes.axes == ("z", "t", "y", "x")
    assert np.array_equal(found, labels)


def test_a_failed_save_leaves_the_earlier_file(tmp_path: Path) -> None:
    path = save_ome_tiff(Results.of(discs((64, 64))), tmp_path / "a.ome.tif")
    before = path.read_bytes()
    with pytest.raises(FileError, match=r"a\.ome\.tif exists already"):
        save_ome_tiff(Results.of(discs((64, 64))), path)

    def stop(*_: object) -> None:
        raise InterruptedError("the user had enough")

    with pytest.raises(FileError, match="the user had enough"):
        save_ome_tiff(Results.of(discs((90, 90))), path, overwrite=True, progress=stop)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    save_ome_tiff(Results.of(discs((90, 90), seed=1)), path, overwrite=True)
    assert came_back(path)[0].shape == (90, 90)
    assert list(tmp_path.iterdir()) == [path]


def test_progress_ends_at_all_bytes(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    save_ome_tiff(
        Results.of(discs((3, 64, 64))),
        tmp_path / "a.tif",
        progress=lambda *words: told.append(words),
    )
    assert told[-1] == ("saving", 3 * 64 * 64 * 2, 3 * 64 * 64 * 2)


def test_a_file_may_be_replaced_by_what_is_read_from_it(tmp_path: Path) -> None:
    path = save_ome_tiff(Results.of(discs((64, 64))), tmp_path / "a.ome.tif")
    before, _ = came_back(path)
    with open_image(path) as image:
        save_ome_tiff(Results.of(image.levels), path, overwrite=True)
    assert np.array_equal(came_back(path)[0], before)


def test_napari_reads_the_pixels(tmp_path: Path, open_in_napari: Any) -> None:
    """Its own reader takes the finest level, and no pixel size: see docs/results.md."""
    labels = discs((3, 130, 170))
    results = Results.of(labels, Calibration.of(3, (2, 0.5, 0.5), "µm"))
    path = save_ome_tiff(results, tmp_path / "a.ome.tif")
    layer = open_in_napari(path)
    assert np.array_equal(layer.data, labels)
    assert tuple(layer.scale) == (1, 1, 1)
