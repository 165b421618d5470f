"""Write the trained network as encoder.onnx, decoder.onnx and config.json."""

import argparse
import copy
import json
import logging
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.network import Decoder, Starter

LOG = logging.getLogger("training")
OPSET = 17
SIDE = 1024
FEATURES = {
    "high_res_feats_0": (1, 32, 256, 256),
    "high_res_feats_1": (1, 64, 128, 128),
    "image_embed": (1, 256, 64, 64),
}
OUTPUTS = ("masks", "iou_predictions", "low_res_masks")
LARGE = 1024  # weights of a tensor that is stored in half precision
PARITY = 2e-3  # of logits, which reach ±30
CONFIG = {
    "id": "starter",
    "name": "Starter",
    "description": (
        "Small click-to-mask network for nuclei and cells, shipped with "
        "napari-sam21. It has the tensors of SAM 2.1 but is not SAM."
    ),
    "task": "mask",
    "arch": "starter",
    "backend": "onnx",
    "version": "0.6",
    "tiling": False,
    "license": "BSD-3-Clause",
    "training_data": (
        "BBBC038v1 stage 1 training set (2018 Data Science Bowl, Broad Bioimage "
        "Benchmark Collection) with published label corrections, CC0 1.0; the "
        "train split of this project only. And scenes drawn by training/synthetic.py, "
        "with textures of noise and of photographs from scikit-image."
    ),
}


class CardDecoder(nn.Module):
    """The decoder under the names and in the order of the model card."""

    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(
        self,
        image_embed: Tensor,
        high_res_feats_0: Tensor,
        high_res_feats_1: Tensor,
        point_coords: Tensor,
        point_labels: Tensor,
        mask_input: Tensor,
        has_mask_input: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        low, quality = self.decoder(
            image_embed,
            high_res_feats_0,
            high_res_feats_1,
            point_coords,
            point_labels,
            mask_input,
            has_mask_input,
        )
        return full_size(low), quality, low


def full_size(low: Tensor) -> Tensor:
    """Logits [B, 3, 256, 256] in one bilinear step to 1024.

    The reshape changes nothing, but keeps onnxruntime from enlarging them in its
    blocked layout, where three channels are padded to sixteen.
    """
    plain = low.reshape(-1, 3, low.shape[2], low.shape[3])
    return F.interpolate(plain, scale_factor=4.0, mode="bilinear")


def rounded(model: Starter) -> Starter:
    """A copy whose large weights are what half precision can hold."""
    copied = copy.deepcopy(model)
    for value in copied.parameters():
        if value.numel() >= LARGE:
            value.data = value.data.half().float()
    return copied


def halve(path: Path) -> None:
    """Store large weights in half precision; runtimes widen them once, at load."""
    import onnx
    from onnx import helper, numpy_helper

    graph = (model := onnx.load(str(path))).graph
    casts = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < LARGE:
            continue
        name = tensor.name
        half = numpy_helper.from_array(values.astype(np.float16), f"{name}_half")
        tensor.CopyFrom(half)
        casts.append(
            helper.make_node("Cast", [half.name], [name], to=onnx.TensorProto.FLOAT)
        )
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.save(model, str(path))


def export_encoder(model: Starter, path: Path) -> None:
    torch.onnx.export(
        model.encoder,
        (torch.zeros(1, 3, SIDE, SIDE),),
        str(path),
        input_names=["image"],
        output_names=list(FEATURES),
        opset_version=OPSET,
        dynamo=False,
    )


def example_prompts(objects: int, points: int) -> dict[str, Tensor]:
    """Random prompts in the model frame, named as the decoder's inputs."""
    return {
        "point_coords": torch.rand(objects, points, 2) * (SIDE - 1),
        "point_labels": torch.randint(0, 2, (objects, points)).float(),
        "mask_input": torch.randn(objects, 1, SIDE // 4, SIDE // 4) * 8,
        "has_mask_input": torch.ones(objects),
    }


def export_decoder(model: Starter, path: Path) -> None:
    """Export with dynamic axes: B objects, N points."""
    order = ("image_embed", "high_res_feats_0", "high_res_feats_1")
    features = {name: torch.zeros(FEATURES[name]) for name in order}
    inputs = features | example_prompts(2, 3)
    objects = {0: "B"}
    axes = {
        "point_coords": {0: "B", 1: "N"},
        "point_labels": {0: "B", 1: "N"},
        **{name: objects for name in ("mask_input", "has_mask_input", "masks")},
        **{name: objects for name in ("iou_predictions", "low_res_masks")},
    }
    torch.onnx.export(
        CardDecoder(model.decoder),
        tuple(inputs.values()),
        str(path),
        input_names=list(inputs),
        output_names=list(OUTPUTS),
        dynamic_axes=axes,
        opset_version=OPSET,
        dynamo=False,
    )


def export(model: Starter, folder: Path) -> None:
    """Write the three files of a model into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    model = rounded(model).eval().to(memory_format=torch.contiguous_format)
    export_encoder(model, folder / "encoder.onnx")
    export_decoder(model, folder / "decoder.onnx")
    text = json.dumps(CONFIG, indent=2) + "\n"
    (folder / "config.json").write_text(text, encoding="utf-8")
    for file in ("encoder.onnx", "decoder.onnx"):
        halve(folder / file)
    gap = worst_difference(model, folder)
    LOG.info("exported to %s; torch and onnxruntime differ by %.1e", folder, gap)
    if gap > PARITY:
        raise RuntimeError(f"the files differ from torch by {gap:.1e}, over {PARITY}")


def worst_difference(model: Starter, folder: Path) -> float:
    """Largest difference between torch and onnxruntime over axes B and N."""
    import onnxruntime as ort

    providers = ["CPUExecutionProvider"]
    encoder = ort.InferenceSession(str(folder / "encoder.onnx"), providers=providers)
    decoder = ort.InferenceSession(str(folder / "decoder.onnx"), providers=providers)
    image = torch.randn(1, 3, SIDE, SIDE)
    outputs = encoder.run(list(FEATURES), {"image": image.numpy()})
    with torch.no_grad():
        pairs = list(zip(model.encoder(image), outputs, strict=True))
    features = dict(zip(FEATURES, map(torch.from_numpy, outputs), strict=True))
    card = CardDecoder(model.decoder)
    for objects, points in ((1, 1), (1, 2), (1, 5), (1, 20), (4, 3)):
        inputs = features | example_prompts(objects, points)
        feeds = {name: value.numpy() for name, value in inputs.items()}
        with torch.no_grad():
            expected = card(**inputs)
        pairs += zip(expected, decoder.run(list(OUTPUTS), feeds), strict=True)
    gaps = [(ours - torch.from_numpy(theirs)).abs().max() for ours, theirs in pairs]
    return float(max(gaps))


def main() -> None:
    """Export the averaged weights of a checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path, help="last.pt of a run")
    parser.add_argument("folder", type=Path, help="where the three files go")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    model = Starter()
    state = torch.load(args.checkpoint, weights_only=True, map_location="cpu")
    model.load_state_dict(state["average"])
    export(model, args.folder)


if __name__ == "__main__":
    main()
