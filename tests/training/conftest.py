"""Shared pieces of the evaluation's tests: a folder of images, masks drawn by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from skimage.io import imsave

evaluate = pytest.importorskip("training.evaluate", reason="not in the repository")

SHAPE = (96, 128)
DISCS = ((30, 30, 14), (60, 90, 20), (20, 100, 9))


def discs(*places: tuple[int, int, int]) -> np.ndarray:
    """Label image of `SHAPE` with a disc for each (row, column, radius)."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    labels = np.zeros(SHAPE, np.uint8)
    for number, (row, column, radius) in enumerate(places, 1):
        labels[(rows - row) ** 2 + (columns - column) ** 2 < radius**2] = number
    return labels


@pytest.fixture
def labels() -> np.ndarray:
    """Three discs that do not touch."""
    return discs(*DISCS)


@pytest.fixture
def data(tmp_path: Path, labels: np.ndarray) -> Path:
    """A folder of four images in two groups, one of them not of the split ``val``."""
    return write_data(tmp_path / "data", labels)


@pytest.fixture(scope="module")
def measured(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the figures of the tiny model and of the watershed."""
    root = tmp_path_factory.mktemp("measured")
    data, out = write_data(root / "data", discs(*DISCS)), root / "figures"
    args = evaluate.arguments(
        ["--data", str(data), "--jobs", "1", "--cache", str(root / "cache"),
         "--out", str(out), "--no-speed", "--data-name", "bbbc038 val",
         "--model", str(tiny_folder), "watershed", "--label", "tiny", "Otsu"]
    )  # fmt: skip
    for model, label in zip(args.model, args.label, strict=True):
        evaluate.evaluate(args, model, label)
    return out


def write_data(root: Path, labels: np.ndarray) -> Path:
    """Write images, labels and an index; return the folder."""
    kinds = (("bright", "val"), ("bright", "val"), ("dark", "val"), ("dark", "train"))
    lines = ["name,group,split"]
    for folder in ("images", "labels"):
        (root / folder).mkdir(parents=True)
    for number, (group, split) in enumerate(kinds):
        image = np.where(labels > 0, 200, 40 + number).astype(np.uint8)
        if group == "dark":
            image = 255 - image
        imsave(root / "images" / f"im{number}.png", image, check_contrast=False)
        imsave(root / "labels" / f"im{number}.png", labels, check_contrast=False)
        lines.append(f"im{number},{group},{split}")
    (root / "index.csv").write_text("\n".join(lines) + "\n")
    return root
