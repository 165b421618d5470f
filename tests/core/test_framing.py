"""Regions of planes smaller than the finest level."""

from __future__ import annotations

import numpy as np
import pytest

import napari_sam21 as sam
from napari_sam21.core.crops import Crop
from napari_sam21.core.framing import (
    encode_framed,
    framed,
    prepare_framed,
    region_about,
)
from napari_sam21.core.geometry import Region


def blob(shape: tuple[int, int], middle: tuple[int, int], radius: int) -> np.ndarray:
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    away = (rows - middle[0]) ** 2 + (columns - middle[1]) ** 2
    return away <= radius**2


def test_a_small_plane_is_the_middle_of_a_square() -> None:
    assert framed(Region(0, 0, 60, 300)) == Region(-98, 0, 158, 300)
    assert framed(Region(0, 0, 256, 256)) == Region(0, 0, 256, 256)


@pytest.mark.parametrize("kind", ["uint8", "bool", "float64", "rgb"])
def test_what_lies_beyond_is_the_median(kind: str) -> None:
    plane = np.random.default_rng(0).integers(0, 255, (40, 50), np.uint8)
    if kind == "rgb":
        image = np.stack([plane] * 3, axis=-1)
    else:
        image = (plane > 128) if kind == "bool" else plane.astype(kind)
    found = prepare_framed(image, framed(Region(0, 0, 40, 50)))
    assert found.plane_shape == (40, 50)
    assert np.ptp(found.tensor[0, 0, :300]) == pytest.approx(0, abs=1e-6)


def test_a_click_on_a_tiny_plane_finds_its_object() -> None:
    model = sam.load_model("starter")
    truth = blob((60, 60), (30, 25), 7)
    image = np.where(truth, 180, 40) + np.random.default_rng(1).normal(0, 12, (60, 60))
    answer = model.decode(encode_framed(model, image), sam.Prompts([(30, 25)], [1]))
    mask = answer.mask()
    assert mask.shape == truth.shape
    assert (mask & truth).sum() / (mask | truth).sum() > 0.7


def test_answers_and_mask_prompts_stay_on_the_plane(tiny: sam.Model) -> None:
    image = np.zeros((30, 40), np.uint8)
    embedding = encode_framed(tiny, image)
    answer = tiny.decode(embedding, sam.Prompts([(1, 1)], [1]))
    crop = Crop(*answer.crop())
    assert crop
    assert min(crop.origin_rc) >= 0
    assert answer.mask().sum() == crop.area
    logits = sam.mask_to_logits(np.ones((30, 40)), embedding)
    cells = (logits > 0).sum()
    assert cells == pytest.approx(30 * 40, rel=0.1)


def test_the_region_shows_objects_with_their_surroundings() -> None:
    region = region_about((2000, 2000), [(500, 500, 560, 540)])
    assert region.height == 256
    assert region.contains(440, 440)
    assert region_about((2000, 2000), []) == Region(0, 0, 2000, 2000)
