"""The converted files against torch, on a real image."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_sam21.core.errors import ModelError
from napari_sam21.core.masks import LOGITS_LIMIT
from napari_sam21.core.preprocess import prepare
from napari_sam21.core.prompts import Prompts, to_tensors
from napari_sam21.core.runtime import Graph
from napari_sam21.models.convert.report import TensorError
from napari_sam21.models.convert.signature import (
    decoder_outputs,
    encoder_outputs,
)

IMAGE = "histology"
"""The bundled sample that is compared on: RGB, of another shape than a square."""

REFUSED_ABOVE = 0.05
"""No rounding explains a difference of this many standard deviations."""

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Case:
    """Prompts in the frame of the sample image, (256, 320)."""

    name: str
    prompts: Prompts
    feedback: bool = False


CASES = (
    Case("one point", Prompts([(128.0, 160.0)], [1])),
    Case("the same, mask fed back", Prompts([(128.0, 160.0)], [1]), feedback=True),
    Case(
        "box, a point and a negative",
        Prompts([(90.0, 100.5), (255.0, 0.0)], [1, 0], (40.0, 60.0, 200.0, 250.0)),
        feedback=True,
    ),
)
"""Asked one after another; feedback is the best mask of the case before."""


def compare(
    network: Any, encoder: Graph, decoder: Graph, fourth_token: bool
) -> tuple[TensorError, ...]:
    """Run the files and sam2's own code on one image, and compare every output.

    Parameters
    ----------
    network : torch.nn.Module
        sam2's network with the checkpoint's weights.
    encoder, decoder : Graph
        The files.
    fourth_token : bool
        Whether the decoder has the outputs of the single mask.

    Raises
    ------
    ModelError
        If they differ by more than rounding can explain.
    """
    import torch

    from napari_sam21.models.convert.network import reference_features
    from napari_sam21.samples import read_image

    model_input = prepare(read_image(IMAGE))
    names = list(encoder_outputs())
    found = encoder.run({"image": model_input.tensor}, names)
    wanted = reference_features(network, torch.from_numpy(model_input.tensor))
    errors = [
        difference(f"sample {IMAGE!r}", name, ours, theirs.numpy())
        for name, ours, theirs in zip(names, found, wanted, strict=True)
    ]
    ours = dict(zip(names, found, strict=True))
    region = model_input.region
    points = [to_tensors(case.prompts, region) for case in CASES]
    errors += _decoder_errors(network, decoder, ours, wanted, points, fourth_token)
    _refuse_large(errors)
    return tuple(errors)


def _decoder_errors(
    network: Any,
    decoder: Graph,
    ours: dict[str, Float32],
    theirs: tuple[Any, ...],
    points: list[tuple[Float32, Float32]],
    fourth_token: bool,
) -> Iterator[TensorError]:
    """Ask every case of both sides; each feeds back its own answer."""
    import torch

    from napari_sam21.models.convert.network import reference_decode

    names = list(decoder_outputs(False, fourth_token))
    feedback: Float32 | None = None
    for case, (coords, labels) in zip(CASES, points, strict=True):
        mask = feedback if case.feedback else None
        found = decoder.run({**ours, **prompt_feeds(coords, labels, mask)}, names)
        wanted = reference_decode(
            network,
            theirs,
            (torch.from_numpy(coords), torch.from_numpy(labels)),
            None if mask is None else torch.from_numpy(mask),
            fourth_token,
        )
        for name, mine, reference in zip(names, found, wanted, strict=True):
            yield difference(case.name, name, mine, reference.numpy())
        best = int(found[names.index("iou_predictions")].argmax())
        feedback = found[names.index("low_res_masks")][:, best : best + 1].copy()


def prompt_feeds(
    coords: Float32, labels: Float32, mask: Float32 | None
) -> dict[str, Float32]:
    """Return the decoder's inputs of one object besides the features."""
    given = np.zeros((1, 1, 256, 256), np.float32) if mask is None else mask
    return {
        "point_coords": coords,
        "point_labels": labels,
        "mask_input": np.clip(given, -LOGITS_LIMIT, LOGITS_LIMIT),
        "has_mask_input": np.array([mask is not None], np.float32),
    }


def difference(
    case: str, tensor: str, found: Float32, reference: Float32
) -> TensorError:
    """Compare two arrays of one shape.

    One number alone has no spread, and is compared with its own size.
    """
    largest = float(np.abs(found - reference).max())
    spread = float(reference.std()) if reference.size > 1 else 0.0
    scale = spread or float(np.abs(reference).max()) or 1.0
    return TensorError(case, tensor, largest, largest / scale)


def _refuse_large(errors: list[TensorError]) -> None:
    worst = max(errors, key=lambda error: error.relative)
    if not worst.relative <= REFUSED_ABOVE:  # NaN too
        raise ModelError(
            f"the converted files disagree with torch: {worst.tensor} ({worst.case}) "
            f"is off by {worst.relative:.2g} standard deviations, more than rounding "
            f"explains ({REFUSED_ABOVE}). Nothing was written; please report it, with "
            "the versions of torch and onnxruntime"
        )
