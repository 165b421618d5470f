"""A segmenter before an image, and a session with one object: what protocols share."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

import napari_sam21 as sam
from training.evaluation.patches import Labels, Patch, Target, iou, targets
from training.evaluation.scores import mean_segmentation_accuracy, merge
from training.evaluation.segmenters import Segmenter, candidate

Found = dict[str, Any]
Pixel = tuple[int, int]
EMPTY = Patch(np.zeros((0, 0), bool), (0, 0))


@dataclass(frozen=True, eq=False)
class Sitting:
    """A segmenter before one image.

    Attributes
    ----------
    segmenter : Segmenter
    embedding : object
        What the segmenter made of the image.
    targets : list of Target
    shape : (int, int)
        (H, W) of the plane.
    name : str
        Of the image; random clicks are drawn from it.
    """

    segmenter: Segmenter
    embedding: Any
    targets: list[Target]
    shape: tuple[int, int]
    name: str

    @classmethod
    def of(
        cls, segmenter: Segmenter, image: npt.NDArray[Any], labels: Labels, name: str
    ) -> Sitting:
        """Encode an image once, for all protocols."""
        shape = (labels.shape[0], labels.shape[1])
        return cls(segmenter, segmenter.encode(image), targets(labels), shape, name)

    @property
    def truth(self) -> Labels:
        """The objects that are measured, as a label image; smaller ones left out."""
        return merge([target.patch for target in self.targets], self.shape)

    def score(self, patches: list[Patch]) -> float:
        """Return mSA of masks, merged into one label image."""
        return round(
            mean_segmentation_accuracy(merge(patches, self.shape), self.truth), 5
        )

    def random(self, target: Target, salt: str) -> np.random.Generator:
        """Return a generator that is the same in every run, for every segmenter."""
        text = f"{self.name}/{target.number}/{salt}"
        return np.random.default_rng(zlib.crc32(text.encode()))


@dataclass
class Session:
    """One object being clicked: what was said so far, and the last answer."""

    sitting: Sitting
    points: list[Pixel] = field(default_factory=list)
    signs: list[int] = field(default_factory=list)
    box: tuple[int, int, int, int] | None = None
    reply: Any = None
    shown: Patch = EMPTY

    def ask(self, *clicks: tuple[Pixel, int]) -> Patch:
        """Add clicks and ask, with the last answer fed back; return the mask."""
        self.points += [point for point, _ in clicks]
        self.signs += [sign for _, sign in clicks]
        prompts = sam.Prompts(self.points, self.signs, self.box)
        segmenter, embedding = self.sitting.segmenter, self.sitting.embedding
        self.reply = segmenter.decode(embedding, prompts, self.reply)
        self.shown = candidate(self.reply)
        return self.shown

    def facts(self, truth: Patch) -> Found:
        """Return predicted and reached IoU of every candidate of the last answer."""
        scores = [round(float(score), 4) for score in self.reply.scores]
        known = not np.isnan(scores).any()
        reached = [iou(candidate(self.reply, i), truth) for i in range(len(scores))]
        return {
            "scores": scores if known else None,
            "candidates": [round(value, 4) for value in reached],
            "best": self.reply.best,
        }


class Measure(Protocol):
    """A way to prompt."""

    @property
    def key(self) -> str:
        """Name and settings: what was found under this key is found again."""

    def run(self, sitting: Sitting) -> Found:
        """Prompt every object of an image."""
