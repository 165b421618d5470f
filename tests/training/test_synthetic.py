"""The generator of scenes: what it promises to training and to the evaluation."""

from __future__ import annotations

import numpy as np
import pytest

synthetic = pytest.importorskip("training.synthetic", reason="not in the repository")

SIDE = 192
MANY = 24


def drawn(seed: int, side: int = SIDE) -> object:
    return synthetic.scene(side, np.random.default_rng(seed))


def test_a_scene_follows_from_its_seed() -> None:
    one, same, other = drawn(1), drawn(1), drawn(2)
    np.testing.assert_array_equal(one.image, same.image)
    np.testing.assert_array_equal(one.labels, same.labels)
    assert not np.array_equal(one.image, other.image)


@pytest.mark.parametrize("side", [64, 192, 320])
def test_image_and_labels_have_one_frame(side: int) -> None:
    scene = drawn(3, side)
    assert scene.image.shape == (side, side, 3)
    assert scene.image.dtype == np.float32
    assert scene.image.min() >= 0
    assert scene.image.max() <= 1
    assert scene.labels.shape == (side, side)


def test_objects_stand_out_from_the_ground_on_average() -> None:
    scenes = [drawn(seed) for seed in range(MANY)]
    apart = [
        abs(s.image[s.labels > 0].mean() - s.image[s.labels == 0].mean())
        for s in scenes
        if 0 < (s.labels > 0).mean() < 1
    ]
    assert np.median(apart) > 0.1


def test_sizes_span_more_than_a_decade() -> None:
    areas = np.concatenate(
        [np.bincount(drawn(seed).labels.ravel())[1:] for seed in range(MANY)]
    )
    areas = areas[areas > 0]
    assert areas.min() < 100
    assert areas.max() > 20 * areas.min()


def test_an_outer_object_holds_the_inner_one() -> None:
    nested = [s for s in map(drawn, range(3 * MANY)) if s.inside]
    assert nested
    for scene in nested:
        for inner, outer in scene.inside.items():
            whole = scene.mask(outer)
            assert (whole >= scene.mask(inner)).all()
            assert whole.sum() > (scene.labels == outer).sum()


def test_pictures_of_the_contact_sheet_lend_no_textures() -> None:
    assert not {"coins.png", "text.png", "cell.png"} & set(synthetic.PHOTOGRAPHS)
