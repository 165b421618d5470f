"""The parity measurement itself, on one image; ``./dev parity`` takes them all."""

from __future__ import annotations

import sys

import pytest

import napari_sam21 as sam
from benchmarks.parity.images import PICTURES
from benchmarks.parity.run import NOTICED, measure, verdicts


@pytest.fixture(scope="module")
def result(converted, network):
    pictures = [each for each in PICTURES if each.name == "retina, a strip"]
    model = sam.load_model(converted.folder)
    return measure(model, network, lambda line: None, pictures)


def test_our_runtime_is_the_official_predictor(result) -> None:
    verdict = verdicts(result)
    assert all(verdict.values()), verdict


def test_every_mistake_is_noticed_on_the_one_image(result) -> None:
    assert len(result.controls) == 4
    assert all(found.worst > NOTICED for found in result.controls)


def test_no_stand_in_is_left_for_others(result) -> None:
    assert not hasattr(sys.modules.get("torchvision"), "transforms") or (
        sys.modules["torchvision"].__spec__ is not None
    )


def test_there_are_enough_images_of_different_shapes() -> None:
    assert len(PICTURES) >= 12
    shapes = {picture.read().shape[:2] for picture in PICTURES}
    assert len(shapes) >= 10
    kinds = {picture.read().ndim for picture in PICTURES}
    assert kinds == {2, 3}
