"""What the encoder knows of a region, and what the decoder answers: frozen values."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from napari_sam21.core.errors import ModelError
from napari_sam21.core.geometry import Region
from napari_sam21.core.masks import clip_to_plane, crop_mask

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Embedding:
    """Features of one region, computed once, used by every click on it.

    Attributes
    ----------
    features : dict of str to array of float32
        The encoder's three outputs by tensor name: ``high_res_feats_0``
        (1, 32, 256, 256), ``high_res_feats_1`` (1, 64, 128, 128) and ``image_embed``
        (1, 256, 64, 64); model frame, read-only.
    region : Region
        The rectangle of the plane that was embedded: ``(r0, c0, r1, c1)``, half-open.
    shape : (int, int)
        (H, W) of the plane.
    key : str
        Digest of the encoder file, of how it ran, and of the exact input tensor.
    model_id : str
        Digest of the encoder that made it; a decoder refuses any other.
    """

    features: dict[str, Float32]
    region: Region
    shape: tuple[int, int]
    key: str
    model_id: str

    def __post_init__(self) -> None:
        for feature in self.features.values():
            feature.flags.writeable = False

    @property
    def nbytes(self) -> int:
        """Memory taken by the features, in bytes."""
        return sum(feature.nbytes for feature in self.features.values())


@dataclass(frozen=True, eq=False)
class Answer:
    """Three candidate masks of one object, one of them chosen.

    Attributes
    ----------
    scores : array of float32, shape (3,)
        Predicted IoU of each candidate.
    logits : array of float32, shape (3, 256, 256)
        Model frame; positive is the object. Fed back as ``previous``.
    region : Region
        Where the logits lie in the plane.
    shape : (int, int)
        (H, W) of the plane.
    key : str
        Of the embedding that was asked.
    index : int
        The chosen candidate; at first `best`.

    Notes
    -----
    Both arrays are read-only.
    """

    scores: Float32
    logits: Float32
    region: Region
    shape: tuple[int, int]
    key: str
    index: int

    def __post_init__(self) -> None:
        self.scores.flags.writeable = False
        self.logits.flags.writeable = False

    @property
    def best(self) -> int:
        """Index of the candidate with the highest predicted IoU."""
        return int(np.argmax(self.scores))

    def choose(self, index: int) -> Answer:
        """Return the same answer with another candidate chosen.

        Raises
        ------
        ModelError
            If there is no such candidate.
        """
        return replace(self, index=self._check(index))

    def mask(self, index: int | None = None) -> npt.NDArray[np.bool_]:
        """Return a candidate's mask in the whole plane.

        Parameters
        ----------
        index : int, optional
            Default: the chosen one.

        Returns
        -------
        array of bool, shape (H, W)
            Plane frame; False outside the region.
        """
        plane = np.zeros(self.shape, bool)
        crop, (row, column) = self.crop(index)
        plane[row : row + crop.shape[0], column : column + crop.shape[1]] = crop
        return plane

    def crop(
        self, index: int | None = None
    ) -> tuple[npt.NDArray[np.bool_], tuple[int, int]]:
        """Return a candidate's mask inside its bounding box only.

        Returns
        -------
        mask : array of bool, shape (h, w)
            (0, 0) if the candidate is empty.
        origin_rc : (int, int)
            Row and column of the mask's first pixel, plane frame.
        """
        chosen = self.index if index is None else self._check(index)
        crop, origin_rc = crop_mask(self.logits[chosen], self.region)
        return clip_to_plane(crop, origin_rc, self.shape)

    def _check(self, index: int) -> int:
        if not 0 <= index < len(self.scores):
            raise ModelError(
                f"candidate {index} does not exist; choose 0 … {len(self.scores) - 1}"
            )
        return int(index)
