"""Tiny ONNX graphs that keep the contract, so that tests run a real runtime.

The encoder averages pixels; the decoder draws discs of three radii around positive
points, cuts out discs around negative ones, and adds a share of the fed-back logits
and of the features, so that a leak of either is seen.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = [helper.make_opsetid("", 17)]
RADII = (20.0, 40.0, 80.0)  # pixels of the model frame
SCORES = (0.6, 0.9, 0.7)
FEEDBACK_SHARE = 0.25
FEATURES = {
    "high_res_feats_0": (32, 4),
    "high_res_feats_1": (64, 8),
    "image_embed": (256, 16),
}


def _tensor(name: str, shape: list[int | str]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def _constant(name: str, value: object) -> onnx.TensorProto:
    return numpy_helper.from_array(np.asarray(value, np.float32), name)


def _ints(name: str, value: list[int]) -> onnx.TensorProto:
    return numpy_helper.from_array(np.asarray(value, np.int64), name)


def _model(nodes, name, inputs, outputs, constants) -> onnx.ModelProto:
    graph = helper.make_graph(nodes, name, inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=OPSET, ir_version=8)
    onnx.checker.check_model(model)
    return model


def encoder(seed: int = 0, side: int = 1024) -> onnx.ModelProto:
    """Pooled pixels, mixed into the channels of each feature map by fixed weights."""
    rng = np.random.default_rng(seed)
    nodes, outputs, constants = [], [], []
    for name, (channels, stride) in FEATURES.items():
        pooled, weight = f"{name}_pooled", f"{name}_weight"
        sizes = [stride, stride]
        nodes.append(
            helper.make_node(
                "AveragePool", ["image"], [pooled], kernel_shape=sizes, strides=sizes
            )
        )
        nodes.append(helper.make_node("Conv", [pooled, weight], [name]))
        constants.append(_constant(weight, rng.normal(size=(channels, 3, 1, 1))))
        cells = side // stride
        outputs.append(_tensor(name, [1, channels, cells, cells]))
    return _model(nodes, "encoder", [_tensor("image", [1, 3, side, side])], outputs,
                  constants)  # fmt: skip


def decoder(
    *, two_outputs: bool = False, batches: bool = False, names: dict | None = None
) -> onnx.ModelProto:
    """Discs around the points.

    Parameters
    ----------
    two_outputs
        The drifted contract: ``masks`` (256 x 256) and ``iou_predictions`` only.
    batches
        A dynamic object axis.
    names
        Renames outputs, to break the contract.
    """
    one: int | str = "objects" if batches else 1
    rename = names or {}
    logits = "masks" if two_outputs else "low_res_masks"
    inputs = [
        _tensor("image_embed", [1, 256, 64, 64]),
        _tensor("high_res_feats_0", [1, 32, 256, 256]),
        _tensor("high_res_feats_1", [1, 64, 128, 128]),
        _tensor("point_coords", [one, "points", 2]),
        _tensor("point_labels", [one, "points"]),
        _tensor("mask_input", [one, 1, 256, 256]),
        _tensor("has_mask_input", [one]),
    ]
    outputs = [
        _tensor(rename.get(logits, logits), [one, 3, 256, 256]),
        _tensor("iou_predictions", [one, 3]),
    ]
    nodes = _disc_nodes(rename.get(logits, logits))
    if not two_outputs:
        outputs.append(_tensor("masks", [one, 3, 1024, 1024]))
        nodes.append(
            helper.make_node(
                "Resize", [rename.get(logits, logits), "", "enlarge"], ["masks"],
                mode="linear",
            )
        )  # fmt: skip
    return _model(nodes, "decoder", inputs, outputs, _disc_constants())


def _disc_constants() -> list[onnx.TensorProto]:
    centres = np.arange(256) * 4 + 2
    return [
        _constant("grid_x", centres.reshape(1, 1, 1, 256)),
        _constant("grid_y", centres.reshape(1, 1, 256, 1)),
        _constant("radii", np.reshape(RADII, (1, 3, 1, 1))),
        _constant("half_radius", 10.0),
        _constant("half", 0.5),
        _constant("far", -2000.0),
        _constant("share", FEEDBACK_SHARE),
        _constant("tiny", 1e-3),
        _constant("scores", [SCORES]),
        _constant("enlarge", [1, 1, 4, 4]),
        _ints("zero", [0]),
        _ints("one", [1]),
        _ints("two", [2]),
        _ints("three", [3]),
        _ints("cells", [2, 3]),
    ]


def _disc_nodes(logits: str) -> list[onnx.NodeProto]:
    node = helper.make_node
    return [
        node("Add", ["point_coords", "half"], ["shifted"]),
        node("Slice", ["shifted", "zero", "one", "two"], ["x3"]),
        node("Slice", ["shifted", "one", "two", "two"], ["y3"]),
        node("Unsqueeze", ["x3", "three"], ["x"]),
        node("Unsqueeze", ["y3", "three"], ["y"]),
        node("Sub", ["grid_x", "x"], ["dx"]),
        node("Sub", ["grid_y", "y"], ["dy"]),
        node("Mul", ["dx", "dx"], ["dx2"]),
        node("Mul", ["dy", "dy"], ["dy2"]),
        node("Add", ["dx2", "dy2"], ["d2"]),
        node("Sqrt", ["d2"], ["distance"]),
        node("Neg", ["distance"], ["near"]),
        node("Unsqueeze", ["point_labels", "cells"], ["labels4"]),
        node("Greater", ["labels4", "half"], ["is_positive"]),
        node("Where", ["is_positive", "near", "far"], ["near_positive"]),
        node("Where", ["is_positive", "far", "near"], ["near_negative"]),
        node("ReduceMax", ["near_positive"], ["positive"], axes=[1], keepdims=1),
        node("ReduceMax", ["near_negative"], ["negative"], axes=[1], keepdims=1),
        node("Add", ["positive", "radii"], ["discs"]),
        node("Add", ["negative", "half_radius"], ["holes"]),
        node("Neg", ["holes"], ["outside_holes"]),
        node("Min", ["discs", "outside_holes"], ["drawn"]),
        node("Unsqueeze", ["has_mask_input", "one"], ["has2"]),
        node("Unsqueeze", ["has2", "two"], ["has3"]),
        node("Unsqueeze", ["has3", "three"], ["has"]),
        node("Mul", ["mask_input", "has"], ["fed"]),
        node("Mul", ["fed", "share"], ["fed_share"]),
        node("ReduceMean", ["high_res_feats_0"], ["mean"], axes=[1], keepdims=1),
        node("Mul", ["mean", "tiny"], ["mean_share"]),
        node("Add", ["drawn", "fed_share"], ["with_feedback"]),
        node("Add", ["with_feedback", "mean_share"], [logits]),
        node("Mul", ["has2", "tiny"], ["bonus"]),
        node("Add", ["scores", "bonus"], ["iou_predictions"]),
    ]  # fmt: skip


def write_model(folder: Path, seed: int = 0, **options: bool) -> Path:
    """Write encoder.onnx and decoder.onnx into a folder, and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(encoder(seed), folder / "encoder.onnx")
    onnx.save(decoder(**options), folder / "decoder.onnx")
    return folder
