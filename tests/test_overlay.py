"""The picture of the demonstration: what is coloured, and what is left alone."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sam21 import overlay


@pytest.fixture
def labels() -> np.ndarray:
    array = np.zeros((100, 160), np.uint16)
    array[20:40, 30:70] = 3
    return array


def test_small_images_are_magnified_by_a_whole_number(labels: np.ndarray) -> None:
    picture = overlay.draw(np.zeros(labels.shape, np.uint8), labels, [])
    assert picture.size == (160 * 7, 100 * 7)


def test_large_images_keep_their_size() -> None:
    image = np.zeros((10, 1500, 3), np.uint8)
    assert overlay.draw(image, np.zeros((10, 1500), int), []).size == (1500, 10)


def test_outline_inside_and_outside(labels: np.ndarray) -> None:
    image = np.full((100, 160), 100, np.uint8)
    pixels = np.asarray(overlay.draw(image, labels, [])).astype(int)
    colour = overlay.COLOURS[3]
    # By hand: 65 % of the grey and 35 % of the colour; rows and columns times 7.
    assert pixels[30 * 7, 50 * 7] == pytest.approx(65 + 0.35 * colour, abs=0.6)
    assert list(pixels[20 * 7, 50 * 7]) == list(colour)
    assert list(pixels[20 * 7 - 1, 50 * 7]) == [100, 100, 100]


def test_grey_is_shown_between_the_limits() -> None:
    image = np.array([[10, 20, 30, 60]], np.uint8).repeat(4, axis=0)
    nothing = np.zeros(image.shape, int)
    pixels = np.asarray(overlay.draw(image, nothing, [], (20, 40)))
    assert pixels[-1, 0].tolist() == [0, 0, 0]
    assert pixels[-1, -1].tolist() == [255, 255, 255]
    assert pixels[512, 256 * 2 + 128] == pytest.approx(128, abs=2)


def test_click_marks_the_centre_of_its_pixel(labels: np.ndarray) -> None:
    image = np.full((*labels.shape, 3), 50, np.uint8)
    pixels = np.asarray(overlay.draw(image, np.zeros_like(labels), [(10, 20)]))
    rows, columns = np.nonzero((pixels == 255).all(axis=2))
    assert (rows.mean(), columns.mean()) == pytest.approx((10.5 * 7, 20.5 * 7), abs=1)
