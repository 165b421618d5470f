"""A stroke becomes few points: many dense ones would turn the mask inside out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_sam21.core.errors import PromptError
from napari_sam21.core.prompts import NEGATIVE, POSITIVE, Prompts

MOST = 4
"""Points of one stroke. Decoders have seen a few clicks on an object, never dozens."""

APART = 8.0
"""Pixels between two points of a stroke, at least; a dab is one click."""


def scribble_points(
    path_rc: npt.ArrayLike, most: int = MOST, apart: float = APART
) -> list[tuple[float, float]]:
    """Place points along a stroke, at equal distances, away from its ends.

    Strokes begin and end near an edge; each point is the middle of one of equally
    long parts, so that one point is the middle of the stroke.

    Parameters
    ----------
    path_rc : array of float, shape (N, 2)
        Row and column along the stroke, plane frame.
    most : int
        Points at most.
    apart : float
        Distance along the stroke between two points at least, in pixels.

    Returns
    -------
    list of (float, float)
        1 … ``most`` points, in the order of the stroke.

    Raises
    ------
    PromptError
        If the path is empty, not finite, or has not two columns, or ``most`` is not 1
        or more.
    """
    path = np.asarray(path_rc, float)
    if path.ndim != 2 or path.shape[1:] != (2,) or not len(path):
        raise PromptError(
            f"a stroke of shape {path.shape} is no path; give (N, 2) rows and columns"
        )
    if not np.isfinite(path).all():
        raise PromptError("the stroke holds a number that is not finite; draw it again")
    if most < 1:
        raise PromptError(f"{most} points of a stroke say nothing; give at least 1")
    along = np.concatenate(
        [[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))]
    )
    count = int(np.clip(along[-1] // max(apart, 1e-6), 1, most))
    places = (np.arange(count) + 0.5) * along[-1] / count
    rows, columns = (np.interp(places, along, axis) for axis in path.T)
    return [(float(r), float(c)) for r, c in zip(rows, columns, strict=True)]


def with_scribble(
    prompts: Prompts, path_rc: npt.ArrayLike, positive: bool = True, most: int = MOST
) -> Prompts:
    """Return prompts with a stroke added.

    Parameters
    ----------
    prompts : Prompts
        What was said before; ``Prompts()`` for a new object.
    path_rc : array of float, shape (N, 2)
        See `scribble_points`.
    positive : bool
        Whether the stroke is on the object.
    most : int
    """
    points = scribble_points(path_rc, most)
    labels = [POSITIVE if positive else NEGATIVE] * len(points)
    return Prompts(
        [*prompts.points_rc, *points],
        [*prompts.point_labels, *labels],
        prompts.box_rc,
    )
