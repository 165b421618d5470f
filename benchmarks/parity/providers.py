"""The same questions by every provider of a machine, against the official answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.parity.images import PICTURES, Picture
from benchmarks.parity.measure import Agreement, worst
from benchmarks.parity.official import Official
from benchmarks.parity.run import ImageResult, ask_official, compare
from napari_sam21.core.errors import Sam21Error
from napari_sam21.core.providers.plugins import found_plugins, plugin_ways
from napari_sam21.core.providers.sessions import built_in_ways, version_of
from napari_sam21.core.providers.way import CPU, Way
from napari_sam21.models.choosing.result import Pair
from napari_sam21.models.weights import model_parts

FEW = PICTURES[:4]


@dataclass(frozen=True)
class ProviderResult:
    """What one way to run the two files gave, the worst of some images.

    Attributes
    ----------
    way : str
        Provider, device and precision.
    version : str
    problem : str
        Why it gave nothing; empty if it did.
    features : float or None
    answers : Agreement or None
    """

    way: str
    version: str
    problem: str = ""
    features: float | None = None
    answers: Agreement | None = None


def ways() -> list[Way]:
    """Return all ways of this machine, the CPU's first."""
    return [
        CPU,
        *built_in_ways(),
        *(w for p in found_plugins() for w in plugin_ways(p)),
    ]


def measure_providers(
    folder: Path,
    network: Any,
    say: Callable[[str], None],
    pictures: Sequence[Picture] = FEW,
) -> tuple[ProviderResult, ...]:
    """Ask the model of a folder by each provider, and the official predictor once."""
    official = Official(network)
    images = [(picture, picture.read()) for picture in pictures]
    asked = [(*each, ask_official(official, each[1])) for each in images]
    parts, found = model_parts(folder), []
    for way in ways():
        try:
            model = parts.open(Pair(way, way))
            found.append(_result(way, [compare(model, *each) for each in asked]))
        except Sam21Error as error:
            found.append(ProviderResult(str(way), version_of(way), str(error)))
        say(f"{way}: {found[-1].problem or 'asked'}")
    return tuple(found)


def _result(way: Way, images: Sequence[ImageResult]) -> ProviderResult:
    return ProviderResult(
        str(way),
        version_of(way),
        features=max(max(image.features.values()) for image in images),
        answers=worst(case for image in images for case in image.cases.values()),
    )


def provider_columns(found: Sequence[ProviderResult]) -> list[list[str]]:
    """Return a header and four rows, with a column for each provider."""

    def row(title: str, text: Callable[[ProviderResult], str]) -> list[str]:
        return [title, *("–" if one.problem else text(one) for one in found)]

    def answers(one: ProviderResult) -> Agreement:
        assert one.answers is not None
        return one.answers

    return [
        ["largest over the images", *(f"{one.way} ({one.version})" for one in found)],
        row("features", lambda one: f"{one.features:.1e}"),
        row("logits", lambda one: f"{answers(one).logits:.1e}"),
        row("scores", lambda one: f"{answers(one).scores:.1e}"),
        row("smallest mask IoU", lambda one: f"{answers(one).iou:.6f}"),
    ]
