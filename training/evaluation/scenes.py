"""Images with labels: where they lie, and the group each counts for."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from skimage.io import imread

from training.evaluation.patches import Labels

GROUPS = {
    "fluor": "fluorescence",
    "he_purple_white": "H&E",
    "he_pink_purple": "H&E",
    "bright_gray": "brightfield",
}
"""Names of bbbc038's modalities in tables; any other is its own group."""
SUFFIXES = (".png", ".tif", ".tiff", ".jpg", ".jpeg")
UNGROUPED = "images"


@dataclass(frozen=True)
class Scene:
    """An image file, its label file and the group it counts for."""

    name: str
    image: Path
    labels: Path
    group: str

    @property
    def digest(self) -> str:
        """Tell the contents of both files from any others."""
        both = self.image.read_bytes() + self.labels.read_bytes()
        return hashlib.sha256(both).hexdigest()[:16]

    def read(self) -> tuple[npt.NDArray[Any], Labels]:
        """Return the image, and the labels (H, W), 0 for background.

        Raises
        ------
        ValueError
            If the two do not cover the same pixels.
        """
        image, labels = np.asarray(imread(self.image)), np.asarray(imread(self.labels))
        if labels.ndim != 2 or labels.shape != image.shape[:2]:
            raise ValueError(
                f"{self.labels} has shape {labels.shape}, its image {image.shape}; "
                "labels must be one number for each pixel of the image"
            )
        return image, labels.astype(np.int64)


def find_scenes(root: Path, split: str | None = None, every: int = 1) -> list[Scene]:
    """Find the images of a folder.

    Parameters
    ----------
    root : Path
        Holds ``images`` and ``labels`` with files of the same stem, and perhaps an
        ``index.csv`` with ``name``, ``group`` (or ``modality``) and ``split``.
    split : str, optional
        Keep this split only, where the index has splits.
    every : int
        Keep each n-th image only.

    Raises
    ------
    FileNotFoundError
        If there is no labelled image.
    """
    images = {path.stem: path for path in sorted((root / "images").glob("*"))}
    labels = {path.stem: path for path in sorted((root / "labels").glob("*"))}
    found = [
        Scene(name, images[name], labels[name], group)
        for name, group in _names(root, list(images), split)
        if name in images and name in labels and images[name].suffix.lower() in SUFFIXES
    ][::every]
    if not found:
        raise FileNotFoundError(
            f"no labelled image of split {split!r} in {root}; it must hold images/ and "
            "labels/ with files of the same names"
        )
    return found


def has_splits(root: Path) -> bool:
    """Whether a folder's index divides its images into splits."""
    index = root / "index.csv"
    if not index.is_file():
        return False
    with index.open(encoding="utf-8") as handle:
        return "split" in handle.readline().strip().split(",")


def _names(
    root: Path, images: list[str], split: str | None
) -> Iterator[tuple[str, str]]:
    """Yield names and groups, from the index if there is one."""
    index = root / "index.csv"
    if not index.is_file():
        yield from ((name, UNGROUPED) for name in images)
        return
    with index.open(newline="", encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            if split is None or row.get("split", split) == split:
                group = row.get("group") or row.get("modality") or UNGROUPED
                yield row["name"], GROUPS.get(group, group)
