"""Which files are a SAM 2.1 encoder or decoder: real graphs, and tables of tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from graphs import decoder, encoder
from onnx import TensorProto, helper

import napari_sam21 as sam
from napari_sam21.core.contract import Tensor, check_decoder, check_encoder
from napari_sam21.core.errors import ModelError
from napari_sam21.core.runtime import Graph

Change = Callable[[dict[str, Tensor]], None]

ENCODER_INPUTS = {"image": Tensor("float32", (1, 3, 1024, 1024))}
FEATURES = {
    "high_res_feats_0": Tensor("float32", (1, 32, 256, 256)),
    "high_res_feats_1": Tensor("float32", (1, 64, 128, 128)),
    "image_embed": Tensor("float32", (1, 256, 64, 64)),
}
DECODER_INPUTS = {
    **FEATURES,
    "point_coords": Tensor("float32", (1, -1, 2)),
    "point_labels": Tensor("float32", (1, -1)),
    "mask_input": Tensor("float32", (1, 1, 256, 256)),
    "has_mask_input": Tensor("float32", (1,)),
}
CARD = {
    "masks": Tensor("float32", (1, 3, 1024, 1024)),
    "iou_predictions": Tensor("float32", (1, 3)),
    "low_res_masks": Tensor("float32", (1, 3, 256, 256)),
}
DRIFTED = {
    "masks": Tensor("float32", (1, 3, 256, 256)),
    "iou_predictions": Tensor("float32", (1, 3)),
}


class Recorder(Graph):
    """A graph that remembers which outputs it was asked for."""

    asked: Sequence[str] = ()

    def run(self, feeds: Any, outputs: Sequence[str], cancel: Any = None) -> list[Any]:
        self.asked = tuple(outputs)
        return super().run(feeds, outputs, cancel)


def graph(model: onnx.ModelProto, kind: type[Graph] = Graph) -> Any:
    return kind(model.SerializeToString(), f"the {model.graph.name}")


def reordered(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph with inputs and outputs declared the other way round."""
    for values in (model.graph.input, model.graph.output):
        turned = list(values)[::-1]
        del values[:]
        values.extend(turned)
    onnx.checker.check_model(model)
    return model


def float16_encoder() -> onnx.ModelProto:
    """An encoder whose input is declared float16."""
    model = encoder()
    for node in model.graph.node:
        node.input[:] = [{"image": "image32"}.get(name, name) for name in node.input]
    model.graph.node.insert(0, helper.make_node("Cast", ["image"], ["image32"], to=1))
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT16
    return model


# --- real files ------------------------------------------------------------------


@pytest.mark.parametrize(
    "turn", [lambda model: model, reordered], ids=["", "reordered"]
)
@pytest.mark.parametrize(
    ("options", "logits"),
    [({}, "low_res_masks"), ({"two_outputs": True}, "masks")],
    ids=["card", "drifted"],
)
def test_both_contracts_work_by_name(
    options: dict[str, bool], logits: str, turn: Any, image: np.ndarray
) -> None:
    asked = graph(turn(decoder(**options)), Recorder)
    model = sam.Model("tiny", graph(turn(encoder())), asked)
    answer = model.decode(model.encode(image), sam.Prompts([(40, 50)], [1]))
    assert asked.asked == (logits, "iou_predictions")
    assert answer.mask()[40, 50]
    assert not answer.mask()[80, 150]


@pytest.mark.parametrize("two_outputs", [False, True])
@pytest.mark.parametrize("batches", [False, True])
def test_a_dynamic_object_axis_is_seen(two_outputs: bool, batches: bool) -> None:
    found = graph(decoder(two_outputs=two_outputs, batches=batches))
    contract = check_decoder(found.inputs, found.outputs, "it")
    assert contract.batches is batches


def test_a_renamed_output_is_refused_with_what_there_is() -> None:
    renamed = graph(decoder(names={"low_res_masks": "low"}))
    with pytest.raises(ModelError) as caught:
        sam.Model("odd", graph(encoder()), renamed)
    text = str(caught.value)
    assert "the decoder is not a SAM 2.1 decoder" in text
    assert "low_res_masks float32 [1, 3, 256, 256]" in text
    assert "low float32 [1, 3, 256, 256]" in text
    assert "masks float32 [1, 3, 1024, 1024]" in text
    assert "point_coords float32 [1, ?, 2]" in text


def test_encoder_and_decoder_exchanged_are_refused() -> None:
    with pytest.raises(ModelError, match=r"not a SAM 2\.1 encoder"):
        sam.Model("odd", graph(decoder()), graph(encoder()))


def test_a_float16_file_is_refused() -> None:
    with pytest.raises(ModelError, match=r"Found inputs: image tensor\(float16\)"):
        sam.Model("half", graph(float16_encoder()), graph(decoder()))


def test_an_encoder_of_another_size_is_refused() -> None:
    small = graph(encoder(side=512))
    with pytest.raises(ModelError, match=r"Found inputs: image float32 \[1, 3, 512, 5"):
        sam.Model("small", small, graph(decoder()))


# --- tables ----------------------------------------------------------------------


def without(name: str) -> Change:
    return lambda tensors: tensors.pop(name)


def put(name: str, dtype: str, *shape: int) -> Change:
    return lambda tensors: tensors.update({name: Tensor(dtype, shape)})


def unchanged(tensors: dict[str, Tensor]) -> None:
    pass


def changed(tensors: dict[str, Tensor], change: Change) -> dict[str, Tensor]:
    copy = dict(tensors)
    change(copy)
    return copy


@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [
        (unchanged, put("extra", "float32", 1)),
        (put("image", "float32", -1, 3, 1024, 1024), unchanged),
        (put("image", "float32", -1, -1, -1, -1), put("image_embed", "float32")),
    ],
)
def test_encoders_that_fit(inputs: Change, outputs: Change) -> None:
    found = changed(ENCODER_INPUTS, inputs), changed(FEATURES, outputs)
    check_encoder(*found, "it")


@pytest.mark.parametrize(
    ("inputs", "outputs"),
    [
        (without("image"), unchanged),
        (put("extra", "float32", 1), unchanged),
        (put("image", "tensor(float16)", 1, 3, 1024, 1024), unchanged),
        (put("image", "float32", 1, 1024, 1024, 3), unchanged),
        (put("image", "float32", 3, 1024, 1024), unchanged),
        (unchanged, without("high_res_feats_1")),
        (unchanged, put("high_res_feats_0", "float32", 1, 256, 256, 256)),
        (unchanged, put("image_embed", "tensor(float16)", 1, 256, 64, 64)),
    ],
)
def test_encoders_that_are_refused(inputs: Change, outputs: Change) -> None:
    found = changed(ENCODER_INPUTS, inputs), changed(FEATURES, outputs)
    with pytest.raises(ModelError, match=r"Expected inputs: image float32 \[1, 3, 102"):
        check_encoder(*found, "it")


@pytest.mark.parametrize(
    ("inputs", "table", "outputs", "logits"),
    [
        (unchanged, CARD, unchanged, "low_res_masks"),
        (unchanged, CARD, without("masks"), "low_res_masks"),
        (unchanged, CARD, put("object_score", "float32", 1, 1), "low_res_masks"),
        (unchanged, CARD, put("low_res_masks", "float32", -1, -1, -1, -1),
         "low_res_masks"),
        (unchanged, DRIFTED, unchanged, "masks"),
        (unchanged, DRIFTED, put("masks", "float32", -1, 3, -1, -1), "masks"),
        (put("point_coords", "float32", -1, -1, 2), DRIFTED, unchanged, "masks"),
    ],
)  # fmt: skip
def test_decoders_that_fit(
    inputs: Change, table: dict[str, Tensor], outputs: Change, logits: str
) -> None:
    found = changed(DECODER_INPUTS, inputs), changed(table, outputs)
    assert check_decoder(*found, "it").logits_name == logits


@pytest.mark.parametrize(
    ("inputs", "table", "outputs"),
    [
        (unchanged, CARD, without("low_res_masks")),  # two outputs, masks of 1024
        (unchanged, CARD, without("iou_predictions")),
        (unchanged, CARD, put("iou_predictions", "float32", 1, 4)),
        (unchanged, CARD, put("low_res_masks", "float32", 1, 1, 256, 256)),
        (unchanged, DRIFTED, put("masks", "tensor(float16)", 1, 3, 256, 256)),
        (without("has_mask_input"), CARD, unchanged),
        (put("orig_im_size", "float32", 2), CARD, unchanged),
        (put("point_labels", "tensor(int64)", 1, -1), CARD, unchanged),
        (put("point_coords", "float32", 1, -1, 3), CARD, unchanged),
        (put("mask_input", "float32", 1, 1, 288, 288), CARD, unchanged),
        (put("image_embed", "float32", 1, 256, 72, 72), CARD, unchanged),
    ],
)
def test_decoders_that_are_refused(
    inputs: Change, table: dict[str, Tensor], outputs: Change
) -> None:
    found = changed(DECODER_INPUTS, inputs), changed(table, outputs)
    with pytest.raises(ModelError, match="Found inputs: .*outputs: ") as caught:
        check_decoder(*found, "decoder of model 'odd'")
    assert str(caught.value).startswith("decoder of model 'odd' is not a SAM 2.1")


@pytest.mark.parametrize("fixed", ["point_labels", "mask_input", "has_mask_input"])
def test_batches_need_every_object_axis(fixed: str) -> None:
    inputs = DECODER_INPUTS | {
        name: Tensor("float32", (-1, *DECODER_INPUTS[name].shape[1:]))
        for name in ("point_coords", "point_labels", "mask_input", "has_mask_input")
    }
    assert check_decoder(inputs, CARD, "it").batches
    assert not check_decoder(
        {**inputs, fixed: DECODER_INPUTS[fixed]}, CARD, "it"
    ).batches
    dynamic_features = {**inputs, "image_embed": Tensor("float32", (-1, 256, 64, 64))}
    assert not check_decoder(dynamic_features, CARD, "it").batches
