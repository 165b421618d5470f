"""What the user says about one object: points of both signs and a box."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_sam21.core.errors import PromptError
from napari_sam21.core.geometry import Region, plane_to_model

POSITIVE, NEGATIVE = 1, 0
"""Point labels of the contract: foreground, background."""

BOX = 2
"""Not of the contract: how a prompt point says that it is a corner of a box."""

BOX_LABELS = (2.0, 3.0)
"""Point labels of a box's top-left and bottom-right corner."""

RowColumn = tuple[float, float]


@dataclass(frozen=True)
class Prompts:
    """All prompts of one object so far, in the plane frame.

    Sequences and arrays are accepted; tuples of floats and ints are kept, so that
    prompts can be compared and hashed.

    Parameters
    ----------
    points_rc : sequence of (float, float)
        Row and column of each point; an integer is the centre of a pixel.
    point_labels : sequence of int
        1 for a point on the object, 0 for one that is not on it.
    box_rc : (float, float, float, float), optional
        ``(r0, c0, r1, c1)``; the corners are sorted, any two opposite ones will do.

    Raises
    ------
    PromptError
        If lengths differ, a label is neither 0 nor 1, or a number is not finite.
    """

    points_rc: Sequence[Sequence[float]] | npt.NDArray[np.floating] = ()
    point_labels: Sequence[int] | npt.NDArray[np.integer] = ()
    box_rc: Sequence[float] | None = None

    def __post_init__(self) -> None:
        points = tuple(_row_column(point) for point in self.points_rc)
        labels = tuple(_label(label) for label in self.point_labels)
        if len(points) != len(labels):
            raise PromptError(
                f"{len(points)} points but {len(labels)} point_labels; "
                "give one label (1 or 0) for each point"
            )
        box = None if self.box_rc is None else _sorted_box(self.box_rc)
        object.__setattr__(self, "points_rc", points)
        object.__setattr__(self, "point_labels", labels)
        object.__setattr__(self, "box_rc", box)

    @property
    def corners_rc(self) -> tuple[RowColumn, ...]:
        """All points, and two corners of the box; plane frame."""
        if self.box_rc is None:
            return tuple(self.points_rc)
        r0, c0, r1, c1 = self.box_rc
        return (*self.points_rc, (r0, c0), (r1, c1))

    def __bool__(self) -> bool:
        return bool(self.points_rc) or self.box_rc is not None

    def points_of(self, label: int) -> tuple[RowColumn, ...]:
        """Return the points with one label, plane frame."""
        return tuple(
            (float(point[0]), float(point[1]))
            for point, found in zip(self.points_rc, self.point_labels, strict=True)
            if found == label
        )

    def extends(self, other: Prompts) -> bool:
        """Whether these are the other prompts with something added at the end."""
        n = len(other.point_labels)
        return (
            tuple(self.points_rc[:n]) == other.points_rc
            and tuple(self.point_labels[:n]) == other.point_labels
            and other.box_rc in (None, self.box_rc)
        )


def _row_column(point: Sequence[float]) -> RowColumn:
    values = tuple(float(value) for value in np.atleast_1d(point))
    if len(values) != 2 or not np.isfinite(values).all():
        raise PromptError(f"point {values} is not a finite (row, column) pair")
    return values[0], values[1]


def _label(label: int) -> int:
    if label not in (POSITIVE, NEGATIVE):
        raise PromptError(
            f"point label {label!r} is not known; use 1 (on the object) or 0 (not)"
        )
    return int(label)


def _sorted_box(box_rc: Sequence[float]) -> tuple[float, float, float, float]:
    values = tuple(float(value) for value in box_rc)
    if len(values) != 4 or not np.isfinite(values).all():
        raise PromptError(f"box {values} is not four finite numbers (r0, c0, r1, c1)")
    (r0, r1), (c0, c1) = sorted(values[::2]), sorted(values[1::2])
    return r0, c0, r1, c1


def to_tensors(
    prompts: Prompts, region: Region
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return the decoder's ``point_coords`` and ``point_labels`` of one object.

    A box becomes two points placed *before* the clicks. No padding point is added
    and no half pixel: the graph does both.

    Parameters
    ----------
    prompts : Prompts
        Plane frame.
    region : Region
        The rectangle that was embedded; every prompt must lie in it.

    Returns
    -------
    coords_xy : array of float32, shape (1, N, 2)
        Model frame.
    labels : array of float32, shape (1, N)

    Raises
    ------
    PromptError
        If there is no prompt, or one lies outside the region.
    """
    if not prompts:
        raise PromptError(
            "no prompt: give at least one point or a box (for a mask prompt, its box)"
        )
    for point in prompts.points_rc:
        if not region.contains(point[0], point[1]):
            raise PromptError(
                f"point (row, column) = {point} lies outside the embedded region "
                f"{tuple(region)}; drop it, or encode a region that holds it"
            )
    corners = _clipped_corners(prompts.box_rc, region)
    rows = np.array([*corners, *prompts.points_rc], dtype=np.float64).reshape(-1, 2)
    labels = [*BOX_LABELS[: len(corners)], *prompts.point_labels]
    return plane_to_model(rows, region)[None], np.array([labels], dtype=np.float32)


def _clipped_corners(box_rc: Sequence[float] | None, region: Region) -> list[RowColumn]:
    """Corners of the box inside the region: a generous box is no mistake."""
    if box_rc is None:
        return []
    r0, c0, r1, c1 = box_rc
    if r1 <= region.r0 or c1 <= region.c0 or r0 >= region.r1 or c0 >= region.c1:
        raise PromptError(
            f"box (r0, c0, r1, c1) = {tuple(box_rc)} lies outside the embedded region "
            f"{tuple(region)}; draw it on the image"
        )
    top, left = max(r0, region.r0), max(c0, region.c0)
    return [(top, left), (min(r1, region.r1), min(c1, region.c1))]
