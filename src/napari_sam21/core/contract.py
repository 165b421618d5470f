"""The tensor contract of the two files, and its known drift.

Tensors are found by name and their real shapes are read: a size of -1 in the tables
may be anything, and a dynamic axis of a file fits any size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from napari_sam21.core.errors import ModelError
from napari_sam21.core.geometry import LOGITS_SIDE, MODEL_SIDE

Shape = tuple[int, ...]
ANY = -1

FEATURES: dict[str, Shape] = {
    "high_res_feats_0": (1, 32, 256, 256),
    "high_res_feats_1": (1, 64, 128, 128),
    "image_embed": (1, 256, 64, 64),
}
ENCODER_INPUTS: dict[str, Shape] = {"image": (1, 3, MODEL_SIDE, MODEL_SIDE)}
DECODER_INPUTS: dict[str, Shape] = {
    **FEATURES,
    "point_coords": (1, ANY, 2),
    "point_labels": (1, ANY),
    "mask_input": (1, 1, LOGITS_SIDE, LOGITS_SIDE),
    "has_mask_input": (1,),
}
LOW_RES: Shape = (1, 3, LOGITS_SIDE, LOGITS_SIDE)
DECODER_OUTPUTS: tuple[dict[str, Shape], ...] = (
    {"low_res_masks": LOW_RES, "iou_predictions": (1, 3)},  # the model card
    {"masks": LOW_RES, "iou_predictions": (1, 3)},  # darktable 5.6.0, samexporter
)


@dataclass(frozen=True)
class Tensor:
    """What a file says of one tensor: dtype, and sizes with -1 where dynamic."""

    dtype: str
    shape: Shape

    def __str__(self) -> str:
        sizes = ", ".join("?" if size == ANY else str(size) for size in self.shape)
        return f"{self.dtype} [{sizes}]"


Tensors = Mapping[str, Tensor]


@dataclass(frozen=True)
class DecoderContract:
    """How to ask a decoder.

    Attributes
    ----------
    logits_name : str
        The output that holds the 256 x 256 logits.
    batches : bool
        Whether several objects can be asked in one run on one embedding.
    """

    logits_name: str
    batches: bool


def check_encoder(inputs: Tensors, outputs: Tensors, where: str) -> None:
    """Refuse an encoder that keeps no known contract.

    Raises
    ------
    ModelError
        Listing what was expected and what was found.
    """
    if not (_fits(inputs, ENCODER_INPUTS, exact=True) and _fits(outputs, FEATURES)):
        raise _refusal("encoder", where, (ENCODER_INPUTS, FEATURES), (inputs, outputs))


def check_decoder(inputs: Tensors, outputs: Tensors, where: str) -> DecoderContract:
    """Find out which of the known contracts a decoder keeps.

    Raises
    ------
    ModelError
        Listing what was expected and what was found.
    """
    if _fits(inputs, DECODER_INPUTS, exact=True):
        for expected in DECODER_OUTPUTS:
            if _fits(outputs, expected):
                return DecoderContract(next(iter(expected)), _batches(inputs))
    expected_tables = (DECODER_INPUTS, DECODER_OUTPUTS[0])
    raise _refusal("decoder", where, expected_tables, (inputs, outputs))


def _batches(inputs: Tensors) -> bool:
    """A dynamic object axis, with features that stay a single one."""
    per_object = ("point_coords", "point_labels", "mask_input", "has_mask_input")
    return all(inputs[name].shape[:1] == (ANY,) for name in per_object) and all(
        inputs[name].shape[:1] == (1,) for name in FEATURES
    )


def _fits(found: Tensors, expected: Mapping[str, Shape], exact: bool = False) -> bool:
    """Whether every expected tensor is there (and, if exact, no other)."""
    if exact and set(found) != set(expected):
        return False
    return all(
        name in found and found[name].dtype == "float32" and _same(found[name], shape)
        for name, shape in expected.items()
    )


def _same(tensor: Tensor, shape: Shape) -> bool:
    if not tensor.shape:  # a file may declare no shape at all: seen when it runs
        return True
    return len(tensor.shape) == len(shape) and all(
        ANY in (size, wanted) or size == wanted
        for size, wanted in zip(tensor.shape, shape, strict=True)
    )


def _refusal(
    part: str,
    where: str,
    expected: tuple[Mapping[str, Shape], Mapping[str, Shape]],
    found: tuple[Tensors, Tensors],
) -> ModelError:
    def table(tensors: Mapping[str, object]) -> str:
        return (
            ", ".join(f"{name} {spec}" for name, spec in tensors.items()) or "nothing"
        )

    wanted = [
        table({name: Tensor("float32", shape) for name, shape in group.items()})
        for group in expected
    ]
    return ModelError(
        f"{where} is not a SAM 2.1 {part} this plugin can run.\n"
        f"Expected inputs: {wanted[0]}; outputs: {wanted[1]} (a decoder without "
        f"low_res_masks may give masks [1, 3, 256, 256] instead).\n"
        f"Found inputs: {table(found[0])}; outputs: {table(found[1])}.\n"
        "Use a model of the list, or export one with these names and shapes."
    )
