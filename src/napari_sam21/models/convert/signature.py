"""Names and shapes of the files that are written: the card's, and what may be added.

A word in a shape is a dynamic axis.
"""

from __future__ import annotations

from napari_sam21.core.contract import ENCODER_INPUTS, FEATURES
from napari_sam21.core.geometry import LOGITS_SIDE, MODEL_SIDE

Shape = tuple[int | str, ...]
Shapes = dict[str, Shape]

OBJECTS, POINTS = "objects", "points"
"""Names of the dynamic axes."""

SINGLE_MASK = ("single_mask_low_res", "single_mask_iou")
"""Outputs of the fourth token: logits clamped to ± 32, and predicted IoU."""


def encoder_inputs() -> Shapes:
    """Return the encoder's input, float32."""
    return dict(ENCODER_INPUTS)


def encoder_outputs() -> Shapes:
    """Return the encoder's outputs, float32."""
    return dict(FEATURES)


def decoder_inputs(objects: bool) -> Shapes:
    """Return the decoder's inputs, float32, in the order of the graph.

    Parameters
    ----------
    objects : bool
        Whether several objects can be asked in one run.
    """
    first = OBJECTS if objects else 1
    return {
        **FEATURES,
        "point_coords": (first, POINTS, 2),
        "point_labels": (first, POINTS),
        "mask_input": (first, 1, LOGITS_SIDE, LOGITS_SIDE),
        "has_mask_input": (first,),
    }


def decoder_outputs(objects: bool, fourth_token: bool) -> Shapes:
    """Return the decoder's outputs, float32, in the order of the graph.

    Parameters
    ----------
    objects : bool
        Whether several objects can be asked in one run.
    fourth_token : bool
        Whether the single-mask token is an output too.
    """
    first = OBJECTS if objects else 1
    shapes: Shapes = {
        "masks": (first, 3, MODEL_SIDE, MODEL_SIDE),
        "iou_predictions": (first, 3),
        "low_res_masks": (first, 3, LOGITS_SIDE, LOGITS_SIDE),
    }
    single: Shapes = {
        SINGLE_MASK[0]: (first, 1, LOGITS_SIDE, LOGITS_SIDE),
        SINGLE_MASK[1]: (first, 1),
    }
    return shapes | single if fourth_token else shapes
