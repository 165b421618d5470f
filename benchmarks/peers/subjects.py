"""What is asked of each peer: load, encode an image, answer one click.

This file runs in the peers' environments: only the standard library and numpy are sure
to be there, so every other import is where it is needed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np

MISSING_OPERATORS = ("nms", "qnms")
"""Of torchvision, where its compiled part does not fit the installed torch."""


class Subject(Protocol):
    """A peer, loaded."""

    def encode(self, image: np.ndarray) -> None:
        """Prepare and encode an image, (H, W) or (H, W, 3) uint8."""

    def click(self, row: float, column: float) -> np.ndarray:
        """Return the mask (H, W) of one click on the image encoded last."""


class Bare:
    """Both files in onnxruntime, on ready tensors; the mask is not made."""

    def __init__(self, model: Path, *_: str) -> None:
        from benchmarks.subject import bare_session, ready_tensor

        self._encoder = bare_session(model, "encoder")
        self._decoder = bare_session(model, "decoder")
        self._tensor = ready_tensor()

    def encode(self, image: np.ndarray) -> None:
        from benchmarks.subject import run_encoder

        self._features = run_encoder(self._encoder, self._tensor)

    def click(self, row: float, column: float) -> np.ndarray:
        from benchmarks.subject import decoder_feeds, decoder_outputs

        names, feeds = decoder_outputs(self._decoder), decoder_feeds(self._features)
        logits, _ = self._decoder.run(names, feeds)
        return logits[0, 0] > 0


class Ours:
    """The public interface of this project."""

    def __init__(self, model: Path, *name: str) -> None:
        import napari_sam21 as sam

        self._model = sam.load_model(name[0] if name else model)

    def encode(self, image: np.ndarray) -> None:
        self._embedding = self._model.encode(image)

    def click(self, row: float, column: float) -> np.ndarray:
        import napari_sam21 as sam

        prompts = sam.Prompts([(row, column)], [1])
        return self._model.decode(self._embedding, prompts).mask()


class Official:
    """sam2's own predictor, with seeded weights."""

    def __init__(self, model: Path, precision: str) -> None:
        import torch

        import_torchvision()
        from sam2.build_sam import build_sam2
        from sam2.sam2_image_predictor import SAM2ImagePredictor

        torch.manual_seed(0)
        network = build_sam2("configs/sam2.1/sam2.1_hiera_t.yaml", None, device="cpu")
        self._predictor = SAM2ImagePredictor(network)
        self._torch, self._half = torch, precision == "bfloat16"

    def _context(self) -> Any:
        return self._torch.autocast("cpu", self._torch.bfloat16, enabled=self._half)

    def encode(self, image: np.ndarray) -> None:
        with self._torch.inference_mode(), self._context():
            self._predictor.set_image(as_rgb(image))

    def click(self, row: float, column: float) -> np.ndarray:
        with self._torch.inference_mode(), self._context():
            point, label = np.array([[column, row]]), np.array([1])
            masks, scores, _ = self._predictor.predict(point, label)
        return masks[int(np.argmax(scores))] > 0


class MicroSam:
    """micro-sam's embedding and click, with an untrained network of the right shape."""

    def __init__(self, model: Path, kind: str) -> None:
        import torch

        import_torchvision()
        from micro_sam import util
        from segment_anything import SamPredictor, sam_model_registry

        torch.manual_seed(0)
        self._util = util
        self._predictor = SamPredictor(sam_model_registry[kind]().eval())
        self._predictor.model_type = self._predictor.model_name = kind

    def encode(self, image: np.ndarray) -> None:
        self._embeddings = self._util.precompute_image_embeddings(
            self._predictor, image, verbose=False
        )

    def click(self, row: float, column: float) -> np.ndarray:
        from micro_sam.prompt_based_segmentation import segment_from_points

        point, label = np.array([[row, column]]), np.array([1])
        found = segment_from_points(
            self._predictor, point, label, image_embeddings=self._embeddings
        )
        return np.asarray(found[0]) > 0


def as_rgb(image: np.ndarray) -> np.ndarray:
    """Return (H, W, 3)."""
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)


def import_torchvision() -> None:
    """Import torchvision, also where its compiled operators do not fit torch.

    Nothing that is measured here calls them, but its Python part wants them declared.
    """
    import torch

    try:
        import torchvision
    except RuntimeError:
        declared = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        library = torch.library.Library("torchvision", "FRAGMENT")
        for name in MISSING_OPERATORS:
            library.define(name + declared)
        import_torchvision.kept = library  # type: ignore[attr-defined]
        import torchvision  # noqa: F401
