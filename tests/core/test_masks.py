"""Logits to masks and back, against a direct evaluation of the bilinear formula."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_sam21.core import masks
from napari_sam21.core.embedding import Embedding
from napari_sam21.core.errors import EmbeddingMismatchError, PromptError
from napari_sam21.core.geometry import Region
from napari_sam21.core.masks import crop_mask, mask_to_logits, tighten, upsample

SIDE = 256
LIMIT = 6.906755  # ln(0.999 / 0.001)


def hat_weights(size_in: int, size_out: int) -> np.ndarray:
    """Bilinear, align_corners=False: hats over the cells, held at the ends."""
    centre = (np.arange(size_out) + 0.5) * size_in / size_out - 0.5
    place = np.clip(centre, 0, size_in - 1)
    return np.maximum(0, 1 - np.abs(place[:, None] - np.arange(size_in)))


def direct_upsample(logits: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    down, across = (hat_weights(n, m) for n, m in zip(logits.shape, shape, strict=True))
    return down @ logits.astype(np.float64) @ across.T


def whole(shape: tuple[int, int]) -> tuple[int, int, int, int]:
    return (0, 0, *shape)


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(SIDE, SIDE)).astype(np.float32)


def smooth(seed: int, share: float = 0.3) -> np.ndarray:
    """A few bumps; about this share of them positive."""
    rng = np.random.default_rng(seed)
    bumps = rng.random((6, 6)) - 1 + share
    return direct_upsample(bumps, (SIDE, SIDE)).astype(np.float32)


def sparse(seed: int) -> np.ndarray:
    """One to three positive cells, anywhere: at the border too."""
    rng = np.random.default_rng(seed)
    logits = np.full((SIDE, SIDE), -rng.random(), np.float32)
    for row, column in rng.choice([0, 1, 100, 254, 255], (rng.integers(1, 4), 2)):
        logits[row, column] = 2
    return logits


def pasted(
    crop: np.ndarray, origin: tuple[int, int], shape: tuple[int, int]
) -> np.ndarray:
    """A plane with the crop where it belongs."""
    plane = np.zeros(shape, bool)
    row, column = origin
    plane[row : row + crop.shape[0], column : column + crop.shape[1]] = crop
    return plane


def embedding(region: Region, shape: tuple[int, int]) -> Embedding:
    return Embedding({}, region, shape, "key", "model")


# --- upsampling ------------------------------------------------------------------


def test_upsampling_by_hand() -> None:
    logits = np.array([[0, 1], [2, 3]], np.float32)
    steps = np.array([0, 0.25, 0.75, 1])
    expected = steps[None] + 2 * steps[:, None]
    np.testing.assert_allclose(upsample(logits, (4, 4), (0, 0, 4, 4)), expected)


def test_downsampling_by_hand_has_no_antialias() -> None:
    logits = np.array([[0, 1, 10, 100]], np.float32)
    np.testing.assert_allclose(upsample(logits, (1, 2), (0, 0, 1, 2)), [[0.5, 55]])


@pytest.mark.parametrize(
    "shape",
    [(256, 256), (1024, 1024), (300, 777), (100, 60), (1, 400), (400, 1), (257, 3)],
    ids="{0[0]}x{0[1]}".format,
)
@pytest.mark.parametrize("make", [noise, smooth])
def test_upsampling_equals_the_bilinear_formula(make, shape: tuple[int, int]) -> None:
    logits = make(0)
    expected = direct_upsample(logits, shape)
    found = upsample(logits, shape, whole(shape))
    assert (found.shape, found.dtype) == (shape, np.float32)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize(
    "window", [(0, 0, 1, 1), (299, 776, 300, 777), (10, 20, 200, 21), (5, 9, 5, 30)]
)
def test_a_window_is_a_crop(window: tuple[int, int, int, int]) -> None:
    logits, shape = noise(1), (300, 777)
    r0, c0, r1, c1 = window
    expected = upsample(logits, shape, whole(shape))[r0:r1, c0:c1]
    np.testing.assert_array_equal(upsample(logits, shape, window), expected)


# --- masks -----------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(
    logits=st.builds(
        lambda make, seed: make(seed),
        st.sampled_from([noise, smooth, sparse]),
        st.integers(0, 10**6),
    ),
    size=st.tuples(st.integers(1, 400), st.integers(1, 400)),
    origin=st.tuples(st.integers(0, 50), st.integers(0, 50)),
    chunk=st.sampled_from([1, 700, 1 << 20]),
)
def test_the_crop_is_the_thresholded_plane(
    logits: np.ndarray, size: tuple[int, int], origin: tuple[int, int], chunk: int
) -> None:
    region = Region(*origin, origin[0] + size[0], origin[1] + size[1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(masks, "CHUNK_PIXELS", chunk)
        found = pasted(*crop_mask(logits, region), (460, 460))
    values = np.zeros(found.shape)
    values[region.r0 : region.r1, region.c0 : region.c1] = direct_upsample(logits, size)
    certain = np.abs(values) > 1e-5  # nearer to 0, rounding decides
    np.testing.assert_array_equal(found[certain], values[certain] > 0)
    assert not found[values == 0].any()


@pytest.mark.parametrize("shape", [(1000, 1500), (300, 260), (200, 77), (2000, 10)])
@pytest.mark.parametrize("cell", [(0, 0), (100, 7), (31, 254), (255, 255)])
def test_a_lone_cell_reaches_as_far_as_its_weight(
    cell: tuple[int, int], shape: tuple[int, int]
) -> None:
    logits = np.full((SIDE, SIDE), -1e-3, np.float32)
    logits[cell] = 20
    found = pasted(*crop_mask(logits, Region(0, 0, *shape)), shape)
    np.testing.assert_array_equal(found, direct_upsample(logits, shape) > 0)


@pytest.mark.parametrize("make", [noise, smooth, sparse])
def test_the_crop_is_tight(make) -> None:
    crop, _ = crop_mask(make(3), Region(0, 0, 500, 400))
    edges = (crop[0], crop[-1], crop[:, 0], crop[:, -1])
    assert all(edge.any() for edge in edges)


@pytest.mark.parametrize("value", [-3.0, 0.0])
def test_nothing_positive_is_an_empty_crop(value: float) -> None:
    logits = np.full((SIDE, SIDE), value, np.float32)
    crop, origin = crop_mask(logits, Region(7, 9, 50, 60))
    assert (crop.shape, crop.dtype, origin) == ((0, 0), bool, (7, 9))


def test_a_cell_that_falls_between_pixels_is_an_empty_crop() -> None:
    logits = np.full((SIDE, SIDE), -1, np.float32)
    logits[100, 100] = 1e-3
    crop, _ = crop_mask(logits, Region(0, 0, 10, 10))
    assert crop.size == 0


def test_everything_positive_is_the_whole_region() -> None:
    logits = np.ones((SIDE, SIDE), np.float32)
    crop, origin = crop_mask(logits, Region(7, 9, 50, 60))
    assert (crop.shape, origin) == ((43, 51), (7, 9))
    assert crop.all()


def test_tighten() -> None:
    mask = np.zeros((6, 8), bool)
    mask[2, 3] = mask[4, 5] = True
    tight, origin = tighten(mask, (10, 20))
    np.testing.assert_array_equal(tight, [[1, 0, 0], [0, 0, 0], [0, 0, 1]])
    assert origin == (12, 23)


def test_tighten_of_nothing() -> None:
    tight, origin = tighten(np.zeros((6, 8), bool), (10, 20))
    assert (tight.shape, origin) == ((0, 0), (10, 20))


# --- masks as prompts ------------------------------------------------------------


# Triangle weights 1 3 3 1 of 8 over four pixels; cell 100 is centred on column 201.
@pytest.mark.parametrize(
    ("edge", "expected"),
    [
        (201, [-LIMIT, -LIMIT, 0, LIMIT, LIMIT]),
        (200, [-LIMIT, -np.log(7), np.log(7), LIMIT, LIMIT]),
    ],
)
def test_the_logits_of_a_half_plane_by_hand(edge: int, expected: list[float]) -> None:
    mask = np.zeros((512, 512), np.uint8)
    mask[:, edge:] = 7
    logits = mask_to_logits(mask, embedding(Region(0, 0, 512, 512), mask.shape))
    assert (logits.shape, logits.dtype) == ((SIDE, SIDE), np.float32)
    rows = np.tile(expected, (SIDE, 1))
    np.testing.assert_allclose(logits[:, 98:103], rows, atol=1e-4)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int32, float])
def test_a_full_mask_of_any_dtype_is_the_limit(dtype: type) -> None:
    mask = np.ones((40, 30), dtype)
    logits = mask_to_logits(mask, embedding(Region(0, 0, 40, 30), mask.shape))
    np.testing.assert_allclose(logits, LIMIT, atol=1e-4)


def test_only_the_region_of_the_mask_is_seen() -> None:
    mask = np.zeros((600, 700), bool)
    mask[100:228, 50:562] = True  # the upper half of the region, and more around it
    mask[:100] = True
    region = Region(100, 50, 356, 306)
    logits = mask_to_logits(mask, embedding(region, mask.shape))
    np.testing.assert_allclose(logits[:128], LIMIT, atol=1e-4)
    np.testing.assert_allclose(logits[128:], -LIMIT, atol=1e-4)


@pytest.mark.parametrize("shape", [(40, 31), (40,), (40, 30, 1)])
def test_a_mask_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    known = embedding(Region(0, 0, 40, 30), (40, 30))
    with pytest.raises(EmbeddingMismatchError, match=r"embedded plane \(40, 30\)"):
        mask_to_logits(np.ones(shape, bool), known)


def test_a_mask_empty_in_the_region_is_refused() -> None:
    mask = np.zeros((40, 30), bool)
    mask[:10] = True
    with pytest.raises(PromptError, match="empty inside the embedded region"):
        mask_to_logits(mask, embedding(Region(10, 0, 40, 30), mask.shape))


@pytest.mark.parametrize(
    ("shape", "region"),
    [((900, 700), None), ((120, 200), None), ((900, 900), Region(150, 200, 750, 800))],
)
def test_a_big_blob_comes_back(shape: tuple[int, int], region: Region | None) -> None:
    rows, columns = np.indices(shape) / np.reshape(shape, (2, 1, 1)) - 0.5
    blob = rows**2 + 2 * columns**2 + rows * columns < 0.05
    region = region or Region(0, 0, *shape)
    logits = mask_to_logits(blob, embedding(region, shape))
    back = pasted(*crop_mask(logits, region), shape)
    assert (back & blob).sum() / (back | blob).sum() > 0.95
