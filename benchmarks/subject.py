"""What is measured: the model's files, bare sessions on them, and real pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from napari_sam21.models.weights import model_path

DEFAULT = Path(__file__).parent / "true"
HOW_TO_MAKE = (
    "make it with `python -m benchmarks.seeded` in an environment as in "
    "docs/convert.md, or pass --model starter"
)

Arrays = dict[str, npt.NDArray[np.float32]]


def find_model(model: str) -> Path:
    """Return the folder that holds encoder.onnx and decoder.onnx.

    Parameters
    ----------
    model : str
        ``starter``, or a path.
    """
    folder = model_path(model) if model == "starter" else Path(model)
    missing = [
        name
        for name in ("encoder", "decoder")
        if not (folder / f"{name}.onnx").exists()
    ]
    if missing:
        raise SystemExit(f"No {missing[0]}.onnx in {folder}: {HOW_TO_MAKE}.")
    return folder


def bare_session(folder: Path, part: str) -> Any:
    """Open a file as onnxruntime does it by default."""
    return ort.InferenceSession(
        str(folder / f"{part}.onnx"), providers=["CPUExecutionProvider"]
    )


def ready_tensor() -> npt.NDArray[np.float32]:
    """Return an encoder input that needs no preparation."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((1, 3, 1024, 1024), dtype=np.float32)


def run_encoder(session: Any, tensor: npt.NDArray[np.float32]) -> Arrays:
    """Run a bare encoder; return its outputs by name."""
    names = [node.name for node in session.get_outputs()]
    return dict(zip(names, session.run(names, {"image": tensor}), strict=True))


def decoder_feeds(features: Arrays) -> Arrays:
    """Return the decoder's inputs for one click in the middle."""
    return {
        **features,
        "point_coords": np.array([[[512.0, 512.0]]], np.float32),
        "point_labels": np.array([[1.0]], np.float32),
        "mask_input": np.zeros((1, 1, 256, 256), np.float32),
        "has_mask_input": np.zeros(1, np.float32),
    }


def decoder_outputs(session: Any) -> list[str]:
    """Names of what a click needs: the small logits, and the predicted IoU."""
    names = {node.name for node in session.get_outputs()}
    small = "low_res_masks" if "low_res_masks" in names else "masks"
    return [small, "iou_predictions"]


def grey_image() -> npt.NDArray[np.uint8]:
    """Return the bundled brightfield image, (1024, 1024) uint8."""
    from napari_sam21.samples import read_image

    return read_image("brightfield")


def rgb_image() -> npt.NDArray[np.uint8]:
    """Return the same pixels as a camera frame, (1040, 1388, 3) uint8."""
    grey = grey_image()
    frame = np.pad(grey, ((0, 1040 - 1024), (0, 1388 - 1024)), mode="reflect")
    return np.repeat(frame[..., None], 3, axis=2)
