"""From pixels to the encoder's input, against values computed another way."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest

from napari_sam21.core import preprocess
from napari_sam21.core.errors import ImageError
from napari_sam21.core.geometry import Region
from napari_sam21.core.preprocess import ModelInput, prepare, prepare_crop, resize

SIDE = 1024
MEAN = np.array([0.485, 0.456, 0.406])
STD = np.array([0.229, 0.224, 0.225])


def triangle_weights(size_in: int, size_out: int) -> np.ndarray:
    """The kernel formula of the official predictor, evaluated as it stands."""
    scale = size_in / size_out
    support = max(scale, 1.0)
    centre = scale * (np.arange(size_out) + 0.5)
    distance = np.abs(np.arange(size_in) + 0.5 - centre[:, None])
    weights = np.maximum(0.0, 1.0 - distance / support)
    return weights / weights.sum(axis=1, keepdims=True)


def direct_resize(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Width pass, then height pass, in float64; (h, w, channels)."""
    across = triangle_weights(image.shape[1], width)
    down = triangle_weights(image.shape[0], height)
    planes = np.moveaxis(image.astype(np.float64), -1, 0)
    return np.moveaxis(down @ (planes @ across.T), 0, -1)


def shown(found: ModelInput) -> np.ndarray:
    """The tensor with the normalisation undone; (1024, 1024, 3)."""
    return found.tensor[0].transpose(1, 2, 0) * STD + MEAN


def columns(values: Any, dtype: Any) -> np.ndarray:
    """A 1024 x 1024 image, so never resized, of one value in each wide column."""
    row = np.asarray(values, dtype)
    return np.repeat(np.tile(row, (SIDE, 1)), SIDE // row.size, axis=1)


def shown_columns(found: ModelInput, count: int) -> np.ndarray:
    """What became of the values of `columns`: the red channel of one pixel of each."""
    return shown(found)[7, :: SIDE // count, 0]


# --- the resize ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "width", "expected"),
    [
        ([0, 1], 4, [0, 0.25, 0.75, 1]),
        ([0, 0, 7, 0], 2, [1, 3]),  # weights .75 .75 .25 0 over 1.75
        ([5], 3, [5, 5, 5]),
        ([0, 6, 0], 2, [2.25, 2.25]),  # weights .833 .5 0 over 1.333
    ],
)
def test_resize_by_hand(source: list, width: int, expected: list) -> None:
    image = np.array(source, np.float32).reshape(1, -1, 1)
    found = resize(image, 1, width)[0, :, 0]
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize(
    "shape",
    [(50, 70), (1500, 1300), (40, 2100), (2500, 31), (1, 1500), (1500, 1), (1, 1)],
    ids="{0[0]}x{0[1]}".format,
)
def test_resize_equals_the_kernel_formula(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).random((*shape, 1), np.float32)
    expected = direct_resize(image, SIDE, SIDE)
    np.testing.assert_allclose(resize(image, SIDE, SIDE), expected, atol=2e-6)


@pytest.mark.parametrize("shape", [(60, 90), (1300, 1100), (2000, 5)])
def test_prepare_equals_the_formula_in_every_channel(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(1).integers(0, 256, (*shape, 3), np.uint8)
    unit = direct_resize(image / 255, SIDE, SIDE)
    expected = ((unit - MEAN) / STD).transpose(2, 0, 1)[None]
    np.testing.assert_allclose(prepare(image).tensor, expected, atol=2e-5)


@pytest.mark.parametrize("strip_pixels", [1, 130, 1000, 90 * 130])
@pytest.mark.parametrize("channels", [(), (3,)])
def test_strips_do_not_show(
    strip_pixels: int, channels: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    image = np.random.default_rng(2).integers(0, 256, (90, 130, *channels), np.uint8)
    whole = prepare(image)
    monkeypatch.setattr(preprocess, "STRIP_PIXELS", strip_pixels)
    assert prepare(image).digest == whole.digest


# --- the normalisation -----------------------------------------------------------


def test_normalisation_of_one_colour_by_hand() -> None:
    image = np.full((8, 8, 3), (200, 100, 50), np.uint8)
    tensor = prepare(image).tensor
    assert (tensor.shape, tensor.dtype) == ((1, 3, SIDE, SIDE), np.float32)
    expected = [1.307046, -0.285014, -0.932985]
    for row, column in ((0, 0), (500, 1023)):
        np.testing.assert_allclose(tensor[0, :, row, column], expected, atol=2e-6)


def test_grey_goes_into_all_three_channels() -> None:
    tensor = prepare(np.full((4, 4), 0.5), contrast_limits=(0, 1)).tensor
    expected = [0.0655022, 0.1964286, 0.4177778]
    np.testing.assert_allclose(tensor[0, :, 3, 3], expected, atol=1e-6)


def test_rows_stay_rows_and_red_stays_red() -> None:
    image = np.zeros((2, 4, 3), np.uint8)
    image[0, 3, 0] = 255
    tensor = prepare(image).tensor
    where = np.unravel_index(tensor.argmax(), tensor.shape)
    assert where[1] == 0
    assert where[2] < 256
    assert where[3] >= 896


# --- intensities -----------------------------------------------------------------

BIG = 2**30
WITH_LIMITS = {
    "uint8": (np.uint8, [0, 50, 100, 200], (0, 200), [0, 0.25, 0.5, 1]),
    "12 bit": (np.uint16, [0, 1000, 2000, 4095], (0, 4000), [0, 0.25, 0.5, 1]),
    "int8": (np.int8, [-128, -64, 0, 127], (-128, 128), [0, 0.25, 0.5, 255 / 256]),
    "int16": (np.int16, [-1000, -500, 0, 1000], (-1000, 1000), [0, 0.25, 0.5, 1]),
    "uint32 neighbours": (
        np.uint32, [BIG, BIG + 1, BIG + 2, BIG + 4], (BIG, BIG + 4), [0, 0.25, 0.5, 1],
    ),
    "uint64 huge": (
        np.uint64, [0, 2**62, 2**63, 2**64 - 1], (0, 2**64), [0, 0.25, 0.5, 1],
    ),
    "int64 huge": (
        np.int64, [-(2**63), 0, 2**62, 2**63 - 1], (-(2**63), 2**63), [0, 0.5, 0.75, 1],
    ),
    "float16": (np.float16, [0, 0.25, 0.5, 1], (0, 1), [0, 0.25, 0.5, 1]),
    "float32": (np.float32, [-1, 0, 2, 3], (-1, 3), [0, 0.25, 0.75, 1]),
    "float32 whole range": (
        np.float32, [-3e38, 0, 1.5e38, 3e38], (-3e38, 3e38), [0, 0.5, 0.75, 1],
    ),
    "float32 close limits": (
        np.float32, [1e6, 1e6 + 0.25, 1e6 + 1, 2e6],
        (1e6 + 0.2, 1e6 + 0.27), [0, 0.05 / 0.07, 1, 1],
    ),
    "float64 offset": (
        np.float64, 1e12 + np.array([0, 0.25, 0.5, 1]), (1e12, 1e12 + 1),
        [0, 0.25, 0.5, 1],
    ),
    "big-endian float64": (
        ">f8", 1e12 + np.array([0, 0.25, 0.5, 1]), (1e12, 1e12 + 1), [0, 0.25, 0.5, 1],
    ),
    "big-endian uint16": (">u2", [0, 1, 256, 512], (0, 512), [0, 1 / 512, 0.5, 1]),
    "boolean": (np.bool_, [0, 1, 1, 0], (0, 9), [0, 1, 1, 0]),
    "beyond the limits": (np.uint8, [0, 99, 201, 255], (100, 200), [0, 0, 1, 1]),
    "not finite": (
        np.float32, [np.nan, -np.inf, 15, np.inf], (10, 20), [0, 0, 0.5, 1],
    ),
    "float16 not finite": (
        np.float16, [np.nan, -np.inf, 15, np.inf], (10, 20), [0, 0, 0.5, 1],
    ),
    "equal limits": (np.uint8, [0, 7, 7, 200], (7, 7), [0, 0, 0, 0]),
}  # fmt: skip


@pytest.mark.parametrize(
    ("dtype", "values", "limits", "expected"), WITH_LIMITS.values(), ids=WITH_LIMITS
)
def test_intensities_within_limits(
    dtype: Any, values: Any, limits: tuple[float, float], expected: list[float]
) -> None:
    found = prepare(columns(values, dtype), contrast_limits=limits)
    np.testing.assert_allclose(shown_columns(found, 4), expected, atol=1e-6)


def sorted_percentile(image: np.ndarray, percent: float) -> float:
    """Linear interpolation between the two neighbouring values in order."""
    values = sorted(image.ravel().tolist())
    place = percent / 100 * (len(values) - 1)
    below = int(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (place - below) * (values[above] - values[below])


@pytest.mark.parametrize(
    "dtype", ["u1", "u2", "i1", "i2", "i4", "u8", "f2", "f4", "f8"]
)
def test_without_limits_robust_percentiles(dtype: str) -> None:
    image = np.random.default_rng(3).integers(0, 120, (SIDE, SIDE)).astype(dtype)
    image[5, 5] = 127  # a hot pixel does not decide
    low, high = (sorted_percentile(image, percent) for percent in (0.1, 99.9))
    expected = np.clip((image.astype(float) - low) / (high - low), 0, 1)
    found = shown(prepare(image))[..., 0]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert (low, high) == (0, 119)  # so the hot pixel is white like its neighbours


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [("i1", -128, 127), ("i2", -32768, 32767), (">i2", -32768, 32767),
     ("i4", -(2**31), 2**31 - 1), ("i8", -(2**62), 2**62),
     ("f2", -60000, 60000)],
)  # fmt: skip
def test_percentiles_between_far_values_do_not_wrap(
    dtype: str, low: float, high: float
) -> None:
    image = np.full((25, 40), high, dtype)
    image[0, 0] = low
    expected = [sorted_percentile(image, percent) for percent in (0.1, 99.9)]
    found = preprocess.intensity_limits(image)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert found[0] > 0


def test_percentiles_ignore_what_is_not_finite() -> None:
    image = columns([np.nan, -np.inf, np.inf, 0, 1, 2, 3, 4], np.float32)
    expected = [0, 0, 1, 0, 0.25, 0.5, 0.75, 1]
    np.testing.assert_allclose(shown_columns(prepare(image), 8), expected, atol=1e-6)


@pytest.mark.parametrize("value", [0, 7, -3.5, 1e30])
def test_a_constant_image_is_black(value: float) -> None:
    np.testing.assert_allclose(shown(prepare(np.full((5, 6), value))), 0, atol=1e-6)


@pytest.mark.parametrize("limits", [None, (50.0, 60.0)])
def test_rgb_uint8_is_taken_as_it_is(limits: tuple[float, float] | None) -> None:
    image = np.random.default_rng(4).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    found = prepare(image, contrast_limits=limits)
    np.testing.assert_allclose(shown(found), image / 255, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_alpha_is_ignored(dtype: Any) -> None:
    rgba = np.random.default_rng(5).integers(0, 99, (40, 30, 4)).astype(dtype)
    rgba[..., 3] = 255
    assert prepare(rgba).digest == prepare(rgba[..., :3]).digest


def test_colours_of_other_dtypes_share_their_limits() -> None:
    image = np.zeros((SIDE, SIDE, 3), np.uint16)
    image[:, :512] = (1000, 2000, 4000)
    found = shown(prepare(image))
    np.testing.assert_allclose(found[0, 0], [0.25, 0.5, 1], atol=1e-6)


@pytest.mark.parametrize(("gamma", "expected"), [(1, 0.25), (2, 0.0625), (0.5, 0.5)])
def test_gamma_comes_after_the_limits(gamma: float, expected: float) -> None:
    image = columns([0, 50, 100, 200], np.uint8)
    found = prepare(image, contrast_limits=(0, 200), gamma=gamma)
    np.testing.assert_allclose(
        shown_columns(found, 4), [0, expected, 0.5**gamma, 1], atol=1e-6
    )


# --- regions ---------------------------------------------------------------------


def test_a_region_is_its_crop_with_the_limits_of_the_plane(image: np.ndarray) -> None:
    whole = (sorted_percentile(image, 0.1), sorted_percentile(image, 99.9))
    found = prepare(image, region=(20, 60, 50, 100))
    crop = prepare(image[20:50, 60:100], contrast_limits=whole)
    np.testing.assert_allclose(found.tensor, crop.tensor, atol=1e-5)
    assert found.region == Region(20, 60, 50, 100)
    assert found.plane_shape == (120, 200)


def test_a_coarser_crop_keeps_the_region_it_shows() -> None:
    crop = np.arange(48.0).reshape(6, 8)
    region = Region(100, 200, 160, 280)
    found = prepare_crop(crop, region, (1000, 1000), (0, 47))
    expected = direct_resize(crop[..., None] / 47, SIDE, SIDE)[..., 0]
    np.testing.assert_allclose(shown(found)[..., 0], expected, atol=1e-5)
    assert (found.region, found.plane_shape) == (region, (1000, 1000))


@pytest.mark.parametrize(
    "region",
    [(0, 0, 0, 5), (5, 5, 2, 9), (-1, 0, 5, 5), (0, 0, 121, 5), (0, 0, 5, 201),
     (0, 0, 5), (0, 0, 5, float("nan"))],
)  # fmt: skip
def test_bad_regions_are_refused(region: Any, image: np.ndarray) -> None:
    with pytest.raises(ImageError, match=r"region .* 120 x 200 pixels"):
        prepare(image, region=region)


# --- bad input -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((4, 4), complex), r"complex128 cannot be segmented.*np\.abs"),
        (np.zeros((4, 4), object), "object cannot be segmented; convert"),
        (np.full((4, 4), "a"), "<U1 cannot be segmented; convert"),
        (np.zeros((4, 4), "M8[s]"), "cannot be segmented; convert"),
        (np.zeros((0, 5)), r"shape \(0, 5\) holds no pixels"),
        (np.zeros((5, 0, 3)), r"shape \(5, 0, 3\) holds no pixels"),
        (np.float32(3), r"shape \(\) is not one plane"),
        (np.zeros(5), r"shape \(5,\) is not one plane; .*pick a slice"),
        (np.zeros((5, 5, 2)), r"shape \(5, 5, 2\) is not one plane"),
        (np.zeros((5, 5, 5)), r"shape \(5, 5, 5\) is not one plane"),
        (np.zeros((2, 5, 5, 3)), "is not one plane; .*or a channel first"),
        (np.full((5, 5), np.nan), "no finite pixel"),
        (np.full((5, 5), -np.inf), "no finite pixel"),
    ],
)
def test_images_that_cannot_be_used(image: np.ndarray, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        prepare(image)


@pytest.mark.parametrize(
    "limits",
    [(1, 0), (np.nan, 1), (0, np.inf), (-1.7e308, 1.7e308), (1, 2, 3), (1,)],
)
def test_bad_limits_are_refused(limits: Any) -> None:
    with pytest.raises(ImageError, match="two finite numbers, the lower one first"):
        prepare(np.eye(4), contrast_limits=limits)


@pytest.mark.parametrize("gamma", [0, -1, np.nan, np.inf])
def test_bad_gamma_is_refused(gamma: float) -> None:
    with pytest.raises(ImageError, match="finite number above 0; 1 is neutral"):
        prepare(np.eye(4), gamma=gamma)


# --- input and digest ------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1024, 1024), (30, 40), (30, 40, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64, np.bool_])
def test_the_image_is_never_written(shape: tuple[int, ...], dtype: Any) -> None:
    image = (np.random.default_rng(6).random(shape) * 9).astype(dtype)
    before = image.copy()
    image.flags.writeable = False
    prepare(image, gamma=0.7)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize(
    "view",
    [lambda a: a[::-1, ::2], lambda a: a.T, np.asfortranarray, lambda a: a[7:9, 3:]],
    ids=["strided", "transposed", "fortran", "slice"],
)
def test_memory_layout_does_not_matter(view: Any) -> None:
    image = view(np.random.default_rng(7).integers(0, 999, (60, 80)))
    assert prepare(image).digest == prepare(np.ascontiguousarray(image)).digest


def test_the_digest_is_that_of_the_tensor(image: np.ndarray) -> None:
    found = prepare(image)
    assert found.digest == hashlib.sha256(found.tensor.tobytes()).hexdigest()


def test_equal_pictures_have_equal_digests(image: np.ndarray) -> None:
    limits = (0.0, 255.0)
    as_floats = prepare(image.astype(np.float64) * 2, contrast_limits=(0, 510))
    assert as_floats.digest == prepare(image, contrast_limits=limits).digest


CHANGES = {
    "one pixel": {"pixel": 1},
    "contrast": {"contrast_limits": (0.0, 254.0)},
    "gamma": {"gamma": 1.01},
    "region": {"region": (0, 0, 120, 199)},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_every_visible_change_changes_the_digest(
    change: dict[str, Any], image: np.ndarray
) -> None:
    options = {"contrast_limits": (0.0, 255.0), **change}
    other = image.copy()
    other[60, 60] += options.pop("pixel", 0)
    before = prepare(image, contrast_limits=(0.0, 255.0))
    assert prepare(other, **options).digest != before.digest
