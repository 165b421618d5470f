"""From a torch module to a checked ONNX file."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from napari_sam21.core.errors import ModelError
from napari_sam21.models.convert.signature import OBJECTS, Shape, Shapes

OPSET = 20

EXAMPLE_SIZES = {OBJECTS: 2}
"""Sizes of the dynamic axes while tracing; the others get three."""

FILE_LIMIT = (1 << 31) - (1 << 20)
"""An ONNX file cannot hold 2 GiB; a bit is left for what is not weights."""

SMALL = 1024
"""Tensors of fewer bytes stay in the ONNX file when the others leave it."""

EXTERNAL_SUFFIX = ".data"


def to_onnx(module: Any, inputs: Shapes, outputs: Shapes) -> Any:
    """Trace a module, and simplify the graph (constants folded, dead nodes removed).

    Parameters
    ----------
    module : torch.nn.Module
        Ready to be thrown away: sam2's parts remember tensors of the trace.
    inputs, outputs : dict of str to tuple
        Names and shapes; a word in a shape is a dynamic axis.

    Returns
    -------
    onnx_ir.Model

    Raises
    ------
    ModelError
        If the installed torch cannot export it.
    """
    import torch

    axes = {size for shape in inputs.values() for size in shape if not _fixed(size)}
    dimensions = {name: torch.export.Dim(str(name), min=1) for name in axes}
    with torch.no_grad(), _quiet():
        try:
            program = torch.onnx.export(
                module.eval(),
                tuple(torch.rand(_example(shape)) for shape in inputs.values()),
                input_names=list(inputs),
                output_names=list(outputs),
                opset_version=OPSET,
                dynamic_shapes=[_dynamic(each, dimensions) for each in inputs.values()],
                dynamo=True,
                optimize=True,
                verbose=False,
            )
        except torch.onnx.OnnxExporterError as error:
            raise ModelError(
                f"torch {torch.__version__} could not export the network "
                f"({str(error).splitlines()[0]}); torch 2.13.0 can"
            ) from error
    return _without_traces(program.model)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what torch says among its parts (torchvision missing, …) to itself."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _fixed(size: int | str) -> bool:
    return isinstance(size, int)


def _example(shape: Shape) -> list[int]:
    """Sizes of an input to trace with."""
    return [
        size if isinstance(size, int) else EXAMPLE_SIZES.get(size, 3) for size in shape
    ]


def _dynamic(shape: Shape, dimensions: Mapping[Any, Any]) -> dict[int, Any]:
    """Dimensions of the dynamic axes of one input, by axis."""
    return {
        axis: dimensions[size] for axis, size in enumerate(shape) if not _fixed(size)
    }


def _without_traces(model: Any) -> Any:
    """Remove the stack traces, which hold paths of the machine that exports."""
    graph = model.graph
    nodes = list(graph.all_nodes())
    values = [*graph.inputs, *graph.initializers.values()]
    values += [value for node in nodes for value in node.outputs]
    for item in (model, graph, *nodes, *values):
        item.metadata_props.clear()
        item.doc_string = None
    return model


def save(model: Any, path: Path, facts: Mapping[str, str], external_from: int) -> None:
    """Write a model with what is known of it.

    Parameters
    ----------
    model : onnx_ir.Model
    path : Path
        The ONNX file.
    facts : mapping of str to str
        Metadata of the file; ``producer_version`` is the version of this package.
    external_from : int
        From this many bytes of weights on they go into ``<path>.data`` beside it.
    """
    import onnx_ir

    model.producer_name = "napari-sam21"
    model.producer_version = facts["napari-sam21"]
    model.metadata_props.update(facts)
    weights = sum(
        value.const_value.nbytes
        for value in model.graph.initializers.values()
        if value.const_value is not None
    )
    if weights < min(external_from, FILE_LIMIT):
        onnx_ir.save(model, path)
        return
    onnx_ir.save(
        model,
        path,
        external_data=path.name + EXTERNAL_SUFFIX,
        size_threshold_bytes=SMALL,
    )


def check(path: Path, inputs: Shapes, outputs: Shapes) -> int:
    """Check a file by ``onnx.checker``, and that it declares what it should.

    Returns
    -------
    int
        Its number of nodes.

    Raises
    ------
    ModelError
        If the graph is not valid, or names, shapes or types are not as wanted.
    """
    import onnx

    try:
        onnx.checker.check_model(str(path), full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ModelError(
            f"{path.name} came out invalid ({str(error).splitlines()[0]}); please "
            "report it, with the versions of torch and onnx"
        ) from error
    graph = onnx.load(path, load_external_data=False).graph
    for wanted, found in ((inputs, graph.input), (outputs, graph.output)):
        declared = {value.name: _declared(value) for value in found}
        if declared != wanted:
            raise ModelError(
                f"{path.name} declares {declared}, expected {wanted}; please report "
                "it, with the versions of torch and onnx"
            )
    return len(graph.node)


def _declared(value: Any) -> Shape | str:
    """Shape of a float32 tensor of a file; of others the type's number."""
    tensor = value.type.tensor_type
    if tensor.elem_type != 1:  # onnx.TensorProto.FLOAT
        return f"type {tensor.elem_type}"
    return tuple(axis.dim_param or axis.dim_value for axis in tensor.shape.dim)
