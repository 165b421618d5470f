"""Pixels stretched, and grey planes as the colours of one picture."""

from __future__ import annotations

import numpy as np
import pytest

from napari_sam21.core.channels import merge, stretched
from napari_sam21.core.errors import ImageError
from napari_sam21.core.geometry import whole_plane
from napari_sam21.core.intensities import SAMPLE_PIXELS, robust_limits
from napari_sam21.core.preprocess import input_of, prepare, prepare_crop, to_square

SHAPE = (90, 130)


@pytest.fixture
def colours() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (*SHAPE, 3), np.uint8)


def test_three_grey_planes_are_the_picture_they_are_channels_of(colours) -> None:
    grey = [to_square(colours[..., i], (0, 255)) for i in range(3)]
    found = input_of(merge(grey), whole_plane(SHAPE), SHAPE)
    expected = prepare(colours)
    np.testing.assert_array_equal(found.tensor, expected.tensor)
    assert found.digest == expected.digest


def test_a_composite_is_the_float_picture_a_notebook_makes(colours) -> None:
    """Each channel by limits and gamma of its own."""
    deep = colours.astype(np.uint16) * 17
    looks = [((100, 3000), 1.0), ((0, 4335), 0.5), ((500, 600), 2.0)]
    grey = [to_square(deep[..., i], *look) for i, look in enumerate(looks)]
    by_hand = [
        (np.clip(deep[..., i].astype(float), low, high) - low) / (high - low)
        for i, ((low, high), _) in enumerate(looks)
    ]
    powers = [gamma for _, gamma in looks]
    picture = np.stack(by_hand, axis=-1) ** powers
    expected = prepare(picture.astype(np.float32), contrast_limits=(0, 1)).tensor
    found = input_of(merge(grey), whole_plane(SHAPE), SHAPE).tensor
    np.testing.assert_allclose(found, expected, atol=2e-6)


def test_a_missing_channel_is_black_and_one_plane_may_be_two(colours) -> None:
    square = to_square(colours[..., 0], (0, 255))
    picture = merge([square, None, square])
    np.testing.assert_array_equal(picture[..., 0], picture[..., 2])
    assert not picture[..., 1].any()
    assert picture[..., 0].any()


@pytest.mark.parametrize(
    "channels",
    [[], [None, None], [np.zeros((1024, 1024, 3), np.float32), None, None]],
    ids=["none", "two", "RGB"],
)
def test_other_than_three_grey_squares_are_refused(channels) -> None:
    with pytest.raises(ImageError, match="expected red, green and blue"):
        merge(channels)


def test_stretched_by_the_limits_that_the_core_takes_by_itself() -> None:
    grey = np.random.default_rng(0).gamma(2, 500, SHAPE).astype(np.uint16)
    expected = prepare_crop(grey, whole_plane(SHAPE), SHAPE).tensor
    found = input_of(stretched(grey), whole_plane(SHAPE), SHAPE).tensor
    np.testing.assert_array_equal(found, expected)


def test_a_dim_rgb_picture_is_stretched_and_keeps_its_hues(colours) -> None:
    dim = colours // 8
    dim[..., 0] //= 2
    found = stretched(dim)
    assert found.shape == (1024, 1024, 3)
    assert found.max() == pytest.approx(1, abs=0.01)
    assert found[..., 0].max() == pytest.approx(0.5, abs=0.05)
    with_alpha = np.concatenate([dim, np.full((*SHAPE, 1), 255, np.uint8)], axis=2)
    np.testing.assert_array_equal(stretched(with_alpha), found)


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        (np.eye(50, dtype=bool), (0, 1)),
        (np.full(SHAPE, np.nan), (0, 1)),
        (np.full(SHAPE, 7, np.int16), (7, 7)),
        (np.where(np.arange(90 * 130).reshape(SHAPE) == 5, 200, 0), (0, 200)),
    ],
    ids=["bool", "nothing finite", "constant", "one bright pixel"],
)
def test_robust_limits_show_something(pixels, expected) -> None:
    assert robust_limits(pixels) == expected


def test_infinite_pixels_do_not_count() -> None:
    pixels = np.linspace(0, 1, 90 * 130).reshape(SHAPE)
    pixels[0] = np.inf
    low, high = robust_limits(pixels)
    assert 0.01 < low < high <= 1


def test_limits_of_many_pixels_come_from_a_sample() -> None:
    side = 3 * int(SAMPLE_PIXELS**0.5)
    ramp = np.broadcast_to(np.arange(side, dtype=np.uint16), (side, side))
    low, high = robust_limits(ramp)
    assert (low / side, high / side) == pytest.approx((0.001, 0.999), abs=1e-3)
