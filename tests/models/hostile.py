"""Archives and ONNX files that somebody made to do harm, or that broke on their way."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from graphs import decoder, encoder
from models.server import names_in, sha256
from onnx import TensorProto, helper

import napari_sam21 as sam
from napari_sam21.core.errors import ModelError
from napari_sam21.models.imports import import_model
from napari_sam21.models.library import state_of, verify

WEIGHT = "image_embed_weight"


def parts(folder: Path) -> dict[str, bytes]:
    """The two files of a model, as they stand in an archive."""
    return {
        f"model/{part}.onnx": (folder / f"{part}.onnx").read_bytes()
        for part in ("encoder", "decoder")
    }


def packed(members: dict[str | zipfile.ZipInfo, bytes], method: int = 8) -> bytes:
    """A zip archive; what is not a name is an entry with flags of its own."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def entry(name: str, kind: int = stat.S_IFREG) -> zipfile.ZipInfo:
    """An entry of some kind of file."""
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (kind | 0o644) << 16
    return info


def verbatim(name: str) -> zipfile.ZipInfo:
    """An entry whose name is written as it is."""
    info = zipfile.ZipInfo("x")
    info.filename = name
    return info


def encrypted(content: bytes) -> bytes:
    """The same archive, said to be encrypted: bit 0 of the flags of the first entry."""
    changed = bytearray(content)
    changed[6] |= 1
    changed[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(changed)


def with_external(
    location: str, content: bytes | None = None, name: str = WEIGHT
) -> onnx.ModelProto:
    """An encoder that keeps one weight in another file."""
    model = encoder()
    for tensor in model.graph.initializer:
        if tensor.name == name:
            point_elsewhere(tensor, location)
    return model


def point_elsewhere(tensor: TensorProto, location: str) -> TensorProto:
    """Let a tensor be read from another file."""
    tensor.ClearField("raw_data")
    tensor.ClearField("float_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return tensor


def weight_bytes(name: str = WEIGHT) -> bytes:
    """What the encoder would hold itself."""
    (found,) = [each for each in encoder().graph.initializer if each.name == name]
    return onnx.numpy_helper.to_array(found).tobytes()


def _outside(shape: tuple[int, ...] = (1,)) -> TensorProto:
    tensor = TensorProto(data_type=TensorProto.FLOAT, dims=shape, name="outside")
    return point_elsewhere(tensor, "../secret")


def _in_constant(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("Constant", [], ["c"], value=_outside()))


def _in_subgraph(model: onnx.ModelProto) -> None:
    inner = helper.make_graph(
        [helper.make_node("Identity", ["outside"], ["y"])], "inner", [],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])], [_outside()],
    )  # fmt: skip
    node = helper.make_node("If", ["c"], ["o"], then_branch=inner, else_branch=inner)
    model.graph.node.append(node)


def _in_function(model: onnx.ModelProto) -> None:
    node = helper.make_node("Constant", [], ["c"], value=_outside())
    opset = [helper.make_opsetid("", 17)]
    model.functions.append(helper.make_function("own", "f", [], ["c"], [node], opset))


def _in_sparse(model: onnx.ModelProto) -> None:
    indices = helper.make_tensor("i", TensorProto.INT64, [1], [0])
    model.graph.sparse_initializer.append(
        helper.make_sparse_tensor(_outside(), indices, [4])
    )


def _in_tensors(model: onnx.ModelProto) -> None:
    node = helper.make_node("Identity", ["image"], ["c"], own=[_outside()])
    model.graph.node.append(node)


def _in_training(model: onnx.ModelProto) -> None:
    info = model.training_info.add()
    info.algorithm.initializer.append(_outside())


HIDEOUTS: dict[str, Callable[[onnx.ModelProto], None]] = {
    "constant": _in_constant,
    "subgraph": _in_subgraph,
    "function": _in_function,
    "sparse initializer": _in_sparse,
    "list of tensors": _in_tensors,
    "training": _in_training,
}
"""Where a reference to another file can stand, besides an initializer."""


def not_a_number() -> onnx.ModelProto:
    """A decoder that keeps the contract and answers NaN."""
    model = decoder()
    for tensor in model.graph.initializer:
        if tensor.name == "radii":
            nan = np.full((1, 3, 1, 1), np.nan, np.float32)
            tensor.CopyFrom(onnx.numpy_helper.from_array(nan, "radii"))
    return model


def no_model() -> bytes:
    """ONNX, whole and valid, and something else than a part of a model."""
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    out = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    node = helper.make_node("Identity", ["x"], ["y"])
    graph = helper.make_graph([node], "identity", [value], [out])
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=8
                             ).SerializeToString()  # fmt: skip


def record_digest() -> str:
    """Which model has the name "mine" now."""
    folder = state_of("mine").folder
    assert folder is not None
    return sha256((folder / "model.json").read_bytes())


def refused(path: Path | tuple[Path, ...], words: str, models: Path) -> None:
    """Import in place of "mine" fails, leaves nothing behind, and "mine" works."""
    before = record_digest()
    paths = path if isinstance(path, tuple) else (path,)
    with pytest.raises(ModelError, match=words):
        import_model(*paths, name="mine", replace=True)
    with pytest.raises(ModelError, match=words):
        import_model(*paths, name="another")
    assert names_in(models) == ["mine"]
    assert record_digest() == before
    assert verify("mine") == ""
    assert sam.load_model("mine").name == "mine"
