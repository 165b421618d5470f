"""What is asked of both sides, for an image of any size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import napari_sam21 as sam

Shape = tuple[int, int]
Ask = tuple[sam.Prompts, bool]
"""Prompts in the plane frame, and whether the answer before is fed back."""


@dataclass(frozen=True)
class Case:
    """Prompts asked one after another about one object.

    Attributes
    ----------
    name : str
    asks : callable
        Takes the image's (H, W) and returns the asks, in order.
    """

    name: str
    asks: Callable[[Shape], list[Ask]]


def _at(shape: Shape, *fractions: tuple[float, float]) -> list[tuple[float, float]]:
    """Fractions of height and width, as rows and columns that are not whole."""
    return [(row * shape[0], column * shape[1]) for row, column in fractions]


def _box(shape: Shape, *edges: float) -> tuple[float, float, float, float]:
    (r0, c0), (r1, c1) = _at(shape, (edges[0], edges[1]), (edges[2], edges[3]))
    return r0, c0, r1, c1


FIVE = ((0.43, 0.51), (0.05, 0.93), (0.62, 0.37), (0.81, 0.66), (0.27, 0.21))
FIVE_LABELS = (1, 0, 1, 0, 1)


def _one(shape: Shape) -> list[Ask]:
    return [(sam.Prompts(_at(shape, (0.43, 0.51)), [1]), False)]


def _five(shape: Shape) -> list[Ask]:
    return [(sam.Prompts(_at(shape, *FIVE), FIVE_LABELS), False)]


def _only_box(shape: Shape) -> list[Ask]:
    return [(sam.Prompts(box_rc=_box(shape, 0.23, 0.31, 0.71, 0.64)), False)]


def _box_and_points(shape: Shape) -> list[Ask]:
    points = _at(shape, (0.43, 0.51), (0.33, 0.60))
    box = _box(shape, 0.23, 0.31, 0.71, 0.64)
    return [(sam.Prompts(points, [1, 0], box), False)]


def _three_rounds(shape: Shape) -> list[Ask]:
    points = _at(shape, *FIVE[:3])
    return [
        (sam.Prompts(points[: n + 1], FIVE_LABELS[: n + 1]), n > 0) for n in range(3)
    ]


def _corners(shape: Shape) -> list[Ask]:
    bottom, right = shape[0] - 1, shape[1] - 1
    corners = [(0, 0), (0, right), (bottom, 0), (bottom, right)]
    return [(sam.Prompts([corner], [1]), False) for corner in corners]


def _edges(shape: Shape) -> list[Ask]:
    bottom, right = shape[0] - 0.5, shape[1] - 0.5
    middle = (shape[0] / 2, shape[1] / 2)
    points = [(-0.5, middle[1]), (bottom, middle[1]), (middle[0], -0.5),
              (middle[0], right)]  # fmt: skip
    whole = (0.0, 0.0, float(shape[0]), float(shape[1]))
    return [
        (sam.Prompts(points, [1, 0, 1, 0]), False),
        (sam.Prompts(box_rc=whole), False),
    ]


CASES = (
    Case("one point", _one),
    Case("five points, both signs", _five),
    Case("box", _only_box),
    Case("box and points, both signs", _box_and_points),
    Case("mask fed back, three rounds", _three_rounds),
    Case("points in the four corners", _corners),
    Case("points on the four edges; box of the whole image", _edges),
)
