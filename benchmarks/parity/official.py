"""The official predictor: ``SAM2ImagePredictor`` itself, on its own code path.

It imports three classes of torchvision. Where torchvision is not installed (it has to
fit the installed torch exactly), stand-ins take their place that do, in plain torch,
what torchvision documents of them; everything else is sam2's own code.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

import napari_sam21 as sam

Float32 = npt.NDArray[np.float32]

STAND_IN = """\
`SAM2ImagePredictor` itself, with a stand-in for the three classes of torchvision that
it imports (`ToTensor`: to float32 / 255, channels first; `Resize`:
`F.interpolate(mode="bilinear", antialias=True, align_corners=False)`; `Normalize`:
(x − mean) / std), because no torchvision is installed"""
INSTALLED = "`SAM2ImagePredictor` itself, with torchvision {version}"


class ToTensor:
    """Turn a uint8 image (H, W, C) into a float32 tensor (C, H, W) within 0 … 1."""

    def __call__(self, image: npt.NDArray[np.uint8]) -> Tensor:
        if image.dtype != np.uint8:
            raise TypeError(f"expected uint8, got {image.dtype}")
        channels_first = np.ascontiguousarray(image.transpose(2, 0, 1))
        return torch.from_numpy(channels_first).to(torch.float32) / 255


class Resize(nn.Module):
    """Resize (C, H, W) bilinearly with antialias, in float."""

    def __init__(self, size: tuple[int, int]) -> None:
        super().__init__()
        self.height, self.width = size

    def forward(self, image: Tensor) -> Tensor:
        """Return (C, height, width)."""
        return functional.interpolate(
            image.unsqueeze(0),
            size=[self.height, self.width],
            mode="bilinear",
            align_corners=False,
            antialias=True,
        ).squeeze(0)


class Normalize(nn.Module):
    """Subtract a mean from each channel, and divide it by a standard deviation."""

    def __init__(self, mean: list[float], std: list[float]) -> None:
        super().__init__()
        self.mean = mean
        self.std = std

    def forward(self, image: Tensor) -> Tensor:
        """Return the image, normalised."""
        mean = torch.tensor(self.mean, dtype=image.dtype).view(-1, 1, 1)
        std = torch.tensor(self.std, dtype=image.dtype).view(-1, 1, 1)
        return (image - mean) / std


@contextmanager
def torchvision_or_stand_in() -> Iterator[None]:
    """Let sam2 import what it needs; other packages never see the stand-in."""
    if find_spec("torchvision") is not None:
        yield
        return
    package, transforms = (
        ModuleType(name) for name in ("torchvision", "torchvision.transforms")
    )
    for stand_in in (ToTensor, Resize, Normalize):
        setattr(transforms, stand_in.__name__, stand_in)
    package.transforms = transforms  # type: ignore[attr-defined]
    modules = {package.__name__: package, transforms.__name__: transforms}
    sys.modules.update(modules)
    try:
        yield
    finally:
        for name in modules:
            del sys.modules[name]


def how() -> str:
    """Say how the official side was run."""
    if find_spec("torchvision") is None:
        return STAND_IN
    import torchvision

    return INSTALLED.format(version=torchvision.__version__)


class Official:
    """The official predictor on one network, asked in our words.

    Parameters
    ----------
    network : nn.Module
        sam2's network.
    """

    def __init__(self, network: Any) -> None:
        with torchvision_or_stand_in():
            from sam2.sam2_image_predictor import SAM2ImagePredictor

        self._predictor = SAM2ImagePredictor(network)

    def set_image(self, image: npt.NDArray[np.uint8]) -> dict[str, Float32]:
        """Embed an image (H, W, 3), and return its features by tensor name."""
        self._predictor.set_image(image)
        found = self._predictor._features
        fine, middle = found["high_res_feats"]
        return {
            "high_res_feats_0": fine.numpy(),
            "high_res_feats_1": middle.numpy(),
            "image_embed": found["image_embed"].numpy(),
        }

    def tensor(self, image: npt.NDArray[np.uint8]) -> Float32:
        """Return what the encoder is fed, (1, 3, 1024, 1024)."""
        return self._predictor._transforms(image)[None].numpy()

    def predict(
        self, prompts: sam.Prompts, mask_input: Float32 | None
    ) -> tuple[Float32, Float32, Float32]:
        """Ask for one object.

        Returns
        -------
        mask_logits : array of float32, shape (3, H, W)
            Before the threshold.
        scores : array of float32, shape (3,)
        logits : array of float32, shape (3, 256, 256)
        """
        points = [(column, row) for row, column in prompts.points_rc]
        return self._predictor.predict(
            point_coords=np.array(points, np.float64) if points else None,
            point_labels=np.array(prompts.point_labels) if points else None,
            box=_xyxy(prompts.box_rc),
            mask_input=None if mask_input is None else mask_input[None],
            multimask_output=True,
            return_logits=True,
        )


def _xyxy(box_rc: Any) -> npt.NDArray[np.float64] | None:
    """Turn a box into the official order: x before y."""
    if box_rc is None:
        return None
    r0, c0, r1, c1 = box_rc
    return np.array([c0, r0, c1, r1])
