"""The bound that the 256 × 256 grid of the masks sets, by the package's own path."""

from __future__ import annotations

import numpy as np

import napari_sam21 as sam
from training.evaluation.patches import Patch


def through_grid(truth: Patch, shape: tuple[int, int]) -> Patch:
    """Return a mask after it went down to the grid and up again.

    Down: the share of each cell that the mask covers, as logits
    (`napari_sam21.mask_to_logits`). Up: the bilinear step and threshold of every
    answer. So it is what a network reaches that knows the truth and says so cell by
    cell; one that bends its logits for the bilinear step may get slightly higher.

    Parameters
    ----------
    truth : Patch
    shape : (int, int)
        (H, W) of the plane.
    """
    region = sam.Region(0, 0, *shape)
    plane = sam.Embedding({}, region, shape, key="", model_id="")
    logits = sam.mask_to_logits(truth.within((0, 0, *shape)), plane)
    answer = sam.Answer(np.ones(1, np.float32), logits[None], region, shape, "", 0)
    return Patch(*answer.crop())
