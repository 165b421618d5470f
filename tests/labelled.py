"""Labels with things in them, for the tests of files."""

from __future__ import annotations

import numpy as np


def discs(shape: tuple[int, ...], dtype: str = "uint16", seed: int = 0) -> np.ndarray:
    """Labels with a few discs in each plane, and an odd one: a ring, two pieces."""
    rng = np.random.default_rng(seed)
    labels = np.zeros(shape, dtype)
    rows, columns = np.mgrid[: shape[-2], : shape[-1]]
    for index in np.ndindex(*shape[:-2]):
        for number in range(1, 6):
            row, column = rng.uniform(0, shape[-2]), rng.uniform(0, shape[-1])
            radius = rng.uniform(3.5, 9)
            labels[index][np.hypot(rows - row, columns - column) < radius] = number
        around = np.hypot(rows - 20, columns - 20)
        labels[index][(around < 12) & (around > 5)] = 7
        labels[index][2:8, 40:52] = 8
        labels[index][12:18, 50:60] = 8
    return labels


def mostly_empty(side: int, objects: int = 60, seed: int = 0) -> np.ndarray:
    """A large uint16 plane with small squares, lazily zero elsewhere."""
    rng = np.random.default_rng(seed)
    plane = np.zeros((side, side), np.uint16)
    for number in range(1, objects + 1):
        row, column = rng.integers(0, side - 80, 2)
        plane[row : row + 60, column : column + 80] = number * 1000 % 65_521
    return plane
