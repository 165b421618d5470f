"""Export SAM 2.1 Hiera tiny, true architecture with seeded weights, as two ONNX files.

The files have the published model's architecture, names and shapes, so that speed
and parity can be measured where the trained weights cannot be had. Their masks mean
nothing. ``requirements-export.txt`` tells how to install what this script imports.

Two decoder contracts can be written:

``card``
    ``masks`` [1, 3, 1024, 1024], ``iou_predictions`` [1, 3] and ``low_res_masks``
    [1, 3, 256, 256], as on the card of ``mask-object-sam21-tiny``.
``two-output``
    ``masks`` [1, 3, 256, 256], clamped, and ``iou_predictions`` [1, 3], as in the
    files of darktable-ai 5.6.0.

Every tensor is float32. Points are (x, y) pixels of the 1024 x 1024 model frame.
"""

import argparse
import copy
import json
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from sam2.build_sam import build_sam2
from torch import Tensor, nn
from torch.nn import functional

CONFIG = "configs/sam2.1/sam2.1_hiera_t.yaml"
SEED = 0
OPSET, SIZE = 20, 1024
LOGIT_LIMIT = 32.0
"""Bound on the low-resolution logits, as in ``SAM2ImagePredictor``."""
TOLERANCE = 1e-3
"""Largest error allowed, in standard deviations of the reference tensor."""

Shape = tuple[int | str, ...]
Arrays = dict[str, np.ndarray]

ENCODER_INPUTS: dict[str, Shape] = {"image": (1, 3, SIZE, SIZE)}
ENCODER_OUTPUTS: dict[str, Shape] = {
    "high_res_feats_0": (1, 32, 256, 256),
    "high_res_feats_1": (1, 64, 128, 128),
    "image_embed": (1, 256, 64, 64),
}
DECODER_INPUTS: dict[str, Shape] = ENCODER_OUTPUTS | {
    "point_coords": (1, "N", 2),
    "point_labels": (1, "N"),
    "mask_input": (1, 1, 256, 256),
    "has_mask_input": (1,),
}
DECODER_OUTPUTS: dict[str, dict[str, Shape]] = {
    "card": {
        "masks": (1, 3, SIZE, SIZE),
        "iou_predictions": (1, 3),
        "low_res_masks": (1, 3, 256, 256),
    },
    "two-output": {"masks": (1, 3, 256, 256), "iou_predictions": (1, 3)},
}
CONFIG_JSON = {
    "id": "mask-object-sam21-tiny-seeded",
    "name": "mask sam2.1 hiera tiny (seeded, untrained)",
    "description": "True architecture, random weights: for speed and parity tests only",
    "task": "mask",
    "arch": "sam2",
    "backend": "onnx",
    "version": "1.0",
    "tiling": False,
}

# (x, y, label), box corners first; labels: 0 background, 1 foreground, 2 and 3 corners.
ONE = ((500.0, 375.5, 1),)
FIVE = (*ONE, (1023.0, 0.0, 0), (12.25, 900.0, 1), (640.0, 640.0, 0), (333.0, 77.0, 1))
BOX = ((200.0, 150.0, 2), (720.5, 610.0, 3))
PROMPTS = (
    ("N=1", ONE, False),
    ("N=1, feedback", ONE, True),
    ("N=5", FIVE, False),
    ("box", BOX, False),
    ("box + N=3, feedback", BOX + FIVE[:3], True),
    ("N=40", FIVE * 8, False),
)
"""Name, points, and whether the best candidate of the prompt before is fed back."""


class Encoder(nn.Module):
    """Image to the three feature maps that the decoder reads."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model = copy.deepcopy(model)
        # Resized here, once, so that the graph needs no bicubic resize of its own.
        trunk = model.image_encoder.trunk
        self.register_buffer("position", trunk._get_pos_embed((256, 256)).detach())
        trunk._get_pos_embed = lambda _: self.position
        self.register_buffer("no_memory", no_memory(model))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Shapes in `ENCODER_INPUTS` and `ENCODER_OUTPUTS`."""
        fine, middle, coarse = self.model.forward_image(image)["backbone_fpn"]
        return fine, middle, coarse + self.no_memory


def no_memory(model: nn.Module) -> Tensor:
    """Give what ``SAM2ImagePredictor.set_image`` adds to the coarsest features."""
    memory = model.no_mem_embed.detach().reshape(1, -1, 1, 1)
    return memory if model.directly_add_no_mem_embed else torch.zeros_like(memory)


class Decoder(nn.Module):
    """Features and prompts to masks: the part that runs at every click."""

    def __init__(self, model: nn.Module, contract: str) -> None:
        super().__init__()
        self.contract = contract
        self.prompts = model.sam_prompt_encoder
        self.masks = model.sam_mask_decoder
        self.register_buffer("position", self.prompts.get_dense_pe().detach())
        absent = self.prompts.no_mask_embed.weight.detach().reshape(1, -1, 1, 1)
        self.register_buffer("absent", absent)

    def forward(
        self,
        high_res_feats_0: Tensor,
        high_res_feats_1: Tensor,
        image_embed: Tensor,
        point_coords: Tensor,
        point_labels: Tensor,
        mask_input: Tensor,
        has_mask_input: Tensor,
    ) -> tuple[Tensor, ...]:
        """Decode one object; shapes in `DECODER_INPUTS` and `DECODER_OUTPUTS`."""
        points = self.prompts._embed_points(point_coords, point_labels, pad=True)
        given = self.prompts._embed_masks(mask_input)
        logits, iou, _, _ = self.masks.predict_masks(
            image_embeddings=image_embed,
            image_pe=self.position,
            sparse_prompt_embeddings=points,
            dense_prompt_embeddings=torch.lerp(self.absent, given, has_mask_input),
            repeat_image=False,
            high_res_features=[high_res_feats_0, high_res_feats_1],
        )
        return as_contract(logits[:, 1:], iou[:, 1:], self.contract)


def as_contract(logits: Tensor, iou: Tensor, contract: str) -> tuple[Tensor, ...]:
    """Arrange [1, 3, 256, 256] logits and [1, 3] scores as `DECODER_OUTPUTS`.

    As in ``SAM2ImagePredictor``, the large masks come from the logits before they are
    clamped.
    """
    clamped = logits.clamp(-LOGIT_LIMIT, LOGIT_LIMIT)
    if contract == "two-output":
        return clamped, iou
    masks = functional.interpolate(
        logits, size=(SIZE, SIZE), mode="bilinear", align_corners=False
    )
    return masks, iou, clamped


def build_model() -> nn.Module:
    """Build SAM 2.1 Hiera tiny with weights drawn from `SEED`."""
    torch.manual_seed(SEED)
    return build_sam2(CONFIG, None, device="cpu")


def export(
    module: nn.Module,
    path: Path,
    inputs: Mapping[str, Shape],
    outputs: Mapping[str, Shape],
) -> None:
    """Write a module as ONNX; a string in a shape is a dynamic axis."""
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # No torchvision here.
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            # A copy: sam2 caches position encodings, and those of a trace are fake.
            copy.deepcopy(module).eval(),
            tuple(_example(shape) for shape in inputs.values()),
            input_names=list(inputs),
            output_names=list(outputs),
            opset_version=OPSET,
            dynamic_shapes=[_dynamic_axes(shape) for shape in inputs.values()],
            dynamo=True,
            verbose=False,
        )
    onnx.save(_without_traces(program.model_proto), path)


def _example(shape: Shape) -> Tensor:
    """Make an input to trace with; dynamic axes get three elements."""
    return torch.rand([3 if isinstance(size, str) else size for size in shape])


def _dynamic_axes(shape: Shape) -> dict[int, torch.export.Dim]:
    """Find the named axes of a shape; each may be as short as 1."""
    named = ((axis, size) for axis, size in enumerate(shape) if isinstance(size, str))
    return {axis: torch.export.Dim(name, min=1) for axis, name in named}


def _without_traces(model: onnx.ModelProto) -> onnx.ModelProto:
    """Remove the stack traces, which hold paths of the machine that exports."""
    graph = model.graph
    named = (*graph.node, *graph.initializer)
    values = (*graph.input, *graph.output, *graph.value_info)
    for item in (model, graph, *named, *values):
        item.ClearField("metadata_props")
    return model


def check_file(
    path: Path, inputs: Mapping[str, Shape], outputs: Mapping[str, Shape]
) -> None:
    """Check a file with `onnx.checker`, and its tensors against the contract."""
    onnx.checker.check_model(str(path), full_check=True)
    graph = onnx.load(path, load_external_data=False).graph
    for found, expected in ((graph.input, inputs), (graph.output, outputs)):
        shapes = {value.name: _declared_shape(value) for value in found}
        if shapes != dict(expected):
            raise ValueError(f"{path.name}: expected {expected}, found {shapes}")


def _declared_shape(value: onnx.ValueInfoProto) -> Shape:
    """Read the shape of a float32 tensor; an axis without a number keeps its name."""
    tensor = value.type.tensor_type
    if tensor.elem_type != onnx.TensorProto.FLOAT:
        raise ValueError(f"{value.name}: expected float32, found {tensor.elem_type}")
    return tuple(axis.dim_param or axis.dim_value for axis in tensor.shape.dim)


def run(path: Path, feeds: Arrays, names: Sequence[str]) -> Arrays:
    """Run a file with onnxruntime; return the named outputs."""
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    return dict(zip(names, session.run(list(names), feeds), strict=True))


def relative_errors(found: Arrays, reference: Sequence[Tensor]) -> dict[str, float]:
    """Largest error of each tensor, in standard deviations of the reference."""
    return {
        name: float(np.abs(array - tensor.numpy()).max() / tensor.numpy().std())
        for (name, array), tensor in zip(found.items(), reference, strict=True)
    }


def verify_encoder(model: nn.Module, path: Path) -> tuple[Arrays, dict[str, float]]:
    """Encode a random image with sam2 and with onnxruntime; features and errors."""
    generator = torch.Generator().manual_seed(SEED)
    image = torch.randn(ENCODER_INPUTS["image"], generator=generator)
    with torch.no_grad():
        fine, middle, coarse = model.forward_image(image)["backbone_fpn"]
    reference = (fine, middle, coarse + no_memory(model))
    features = run(path, {"image": image.numpy()}, list(ENCODER_OUTPUTS))
    return features, relative_errors(features, reference)


def official_decode(
    model: nn.Module, feeds: Arrays, contract: str
) -> tuple[Tensor, ...]:
    """Follow ``SAM2ImagePredictor._predict`` with ``multimask_output=True``."""
    given = {name: torch.from_numpy(array) for name, array in feeds.items()}
    points, dense = model.sam_prompt_encoder(
        points=(given["point_coords"], given["point_labels"]),
        boxes=None,
        masks=given["mask_input"] if given["has_mask_input"].item() else None,
    )
    logits, iou, _, _ = model.sam_mask_decoder(
        image_embeddings=given["image_embed"],
        image_pe=model.sam_prompt_encoder.get_dense_pe(),
        sparse_prompt_embeddings=points,
        dense_prompt_embeddings=dense,
        multimask_output=True,
        repeat_image=False,
        high_res_features=[given["high_res_feats_0"], given["high_res_feats_1"]],
    )
    return as_contract(logits, iou, contract)


def verify_decoder(
    model: nn.Module, path: Path, features: Arrays, contract: str
) -> Iterator[tuple[str, dict[str, float]]]:
    """Decode every prompt with sam2 and with onnxruntime; names and errors."""
    logits_name = "low_res_masks" if contract == "card" else "masks"
    previous = np.zeros((1, 1, 256, 256), np.float32)
    for name, prompt, feedback in PROMPTS:
        points = np.array(prompt, np.float32)[np.newaxis]
        feeds = features | {
            "point_coords": points[..., :2],
            "point_labels": points[..., 2],
            "mask_input": previous if feedback else np.zeros_like(previous),
            "has_mask_input": np.array([feedback], np.float32),
        }
        found = run(path, feeds, list(DECODER_OUTPUTS[contract]))
        with torch.no_grad():
            yield name, relative_errors(found, official_decode(model, feeds, contract))
        best = found["iou_predictions"].argmax()
        previous = found[logits_name][:, best : best + 1]


def report(name: str, errors: Mapping[str, float]) -> float:
    """Print the errors of one run and give the largest."""
    columns = "  ".join(f"{tensor} {error:.1e}" for tensor, error in errors.items())
    print(f"{name:>20}  {columns}")
    return max(errors.values())


def export_all(model: nn.Module, out: Path, contract: str) -> None:
    """Write and check the two graphs and config.json."""
    out.mkdir(parents=True, exist_ok=True)
    outputs = DECODER_OUTPUTS[contract]
    jobs = (
        ("encoder", Encoder(model), ENCODER_INPUTS, ENCODER_OUTPUTS),
        ("decoder", Decoder(model, contract), DECODER_INPUTS, outputs),
    )
    for name, module, wanted_inputs, wanted_outputs in jobs:
        path = out / f"{name}.onnx"
        export(module, path, wanted_inputs, wanted_outputs)
        check_file(path, wanted_inputs, wanted_outputs)
        print(f"{path}: {path.stat().st_size:,} bytes")
    text = json.dumps(CONFIG_JSON, indent=4) + "\n"
    (out / "config.json").write_text(text, encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Export, verify and report; 1 if an error exceeds `TOLERANCE`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = Path(__file__).parent / "true"
    parser.add_argument("--out", type=Path, default=default, help="folder to write")
    parser.add_argument("--contract", choices=DECODER_OUTPUTS, default="card")
    options = parser.parse_args(arguments)
    model, out, contract = build_model(), options.out, options.contract
    export_all(model, out, contract)
    print("largest error, in standard deviations of the torch tensor:")
    features, errors = verify_encoder(model, out / "encoder.onnx")
    worst = report("random image", errors)
    for name, errors in verify_decoder(model, out / "decoder.onnx", features, contract):
        worst = max(worst, report(name, errors))
    kept = worst <= TOLERANCE
    print(f"worst {worst:.1e}, allowed {TOLERANCE:.0e}: {'kept' if kept else 'BROKEN'}")
    return 0 if kept else 1


if __name__ == "__main__":
    raise SystemExit(main())
