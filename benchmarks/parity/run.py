"""The whole measurement: every image, every case, every control."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import napari_sam21 as sam
from benchmarks.parity.controls import CONTROL_CASES, CONTROLS, Control
from benchmarks.parity.images import PICTURES, Picture, UInt8, as_rgb, kind
from benchmarks.parity.measure import (
    GREY_LIMITS,
    Agreement,
    Float32,
    OfficialAnswer,
    compare_cases,
    encode,
    feature_errors,
    official_answers,
    worst,
)
from benchmarks.parity.official import Official
from napari_sam21.core.preprocess import prepare

TOLERANCE = 1e-3
"""Largest error allowed, in standard deviations of the official tensor."""

MIN_IOU = 0.999
NOTICED = 10 * TOLERANCE
"""A negative control must exceed this."""


@dataclass(frozen=True)
class ImageResult:
    """What one image gave.

    Attributes
    ----------
    name, source, kind : str
    shape : (int, int)
    input_error : float
        Largest difference of the encoder's input, absolute.
    features : dict of str to float
        Error of each feature map.
    cases : dict of str to Agreement
    """

    name: str
    source: str
    kind: str
    shape: tuple[int, int]
    input_error: float
    features: dict[str, float]
    cases: dict[str, Agreement]


@dataclass(frozen=True)
class ControlResult:
    """What one mistake gave on one image."""

    control: str
    image: str
    features: float
    answers: Agreement

    @property
    def worst(self) -> float:
        """The largest error of features, logits and scores."""
        return max(self.features, self.answers.logits, self.answers.scores)


@dataclass(frozen=True)
class Result:
    """All that was measured on images."""

    images: tuple[ImageResult, ...]
    controls: tuple[ControlResult, ...]

    def case(self, name: str) -> Agreement:
        """Return the worst of a case over all images."""
        return worst(image.cases[name] for image in self.images)

    def feature(self, name: str) -> float:
        """Return the worst of a feature map over all images."""
        return max(image.features[name] for image in self.images)

    def control(self, name: str) -> list[ControlResult]:
        """Return what a control gave, image by image."""
        return [result for result in self.controls if result.control == name]


def measure(
    model: sam.Model,
    network: Any,
    say: Callable[[str], None],
    pictures: Sequence[Picture] = PICTURES,
) -> Result:
    """Compare our runtime with the official predictor on every image.

    Parameters
    ----------
    model : Model
        Loaded from converted files.
    network : torch.nn.Module
        The network they were converted from.
    say : callable
        Takes a line about the progress.
    pictures : sequence of Picture
        Images to use.
    """
    official = Official(network)
    images: list[ImageResult] = []
    controls: list[ControlResult] = []
    for picture in pictures:
        image = picture.read()
        reference = ask_official(official, image)
        images.append(compare(model, picture, image, reference))
        controls += [
            _control(model, control, picture, image, reference)
            for control in CONTROLS
            if control.applies(image.shape[:2])
        ]
        agreement = worst(images[-1].cases.values())
        say(f"{picture.name}: logits {agreement.logits:.1e}, IoU {agreement.iou:.5f}")
    return Result(tuple(images), tuple(controls))


@dataclass(frozen=True)
class Reference:
    """The official side of one image: the encoder's input, features, answers."""

    tensor: Float32
    features: dict[str, Float32]
    answers: dict[str, list[OfficialAnswer]]


def ask_official(official: Official, image: UInt8) -> Reference:
    """Ask the official predictor every case about an image."""
    rgb = as_rgb(image)
    features = official.set_image(rgb)
    answers = official_answers(official, image.shape[:2])
    return Reference(official.tensor(rgb), features, answers)


def compare(
    model: sam.Model, picture: Picture, image: UInt8, reference: Reference
) -> ImageResult:
    """Compare our runtime with the official predictor on one image."""
    shape = image.shape[:2]
    ours = prepare(image, contrast_limits=GREY_LIMITS).tensor
    embedding = encode(model, image)
    return ImageResult(
        picture.name,
        picture.source,
        kind(image),
        shape,
        float(np.abs(ours - reference.tensor).max()),
        feature_errors(embedding, reference.features),
        compare_cases(model, embedding, reference.answers, shape),
    )


def _control(
    model: sam.Model,
    control: Control,
    picture: Picture,
    image: UInt8,
    reference: Reference,
) -> ControlResult:
    embedding = control.encode(model, image)
    answers = compare_cases(
        model,
        embedding,
        reference.answers,
        image.shape[:2],
        cases=CONTROL_CASES,
        change=control.change,
    )
    errors = feature_errors(embedding, reference.features)
    return ControlResult(
        control.name, picture.name, max(errors.values()), worst(answers.values())
    )


def verdicts(result: Result) -> dict[str, bool]:
    """Return each requirement, and whether it is kept."""
    every = [agreement for image in result.images for agreement in image.cases.values()]
    kept = {
        "features within tolerance": all(
            error <= TOLERANCE
            for image in result.images
            for error in image.features.values()
        ),
        "logits within tolerance": all(each.logits <= TOLERANCE for each in every),
        "scores within tolerance": all(each.scores <= TOLERANCE for each in every),
        "mask IoU": all(each.iou >= MIN_IOU for each in every),
    }
    noticed = {
        f"control noticed: {control.name}": max(
            found.worst for found in result.control(control.name)
        )
        > NOTICED
        for control in CONTROLS
    }
    return kept | noticed
