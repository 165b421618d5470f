"""What was found: objects as crops, and how they become labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from napari_sam21.core.crops import Crop, boxes_of, slices, touching
from napari_sam21.core.errors import EmbeddingMismatchError
from napari_sam21.core.geometry import Region

MIN_VISIBLE = 0.5
"""Share of an object that must stay when others take its pixels, or it goes whole."""


@dataclass(frozen=True, eq=False)
class Found:
    """One object.

    Attributes
    ----------
    crop : Crop
        Its mask, plane frame.
    score : float
        Predicted IoU.
    stability : float
        See `Filters`.
    point_rc : (float, float)
        The point that it answers, plane frame.
    region : Region
        The part of the plane that the model saw; of a joined one, all parts together.
    """

    crop: Crop
    score: float
    stability: float
    point_rc: tuple[float, float]
    region: Region


@dataclass(frozen=True, eq=False)
class Objects:
    """All objects of a plane; they may overlap.

    Attributes
    ----------
    found : tuple of Found
        Best score first.
    shape : (int, int)
        (H, W) of the plane.
    """

    found: tuple[Found, ...]
    shape: tuple[int, int]

    def __len__(self) -> int:
        return len(self.found)

    def __iter__(self) -> Iterator[Found]:
        return iter(self.found)

    def apart(
        self, taken: npt.ArrayLike | None = None, min_visible: float = MIN_VISIBLE
    ) -> Objects:
        """Return the same objects, no pixel in two of them.

        Where two overlap, the one with the higher predicted IoU has the pixels. What
        keeps less than ``min_visible`` of its own goes whole: the rest of a nucleus
        under a better answer is no object.

        Parameters
        ----------
        taken : array, shape (H, W), optional
            Labels that stay as they are: no pixel that is non-zero there is used. Only
            windows of it are read, so that it may lie on disk.
        min_visible : float
            0 … 1.

        Raises
        ------
        EmbeddingMismatchError
            If ``taken`` has another shape.
        """
        labels = None if taken is None else _checked(taken, self.shape)
        kept: list[Found] = []
        boxes = boxes_of([each.crop for each in self.found])
        place: dict[int, int] = {}
        for index, each in enumerate(self.found):
            rest = each.crop if labels is None else _free(each.crop, labels)
            for other in touching(boxes[index], boxes[:index]):
                if rest and other in place:
                    rest = rest.without(kept[place[other]].crop)
            if rest and rest.area >= min_visible * each.crop.area:
                place[index] = len(kept)
                kept.append(replace(each, crop=rest))
        return Objects(tuple(kept), self.shape)

    def paint(self, labels: npt.NDArray[np.integer], first: int = 1) -> list[int]:
        """Paint into a label image, only where it is 0; nothing is overwritten.

        Parameters
        ----------
        labels : array of int, shape (H, W)
            Changed in place.
        first : int
            Label of the first object; the next have the next.

        Returns
        -------
        list of int
            Labels that were painted.

        Raises
        ------
        EmbeddingMismatchError
            If the shape differs, or the dtype has no room for the labels.
        """
        placed = self.apart(labels).found
        _check_room(labels, first + len(placed) - 1)
        for number, each in enumerate(placed, first):
            view = labels[slices(each.crop.window)]
            view[each.crop.mask] = number
        return list(range(first, first + len(placed)))

    def labels(self) -> npt.NDArray[np.uint16 | np.uint32]:
        """Return a label image (H, W): 0 is background, 1 the best object."""
        wide = np.uint16 if len(self.found) < 1 << 16 else np.uint32
        plane: npt.NDArray[np.uint16 | np.uint32] = np.zeros(self.shape, wide)
        self.paint(plane)
        return plane


def ordered(found: Sequence[Found], shape: tuple[int, int]) -> Objects:
    """Return objects, best score first."""
    return Objects(tuple(sorted(found, key=lambda each: -each.score)), shape)


def _free(crop: Crop, labels: npt.ArrayLike) -> Crop:
    """Return the part of a crop on which there is no label yet."""
    there = np.asarray(labels[slices(crop.window)])  # type: ignore[call-overload,index]
    return Crop.of(crop.mask & (there == 0), crop.origin_rc)


def _checked(labels: npt.ArrayLike, shape: tuple[int, int]) -> npt.ArrayLike:
    lazy = labels if hasattr(labels, "shape") else np.asarray(labels)
    if tuple(lazy.shape) != shape:
        raise EmbeddingMismatchError(
            f"the labels have shape {tuple(lazy.shape)}, the objects lie in a plane of "
            f"{shape}; pass the labels of the same plane"
        )
    return lazy


def _check_room(labels: npt.NDArray[np.integer], last: int) -> None:
    most = int(np.iinfo(labels.dtype).max)
    if last > most:
        raise EmbeddingMismatchError(
            f"label {last} does not fit into {labels.dtype} (at most {most}); widen "
            "the labels first, for instance labels.astype(np.uint16)"
        )
