"""How an object looks to the encoder, so that an end is seen that no score tells.

A decoder that is given a mask and a box finds something there in every slice, and is
sure of it. What it cannot fake are the features of the pixels.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_sam21.core.crops import Crop
from napari_sam21.core.embedding import Embedding
from napari_sam21.core.preprocess import resize

FEATURE = "high_res_feats_1"
"""Of the three maps, the one that told ends best, on stardist's nuclei."""

Look = npt.NDArray[np.float32]


def look_of(embedding: Embedding, crop: Crop) -> Look:
    """Return the mean feature of an object, of length 1.

    Parameters
    ----------
    embedding : Embedding
        Of the slice.
    crop : Crop
        The object in that slice.

    Returns
    -------
    array of float32, shape (64,)
        Zeros if nothing of it lies in the region.
    """
    features = embedding.features[FEATURE][0]
    inside = crop.within(embedding.region).astype(np.float32)[..., None]
    weight = resize(inside, *features.shape[1:])[..., 0]
    mean = (features * weight).sum(axis=(1, 2))
    length = float(np.linalg.norm(mean))
    return np.asarray(mean / length if length else mean, np.float32)


def likeness(one: Look, other: Look) -> float:
    """Return how alike two looks are: the cosine, 1 if they are the same."""
    return float(one @ other)
