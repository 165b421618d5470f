"""Objects carried through labelled stacks from one click, over copying one mask."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

import napari_sam21 as sam
from benchmarks.stacks import Stack, generated, stardist
from benchmarks.timing import Outcome, Spread
from napari_sam21.core.crops import Crop, crops_of
from napari_sam21.core.framing import encode_framed, region_about
from napari_sam21.core.geometry import Region
from napari_sam21.core.placing import inner_points
from napari_sam21.core.propagation import Asking, Step

WHEEL = "SAM21_STARDIST_WHEEL"
"""Environment variable: a wheel of stardist (``pip download stardist --no-deps``)."""
MIN_PIXELS = 30
Masks = dict[int, dict[int, Crop]]
"""By object, then by slice."""


def measure(folder: Path, rounds: int) -> list[Outcome]:
    """Carry the objects of both stacks; a share of the rounds takes fewer objects."""
    model = sam.load_model(folder)
    stacks = [generated()]
    if os.environ.get(WHEEL):
        stacks.append(stardist(Path(os.environ[WHEEL])))
    return [row for stack in stacks for row in carried(model, stack, rounds)]


def carried(model: sam.Model, stack: Stack, most: int) -> list[Outcome]:
    """Return mean 3D IoU of three ways, and of carrying against copying."""
    truth = masks_of(stack)
    chosen = list(truth)[:: max(1, len(truth) // most)]
    shape = (stack.labels.shape[1], stack.labels.shape[2])
    low, high = (float(v) for v in np.percentile(stack.image, (0.1, 99.9)))

    @lru_cache(maxsize=200)
    def embed(index: int, region: Region) -> sam.Embedding:
        return encode_framed(model, stack.image[index], region, (low, high))

    keys: dict[int, dict[int, Crop]] = {}
    for number in chosen:
        middle = sorted(truth[number])[len(truth[number]) // 2]
        point = inner_points(truth[number][middle])[0]
        embedding = embed(middle, region_about(shape, []))
        answer = model.decode(embedding, sam.Prompts([point], [1]))
        if crop := Crop(*answer.crop()):
            keys.setdefault(middle, {})[number] = crop
    span = (0, len(stack.labels))
    asked = Asking()
    others = replace(asked, feedback=not asked.feedback)
    steps = {
        name: sam.propagate(model, embed, shape, keys, span, asking=asking)
        for name, asking in {"": asked, "_otherwise": others}.items()
    }
    found: Masks = {n: {z: c} for z, crops in keys.items() for n, c in crops.items()}
    copies = {n: dict.fromkeys(range(*span), *own.values()) for n, own in found.items()}
    extents = {n: dict.fromkeys(truth[n], *own.values()) for n, own in found.items()}
    ways = {name: _joined(found, each) for name, each in steps.items()}
    ways |= {"_copy": copies, "_extent": extents}
    ious = {
        name: [volume_iou(way.get(n, {}), truth[n]) for n in chosen]
        for name, way in ways.items()
    }
    rows = [_mean(f"{stack.name}{name}", values) for name, values in ious.items()]
    less = np.subtract(ious["_copy"], ious[""])
    return [*rows, _mean(f"{stack.name}_gain", list(less))]


def _joined(keys: Masks, steps: Iterable[Step]) -> Masks:
    """Return the masks of keyframes, and of the slices they were carried to."""
    found = {number: dict(slices) for number, slices in keys.items()}
    for step in steps:
        if not step.stopped:
            found[step.number][step.index] = step.crop
    return found


def masks_of(stack: Stack) -> Masks:
    """Return the true objects that are large enough where they are clicked."""
    masks: Masks = {}
    for index, plane in enumerate(stack.labels):
        for number, crop in crops_of(plane).items():
            masks.setdefault(number, {})[index] = crop
    return {
        number: slices
        for number, slices in masks.items()
        if slices[sorted(slices)[len(slices) // 2]].area >= MIN_PIXELS
    }


def volume_iou(found: Mapping[int, Crop], truth: Mapping[int, Crop]) -> float:
    """Return IoU of two objects in three dimensions."""
    both = sum(found[z].shared(truth[z]) for z in set(found) & set(truth))
    areas = sum(crop.area for each in (found, truth) for crop in each.values())
    return both / (areas - both)


def _mean(key: str, values: list[float]) -> Outcome:
    return Outcome(key, float(np.mean(values)), Spread.of(values))
