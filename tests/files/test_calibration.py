"""Axes, scales and units, as layers, people and files say them."""

from __future__ import annotations

import pint
import pytest

from napari_sam21.core.errors import FileError
from napari_sam21.files.calibration import Calibration, unit_named


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("µm", "micrometer"),
        ("\u03bcm", "micrometer"),
        ("um", "micrometer"),
        ("Micron", "micrometer"),
        ("micrometre", "micrometer"),
        ("\\u00B5m", "micrometer"),
        ("nm", "nanometer"),
        ("Å", "angstrom"),
        ("px", "pixel"),
        ("", "pixel"),
        ("sec", "second"),
        ("ms", "millisecond"),
        (pint.get_application_registry()("um").units, "micrometer"),
        (pint.get_application_registry()("nanometer").units, "nanometer"),
    ],
)
def test_units_are_known_by_many_names(text: object, name: str) -> None:
    assert unit_named(text) == name


def test_an_unknown_unit_is_an_error_or_a_default() -> None:
    with pytest.raises(FileError, match=r"unit furlong is unknown; use one of pm, Å"):
        unit_named("furlong")
    assert unit_named("furlong", "pixel") == "pixel"


def test_what_a_napari_layer_says() -> None:
    found = Calibration.of(
        3, (2.0, -0.5, 0.5), ("micrometer",) * 3, axes=("-3", "-2", "-1")
    )
    assert found.axes == ("z", "y", "x")
    assert found.scale == (2.0, 0.5, 0.5), "a file has no mirrored axes"
    assert found.describe() == "z 2 µm, y 0.5 µm, x 0.5 µm"


def test_a_size_is_of_the_plane_and_its_unit_not_of_time() -> None:
    found = Calibration.of(4, 0.3, "nm")
    assert found.scale == (1, 1, 0.3, 0.3)
    assert found.units == ("pixel", "nanometer", "nanometer", "nanometer")


def test_what_a_person_says_replaces_a_part() -> None:
    read = Calibration.of(3, (2, 0.5, 0.5), "um")
    assert read.with_pixel(None, None) == read
    assert read.with_pixel([0.25], None).scale == (2, 0.25, 0.25)
    assert read.with_pixel([0.1, 0.2], "mm").scale == (2, 0.1, 0.2)
    assert read.with_pixel(None, "mm").units == ("millimeter",) * 3


@pytest.mark.parametrize("scale", [(1, 2, 3), 0, float("nan"), (1, float("inf"))])
def test_sizes_that_do_not_fit(scale: object) -> None:
    with pytest.raises(FileError, match="expected up to 2 numbers that are not zero"):
        Calibration.of(2, scale)  # type: ignore[arg-type]


def test_area_of_a_pixel() -> None:
    assert Calibration.of(2, (0.5, 0.25), "µm").pixel_area() == (0.125, "µm²")
    mixed = Calibration(("y", "x"), (500.0, 0.25), ("nanometer", "micrometer"))
    assert mixed.pixel_area() == (pytest.approx(0.125), "µm²")
    assert Calibration.of(2, 3.0).pixel_area() is None


def test_axes_without_names_get_the_usual_ones() -> None:
    assert Calibration.of(5).axes == ("t", "c", "z", "y", "x")
    assert Calibration.of(6).axes == ("axis0", "axis1", "axis2", "axis3", "y", "x")
    assert Calibration.of(3, axes=("T", "Y", "X")).axes == ("t", "y", "x")
