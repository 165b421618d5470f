"""SAM 2.1 with seeded weights: a checkpoint, and its two ONNX files by our converter.

The files have the published model's architecture, names and shapes, so that speed and
parity can be measured where the trained weights cannot be had. Their masks mean
nothing. It needs the extra ``convert`` and sam2 (docs/convert.md)::

    python -m benchmarks.seeded

Two decoder contracts can be written:

``card``
    ``masks`` [B, 3, 1024, 1024], ``iou_predictions`` [B, 3] and ``low_res_masks``
    [B, 3, 256, 256], as on the card of ``mask-object-sam21-tiny``.
``two-output``
    ``masks`` [B, 3, 256, 256], clamped, and ``iou_predictions`` [B, 3], as in the
    files of darktable-ai 5.6.0.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from napari_sam21.models.convert import ARCHITECTURES, convert

SEED = 0
POSITION_SPREAD = 0.2
"""Standard deviation of the position embeddings, which sam2 starts at zero."""

OUT = Path(__file__).parent / "true"
CONTRACTS = ("card", "two-output")


def seeded_network(architecture: str) -> Any:
    """Build a network whose weights are drawn from `SEED`."""
    import torch

    from napari_sam21.models.convert.network import build

    torch.manual_seed(SEED)
    model = build(ARCHITECTURES[architecture])
    with torch.no_grad():
        for embedding in ("pos_embed", "pos_embed_window"):
            weights = getattr(model.image_encoder.trunk, embedding)
            weights.normal_(0, POSITION_SPREAD)
    return model


def write_checkpoint(path: Path, architecture: str = "tiny") -> Any:
    """Write a seeded checkpoint as Meta's are, and return its network."""
    import torch

    model = seeded_network(architecture)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"model": model.state_dict()}, path)
    return model


def drop_large_masks(folder: Path) -> None:
    """Turn a decoder of the card's contract into one of two outputs."""
    import onnx

    path = folder / "decoder.onnx"
    inputs = [value.name for value in onnx.load(path).graph.input]
    kept = ["low_res_masks", "iou_predictions"]
    onnx.utils.extract_model(str(path), str(path), inputs, kept)
    model = onnx.load(path)
    for node in model.graph.node:
        node.output[:] = _renamed(node.output)
        node.input[:] = _renamed(node.input)
    model.graph.output[0].name = "masks"
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
    _note(path)


def _note(path: Path) -> None:
    """Write down the new size and digest of a file in config.json."""
    config = path.with_name("config.json")
    noted = json.loads(config.read_text(encoding="utf-8"))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    noted["files"][path.name] = {"bytes": path.stat().st_size, "sha256": digest}
    config.write_text(json.dumps(noted, indent=2) + "\n", encoding="utf-8")


def _renamed(names: Sequence[str]) -> list[str]:
    return ["masks" if name == "low_res_masks" else name for name in names]


def main(arguments: Sequence[str] | None = None) -> int:
    """Write checkpoint and files; 1 if an error exceeds the converter's tolerance."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=OUT, help="folder to write")
    parser.add_argument("--contract", choices=CONTRACTS, default="card")
    parser.add_argument("--architecture", choices=ARCHITECTURES, default="tiny")
    parser.add_argument(
        "--checkpoint-only", action="store_true", help="write only <out>.pt"
    )
    options = parser.parse_args(arguments)
    checkpoint = options.out.with_suffix(".pt")
    write_checkpoint(checkpoint, options.architecture)
    print(f"{checkpoint}: {checkpoint.stat().st_size:,} bytes")
    if options.checkpoint_only:
        return 0
    name = f"SAM 2.1 {options.architecture}, seeded and untrained"
    report = convert(checkpoint, options.out, name=name, overwrite=True)
    checkpoint.unlink()
    if options.contract == "two-output":
        drop_large_masks(options.out)
    print(report)
    return 0 if report.agrees else 1


if __name__ == "__main__":
    raise SystemExit(main())
