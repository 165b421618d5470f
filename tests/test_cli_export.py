"""``napari-sam21 export``: every format, sizes, exit codes, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from labelled import discs
from PIL import Image
from test_cli import call

from napari_sam21.files import FORMATS, open_image


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """Labels as napari itself saves them: without a pixel size."""
    path = tmp_path / "cells-labels.tif"
    tifffile.imwrite(path, discs((2, 60, 80)), photometric="minisblack")
    return path


@pytest.mark.parametrize("name", FORMATS)
def test_every_format(labels: Path, tmp_path: Path, name: str) -> None:
    out = tmp_path / f"out{FORMATS[name].suffix}"
    done = call("export", str(labels), str(out), "--to", name)
    assert done.exit_code == 0, done.output
    assert out.exists()
    assert f"wrote {out}" in done.stdout
    assert FORMATS[name].title in done.stdout


def test_pixel_size_and_unit_are_written(labels: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.ome.tif"
    sizes = ("--pixel-size", "2,0.5,0.5", "--unit", "um")
    done = call("export", str(labels), str(out), *sizes)
    assert done.exit_code == 0, done.output
    assert "z 2 µm, y 0.5 µm, x 0.5 µm" in done.stdout
    with open_image(out) as image:
        assert image.calibration.scale == (2, 0.5, 0.5)
        assert np.array_equal(image.data[...], discs((2, 60, 80)))


def test_json_and_the_name_of_the_image(labels: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    done = call(
        "export", str(labels), str(out), "--json", "--image-name", "slide 7",
        "--pixel-size", "0.5", "--unit", "nm",
    )  # fmt: skip
    assert json.loads(done.stdout) == {
        "path": str(out),
        "format": "csv",
        "shape": [2, 60, 80],
        "axes": ["z", "y", "x"],
        "pixel_size": [1, 0.5, 0.5],
        "units": ["nanometer"] * 3,
    }
    assert "# image: slide 7\n" in out.read_text("utf-8")
    call("export", str(labels), str(out), "--force")
    assert "# image: cells-labels\n" in out.read_text("utf-8")


def test_nothing_is_overwritten_unasked(labels: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    out.write_text("mine")
    done = call("export", str(labels), str(out))
    assert done.exit_code == 1
    assert "exists already; choose another name, or add --force" in done.stderr
    assert out.read_text() == "mine"
    assert call("export", str(labels), str(out), "--force").exit_code == 0
    assert out.read_text("utf-8").startswith("# image")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing.tif", "a.csv"), "there is no file nothing.tif"),
        (("{labels}", "a.doc"), "does not say its format"),
        (("{labels}", "a.csv", "--to", "doc"), "format 'doc' is unknown"),
        (("{labels}", "a.csv", "--pixel-size", "x"), "pixel size 'x' is not a number"),
        (("{labels}", "a.csv", "--pixel-size", "0"), "expected up to 3 numbers"),
        (("{labels}", "a.csv", "--unit", "ell"), "the unit ell is unknown"),
    ],
)
def test_what_is_refused(
    labels: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = call("export", *(each.format(labels=labels) for each in arguments))
    assert done.exit_code == 1
    assert message in done.stderr
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.zeros((20, 30, 3), np.uint8), "is a colour picture; expected labels"),
        (np.zeros((20, 30), np.float32), "an array of float32 with 2 axes cannot be"),
    ],
)
def test_pictures_are_not_labels(
    tmp_path: Path, pixels: np.ndarray, message: str
) -> None:
    path = tmp_path / "picture.tif"
    tifffile.imwrite(path, pixels)
    done = call("export", str(path), str(tmp_path / "a.csv"))
    assert done.exit_code == 1
    assert message in done.stderr


def test_labels_may_be_a_png(tmp_path: Path) -> None:
    path = tmp_path / "labels.png"
    Image.fromarray(discs((60, 80))).save(path)
    done = call("export", str(path), str(tmp_path / "a.geojson"))
    assert done.exit_code == 0, done.output
    assert len(json.loads((tmp_path / "a.geojson").read_text())["features"]) >= 2


def test_a_wrong_call_is_a_wrong_call() -> None:
    assert call("export").exit_code == 2
