"""Masks made tidy: the largest piece only, holes filled. Off unless asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from napari_sam21.core.errors import ImageError
from napari_sam21.core.masks import tighten

if TYPE_CHECKING:
    from napari_sam21.core.automatic.objects import Objects
    from napari_sam21.core.crops import Crop

Bool = npt.NDArray[np.bool_]

ANY_NEIGHBOUR, SIDE_NEIGHBOUR = 2, 1
"""Pixels of an object hang together at corners too; its background then does not."""


@dataclass(frozen=True)
class Cleaning:
    """What is done to a mask before it is a label.

    Attributes
    ----------
    largest_piece : bool
        Keep the largest of the pieces that do not touch; of equal ones the first, row
        by row.
    fill_holes : bool
        Make background that the object encloses part of it.
    """

    largest_piece: bool = False
    fill_holes: bool = False

    def __bool__(self) -> bool:
        return self.largest_piece or self.fill_holes


def clean_mask(mask: npt.ArrayLike, cleaning: Cleaning) -> Bool:
    """Return a mask without its smaller pieces, or without its holes, or both.

    Pieces go first: what lies in a hole goes with the hole, or stays without it.

    Parameters
    ----------
    mask : array, shape (H, W)
        Non-zero is the object; a crop of it will do. What touches an edge of the array
        is no hole.
    cleaning : Cleaning

    Returns
    -------
    array of bool, shape (H, W)
        A new array, unless nothing is to be done to a boolean one.

    Raises
    ------
    ImageError
        If the array has not two axes.
    """
    found = np.asarray(mask)
    if found.ndim != 2:
        raise ImageError(
            f"a mask of shape {found.shape} is not one plane; clean slice by slice"
        )
    result: Bool = found.astype(bool, copy=False)
    if cleaning.largest_piece:
        result = _largest_piece(result)
    return _filled(result) if cleaning.fill_holes else result


def clean_crop(
    crop: tuple[Bool, tuple[int, int]], cleaning: Cleaning
) -> tuple[Bool, tuple[int, int]]:
    """Clean a mask (h, w) that lies at some origin, and cut it tight again."""
    if not cleaning or crop[0].size == 0:
        return crop
    return tighten(clean_mask(crop[0], cleaning), crop[1])


def clean_object(crop: Crop, cleaning: Cleaning) -> Crop:
    """Clean the mask of one object."""
    from napari_sam21.core.crops import Crop

    if not cleaning:
        return crop
    return Crop.of(clean_mask(crop.mask, cleaning), crop.origin_rc)


def clean_objects(objects: Objects, cleaning: Cleaning) -> Objects:
    """Clean every object that was found; scores and points stay.

    Parameters
    ----------
    objects : Objects
        As `segment_everything` finds them.
    cleaning : Cleaning

    Returns
    -------
    Objects
        The same if nothing is to be done. Objects may overlap more than before, where
        one lay in a hole of another; `Objects.labels` paints them apart.
    """
    if not cleaning:
        return objects
    found = (replace(each, crop=clean_object(each.crop, cleaning)) for each in objects)
    return replace(objects, found=tuple(found))


def _largest_piece(mask: Bool) -> Bool:
    from skimage.measure import label

    pieces = label(mask, connectivity=ANY_NEIGHBOUR)
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    if len(sizes) <= 2:
        return mask
    largest: Bool = pieces == sizes.argmax()
    return largest


def _filled(mask: Bool) -> Bool:
    from skimage.measure import label

    around = label(~np.pad(mask, 1), connectivity=SIDE_NEIGHBOUR)
    filled: Bool = (around != around[0, 0])[1:-1, 1:-1]
    return filled
