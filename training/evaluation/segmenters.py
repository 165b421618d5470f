"""What can be measured: anything that encodes an image and then answers prompts.

`napari_sam21.Model` keeps these protocols as it is; the baselines do too.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

import napari_sam21 as sam
from training.evaluation import baselines
from training.evaluation.baselines import BASELINES
from training.evaluation.patches import Mask, Patch

PACKAGED = Path(sam.__file__).parent / "models"


class Reply(Protocol):
    """Candidate masks of one object, as `napari_sam21.Answer` gives them."""

    @property
    def scores(self) -> npt.NDArray[np.float32]:
        """Predicted IoU of each candidate; NaN if the segmenter predicts none."""

    @property
    def best(self) -> int:
        """Index of the candidate that is taken."""

    def crop(self, index: int | None = None) -> tuple[Mask, tuple[int, int]]:
        """Return a candidate's mask in its bounding box, and the box's corner."""


class Segmenter(Protocol):
    """Encode an image once, then answer prompts about it."""

    def encode(self, image: npt.NDArray[Any]) -> Any:
        """Prepare an image (H, W) or (H, W, 3)."""

    def decode(self, embedding: Any, prompts: sam.Prompts, previous: Any) -> Reply:
        """Answer; ``previous`` is the last reply about the same object, or None."""


def candidate(reply: Reply, index: int | None = None) -> Patch:
    """Return a candidate of a reply, by default the one that is taken."""
    return Patch(*reply.crop(reply.best if index is None else index))


@cache
def open_segmenter(name: str) -> Segmenter:
    """Open a baseline, a model of the package's table, or a model by its path.

    Once a process, because a model is large.
    """
    if name in BASELINES:
        return BASELINES[name]
    model: Segmenter = sam.load_model(name if name in sam.MODELS else Path(name))
    return model


def absolute(name: str) -> str:
    """Return a model's name, or its path from the root of the file system."""
    known = name in BASELINES or name in sam.MODELS
    return name if known else str(Path(name).resolve())


def model_files(name: str) -> list[Path]:
    """Return the files of a model: an archive, or a folder's ONNX files; [] if none."""
    if name in BASELINES:
        return []
    row = sam.MODELS.get(name)
    path = PACKAGED / (row.folder or name) if row else Path(name)
    return sorted(path.glob("*.onnx")) if path.is_dir() else [path]


def fingerprint(name: str) -> str:
    """Tell a segmenter from others: its files' contents, or a baseline's code."""
    digest = hashlib.sha256()
    for path in model_files(name):
        digest.update(path.read_bytes())
    if name in BASELINES:
        digest.update(repr(BASELINES[name]).encode())
        digest.update(Path(baselines.__file__).read_bytes())
    return digest.hexdigest()[:12]
