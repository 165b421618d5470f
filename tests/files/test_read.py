"""Images of the command line: every dialect of TIFF, OME-Zarr, pictures, bad files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
import pytest
import tifffile
import zarr

from napari_sam21.core.errors import FileError
from napari_sam21.files import open_image

STACK = np.random.default_rng(0).integers(0, 60_000, (3, 4, 70, 90), np.uint16)
OME = {
    "axes": "TZYX",
    "PhysicalSizeX": 0.2,
    "PhysicalSizeXUnit": "µm",
    "PhysicalSizeY": 200,
    "PhysicalSizeYUnit": "nm",
    "PhysicalSizeZ": 2,
    "TimeIncrement": 3,
    "TimeIncrementUnit": "min",
}


def read(path: Path) -> np.ndarray:
    with open_image(path) as image:
        return np.asarray(image.data[...])


def test_a_plain_tiff_is_not_read_until_it_is_sliced(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "cells.tif", STACK[0, 0])
    with open_image(tmp_path / "cells.tif") as image:
        assert isinstance(image.data, np.memmap)
        assert image.name == "cells"
        assert image.calibration.axes == ("y", "x")
        assert image.calibration.units == ("pixel", "pixel")
    assert np.array_equal(read(tmp_path / "cells.tif"), STACK[0, 0])


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_ome_tiff_tells_sizes_and_units(
    tmp_path: Path, compression: str | None
) -> None:
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, STACK, metadata=OME, compression=compression)
    with open_image(path) as image:
        assert image.name == "a"
        assert image.calibration.axes == ("t", "z", "y", "x")
        assert image.calibration.scale == (3, 2, 200, 0.2)
        assert image.calibration.units == (
            "minute", "micrometer", "nanometer", "micrometer",
        )  # fmt: skip
    assert np.array_equal(read(path), STACK)


def test_imagej_tiff_tells_sizes_and_units(tmp_path: Path) -> None:
    words = {"axes": "TZYX", "spacing": 1.5, "unit": "um", "finterval": 2}
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STACK, imagej=True, resolution=(5, 4), metadata=words)
    with open_image(path) as image:
        assert image.calibration.scale == (2, 1.5, 0.25, 0.2)
        assert image.calibration.units == ("second", *["micrometer"] * 3)
    assert np.array_equal(read(path), STACK)


@pytest.mark.parametrize(
    ("unit", "expected"), [("CENTIMETER", "micrometer"), ("INCH", "pixel")]
)
def test_tags_count_when_they_are_of_centimetres(
    tmp_path: Path, unit: str, expected: str
) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path, STACK[0, 0], resolution=(20_000, 40_000), resolutionunit=unit
    )
    with open_image(path) as image:
        assert image.calibration.units == (expected,) * 2
        assert image.calibration.scale == ((0.25, 0.5) if unit[0] == "C" else (1, 1))


def test_a_pyramid_has_levels(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    plane = STACK[0, 0]
    with tifffile.TiffWriter(path) as file:
        options: dict[str, Any] = {"tile": (32, 32), "compression": "zlib"}
        file.write(plane, subifds=1, **options)
        file.write(plane[::2, ::2], subfiletype=1, **options)
    with open_image(path) as image:
        assert [level.shape for level in image.levels] == [(70, 90), (35, 45)]
        crop = np.asarray(image.levels[1][5:9, 7:20])
    assert np.array_equal(crop, plane[::2, ::2][5:9, 7:20])


@pytest.mark.parametrize("order", ["<", ">"])
def test_colours_and_channels(tmp_path: Path, order: str) -> None:
    colours = np.arange(40 * 50 * 3).reshape(40, 50, 3).astype(np.uint8)
    path = tmp_path / "rgb.tif"
    tifffile.imwrite(path, colours, photometric="rgb", byteorder=order)
    with open_image(path) as image:
        assert image.rgb
        assert image.calibration.axes == ("y", "x")
        assert image.channel_axis is None
    assert np.array_equal(read(path), colours)
    path = tmp_path / "planes.tif"
    planes = np.moveaxis(colours, -1, 0)
    tifffile.imwrite(path, planes, photometric="rgb", planarconfig="separate")
    with open_image(path) as image:
        assert not image.rgb
        assert image.channel_axis == 0
    assert np.array_equal(read(path), planes)


def test_big_endian_numbers_are_numbers(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", STACK[0, 0], byteorder=">")
    assert np.array_equal(read(tmp_path / "a.tif"), STACK[0, 0])


def test_axes_that_nobody_named(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STACK[0], photometric="minisblack", metadata=None)
    with open_image(path) as image:
        assert image.calibration.axes == ("z", "y", "x")


@pytest.mark.parametrize("version", ["0.1", "0.4", "0.5"])
def test_ome_zarr_of_all_ages(tmp_path: Path, version: str) -> None:
    path = tmp_path / "a.ome.zarr"
    group = zarr.open_group(path, mode="w", zarr_format=3 if version == "0.5" else 2)
    for number, step in enumerate((1, 2)):
        group.create_array(str(number), data=STACK[0, :, ::step, ::step])
    scales = [[2.0, 0.5, 0.5], [2.0, 1.0, 1.0]]
    words: dict[str, Any] = {"datasets": [{"path": "0"}, {"path": "1"}]}
    if version != "0.1":
        for each, scale in zip(words["datasets"], scales, strict=True):
            steps = [{"type": "scale", "scale": scale}]
            each["coordinateTransformations"] = steps
        words["axes"] = [
            {"name": n, "type": "space", "unit": "nanometer"} for n in "zyx"
        ]
        words["coordinateTransformations"] = [{"type": "scale", "scale": [2, 1, 1]}]
    found = {"multiscales": [words], "version": version}
    group.attrs.update({"ome": found} if version == "0.5" else found)
    with open_image(path) as image:
        assert image.calibration.axes == ("z", "y", "x")
        assert [level.shape for level in image.levels] == [(4, 70, 90), (4, 35, 45)]
        if version != "0.1":
            assert image.calibration.scale == (4, 0.5, 0.5)
            assert image.calibration.units == ("nanometer",) * 3
    assert np.array_equal(read(path), STACK[0])


def test_a_zarr_array_alone(tmp_path: Path) -> None:
    zarr.create_array(tmp_path / "a.zarr", data=STACK, dimension_names=list("tcyx"))
    with open_image(tmp_path / "a.zarr") as image:
        assert image.calibration.axes == ("t", "c", "y", "x")
        assert image.channel_axis == 1


@pytest.mark.parametrize("suffix", [".png", ".npy", ".bmp"])
def test_pictures_and_arrays(tmp_path: Path, suffix: str) -> None:
    plane = STACK[0, 0].astype(np.uint8)
    path = tmp_path / f"a{suffix}"
    np.save(path, plane) if suffix == ".npy" else imageio.imwrite(path, plane)
    assert np.array_equal(read(path), plane)


def test_a_colour_picture(tmp_path: Path) -> None:
    imageio.imwrite(tmp_path / "a.png", np.zeros((20, 30, 3), np.uint8))
    with open_image(tmp_path / "a.png") as image:
        assert image.rgb
        assert image.calibration.ndim == 2


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.tif", b"not a TIFF at all"),
        ("a.tif", b""),
        ("a.tif", b"II*\0\xff\xff\xff\x7f"),
        ("a.png", b"\x89PNG\r\n\x1a\nbroken"),
        ("a.npy", b"\x93NUMPY broken"),
        ("a.doc", b"words"),
    ],
)
def test_damaged_files_are_one_message(
    tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileError, match=rf"{name} cannot be read \(.*expected a TIFF"):
        open_image(tmp_path / name)


def test_a_cut_off_tiff_is_a_message(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, STACK[0, 0])
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(FileError, match="cannot be read"):
        open_image(path)


def test_a_codec_that_is_missing_is_said_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    imageio.imwrite(
        path, STACK[0, 0].astype(np.uint8), plugin="pillow", compression="jpeg"
    )
    if 7 in tifffile.TIFF.DECOMPRESSORS:
        pytest.skip("imagecodecs is here")
    with pytest.raises(FileError, match="pip install imagecodecs"):
        open_image(path)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(FileError, match=r"there is no file .*nothing\.tif"):
        open_image("nothing.tif")


def test_folders_that_are_no_image(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot be read"):
        open_image(tmp_path)
    plate = zarr.open_group(tmp_path / "plate.zarr", mode="w")
    plate.attrs["plate"] = {}
    plate.create_group("A")
    with pytest.raises(FileError, match=r"is a plate of many images.*name a folder.*A"):
        open_image(tmp_path / "plate.zarr")
    odd = zarr.open_group(tmp_path / "odd.zarr", mode="w")
    odd.attrs["multiscales"] = [{"datasets": [{"path": "0"}]}]
    with pytest.raises(FileError, match="its multiscales are damaged"):
        open_image(tmp_path / "odd.zarr")
