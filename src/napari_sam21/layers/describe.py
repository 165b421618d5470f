"""Layers and what happens to them, in the plain values of a session's journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sam21.core.arrays import dtype_of
from napari_sam21.layers.label_array import levels_of
from napari_sam21.session.change import Change
from napari_sam21.session.identity import Identity, identify

if TYPE_CHECKING:
    from napari.layers import Image, Labels

    from napari_sam21.core.delta import Delta


def image_identity(image: Image) -> Identity:
    """Look at an image: reads a few planes' sample of pixels, in the calling thread."""
    data = image.data[0] if image.multiscale else image.data
    path = image.source.path
    return identify(data, image.name, None if path is None else str(path))


def labels_in_words(labels: Labels) -> dict[str, Any]:
    """Describe a Labels layer: name, shape, dtype, and where it lies in the world."""
    level = levels_of(labels)[0]
    path = labels.source.path
    return {
        "name": labels.name,
        "shape": [int(size) for size in level.shape],
        "dtype": str(dtype_of(level)),
        "path": None if path is None else str(path),
        "scale": [float(each) for each in labels.scale],
        "translate": [float(each) for each in labels.translate],
        "units": [str(each) for each in labels.units],
        "axis_labels": [str(each) for each in labels.axis_labels],
    }


def written(labels: Labels, delta: Delta) -> Change:
    """Return what elements of a delta hold now: after a write, an undo or a redo.

    The values are read, for an undo leaves alone what was painted over since.
    """
    box = tuple(
        slice(start, start + size)
        for start, size in zip(delta.corner, delta.changed.shape, strict=True)
    )
    now = np.asarray(levels_of(labels)[0][box])[delta.changed]
    after = now[:1].reshape(()) if now.size and (now == now[0]).all() else now
    return Change(delta.corner, delta.changed, delta.before, after)
