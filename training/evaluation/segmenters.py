"""What can be measured: anything that encodes an image and then answers prompts.

`napari_sam21.Model` keeps these protocols as it is; the baselines do too.
"""

from __future__ import annotations

import hashlib
import sys
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

import napari_sam21 as sam
from napari_sam21.models.weights import model_path
from training.evaluation.baselines import BASELINES
from training.evaluation.patches import Mask, Patch


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
    """Open a baseline, or what `napari_sam21.load_model` loads by name or path.

    Once a process, because a model is large.
    """
    if name in BASELINES:
        return BASELINES[name]
    model: Segmenter = sam.load_model(name_or_path(name))
    return model


def name_or_path(name: str) -> str | Path:
    """Tell a path from the name of a model, which wins if there are both."""
    path = Path(name)
    return path if name not in sam.MODELS and path.exists() else name


def absolute(name: str) -> str:
    """Return a model's name, or its path from the root of the file system."""
    found = name if name in BASELINES else name_or_path(name)
    return str(found.resolve()) if isinstance(found, Path) else found


def model_files(name: str) -> list[Path]:
    """Return the files of a model: an archive, or a folder's ONNX files; [] if none.

    Weights that an ONNX file keeps beside it (``.onnx.data``) are among them.
    """
    if name in BASELINES:
        return []
    found = name_or_path(name)
    path = found if isinstance(found, Path) else model_path(found)
    return sorted(path.glob("*.onnx*")) if path.is_dir() else [path]


def fingerprint(name: str) -> str:
    """Tell a segmenter from others: its files' contents, or a baseline's code."""
    digest = hashlib.sha256()
    for path in model_files(name):
        digest.update(path.read_bytes())
    if name in BASELINES:
        digest.update(repr(BASELINES[name]).encode())
        module = sys.modules[type(BASELINES[name]).__module__]
        digest.update(Path(str(module.__file__)).read_bytes())
    return digest.hexdigest()[:12]
