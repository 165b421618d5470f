"""Other ways to show pixels to the model: stretched, or as channels of one picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from napari_sam21.core.errors import ImageError
from napari_sam21.core.geometry import MODEL_SIDE
from napari_sam21.core.intensities import Float32, robust_limits
from napari_sam21.core.preprocess import to_square


def stretched(crop: npt.NDArray[np.generic]) -> Float32:
    """Map a crop to [0, 1] by its own robust limits, RGB uint8 too, and resize.

    Returns
    -------
    array of float32, shape (1024, 1024, 1 or 3)
        Model frame.
    """
    limits = robust_limits(crop)
    if crop.ndim == 2:
        return to_square(crop, limits)
    return merge([to_square(crop[..., channel], limits) for channel in range(3)])


def merge(channels: Sequence[Float32 | None]) -> Float32:
    """Join grey squares as the colours of one picture.

    Parameters
    ----------
    channels : sequence of three (array of float32, shape (1024, 1024, 1), or None)
        Red, green, blue, in [0, 1], as `core.preprocess.to_square` makes them. None is
        black. One square may be several colours.

    Returns
    -------
    array of float32, shape (1024, 1024, 3)
        Model frame. It is not rounded to 8 bits.

    Raises
    ------
    ImageError
        If there are not three channels, each None or one grey square.
    """
    expected = (MODEL_SIDE, MODEL_SIDE, 1)
    shapes = [None if each is None else each.shape for each in channels]
    if len(shapes) != 3 or any(shape not in (None, expected) for shape in shapes):
        raise ImageError(
            f"channels of shapes {shapes} cannot be joined; expected red, green and "
            f"blue, each None or of shape {expected}"
        )
    picture = np.zeros((MODEL_SIDE, MODEL_SIDE, 3), np.float32)
    for index, square in enumerate(channels):
        if square is not None:
            picture[..., index] = square[..., 0]
    return picture
