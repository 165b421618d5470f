"""The bundled images: what they are, what they weigh, what napari gets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_sam21 import samples

FOLDER = Path(samples.__file__).parent
NAMES = sorted(samples.SAMPLES)


def test_three_modalities() -> None:
    assert len({sample.modality for sample in samples.SAMPLES.values()}) == 3


def test_together_below_two_megabytes() -> None:
    sizes = [path.stat().st_size for path in FOLDER.glob("*.png")]
    assert len(sizes) == 6
    assert sum(sizes) < 2_000_000


@pytest.mark.parametrize("name", NAMES)
def test_source_names_collection_and_licence(name: str) -> None:
    source = samples.SAMPLES[name].source
    for part in ("BBBC038v1", "Broad Bioimage Benchmark Collection", "CC0 1.0"):
        assert part in source


@pytest.mark.parametrize("name", NAMES)
def test_image_and_truth_fit(name: str) -> None:
    image, truth = samples.read_image(name), samples.read_labels(name)
    assert image.dtype == np.uint8
    assert truth.dtype == np.uint16
    assert image.shape[:2] == truth.shape
    # A real picture with real objects on a background, none of them lost.
    assert np.unique(image).size > 50
    numbers = np.unique(truth)
    assert numbers[0] == 0
    assert numbers.size - 1 == truth.max() > 20


def test_histology_is_colour_and_the_others_grey() -> None:
    assert {name: samples.read_image(name).ndim for name in NAMES} == {
        "brightfield": 2,
        "fluorescence": 2,
        "histology": 3,
    }


@pytest.mark.parametrize("name", NAMES)
def test_true_objects_differ_from_their_surroundings(name: str) -> None:
    """Labels of another image would show no contrast."""
    image = samples.read_image(name).astype(float)
    grey = image if image.ndim == 2 else image.mean(axis=2)
    truth = samples.read_labels(name) > 0
    difference = grey[truth].mean() - grey[~truth].mean()
    assert abs(difference) > 0.5 * grey[~truth].std()
    assert (difference > 0) == (name == "fluorescence")


@pytest.mark.parametrize("name", NAMES)
def test_layers_are_what_napari_takes(name: str) -> None:
    from napari.layers import Image, Labels, Layer

    image, truth = (Layer.create(*data) for data in getattr(samples, name)())
    assert isinstance(image, Image)
    assert isinstance(truth, Labels)
    assert image.rgb == (name == "histology")
    assert image.name == name
    assert not truth.visible
    assert image.metadata["source"] == samples.SAMPLES[name].source


def test_dim_image_is_shown_bright() -> None:
    pixels, attributes, _ = samples.fluorescence()[0]
    low, high = attributes["contrast_limits"]
    assert 0 <= low < high < pixels.max() < 255


def test_unknown_sample() -> None:
    with pytest.raises(KeyError, match="nothing"):
        samples.layers("nothing")
