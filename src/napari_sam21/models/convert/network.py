"""SAM 2.1 as two modules with the card's inputs and outputs, around sam2's own parts.

The only file of the package that imports torch and sam2; it is imported while a
checkpoint is converted, and never else.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping

import torch
from sam2.build_sam import build_sam2
from torch import Tensor, nn
from torch.nn import functional

from napari_sam21.core.errors import ModelError
from napari_sam21.core.geometry import MODEL_SIDE
from napari_sam21.core.masks import LOGITS_LIMIT
from napari_sam21.models.convert.architectures import (
    IMAGE_PARTS,
    VIDEO_PARTS,
    Architecture,
)
from napari_sam21.models.convert.checkpoint import Checkpoint, check_names, name_some

CELLS = MODEL_SIDE // 4
"""Side of the grid after the trunk's first layer."""


def build(architecture: Architecture) -> nn.Module:
    """Build the whole network of the ``sam2`` package, untrained, on the CPU.

    Without sam2's fallback of the single mask to one of the three: what is exported
    is the token itself.
    """
    logging.getLogger("iopath").setLevel(logging.WARNING)
    model = build_sam2(
        architecture.config, None, device="cpu", apply_postprocessing=False
    )
    return model.eval()


def load(model: nn.Module, checkpoint: Checkpoint) -> None:
    """Put the weights of a checkpoint into the network, as float32.

    Raises
    ------
    ModelError
        If names or shapes do not fit, or a weight is not finite.
    """
    weights = {
        name: tensor
        for name, tensor in checkpoint.state.items()
        if not name.startswith(VIDEO_PARTS)
    }
    network = {
        name: tensor
        for name, tensor in model.state_dict().items()
        if name.startswith(IMAGE_PARTS)
    }
    check_names(weights, network, checkpoint.name)
    _refuse_infinite(weights, checkpoint.name)
    # Copies into float32 whatever the precision; video parts stay as they were built.
    model.load_state_dict(weights, strict=False)


def _refuse_infinite(weights: Mapping[str, Tensor], where: str) -> None:
    broken = [
        name
        for name, tensor in weights.items()
        if not bool(torch.isfinite(tensor).all())
    ]
    if broken:
        raise ModelError(
            f"{where} holds weights that are not finite, in {name_some(broken)}: the "
            "training has diverged; use an earlier checkpoint"
        )


class Encoder(nn.Module):
    """Image to the three feature maps that the decoder reads.

    Parameters
    ----------
    model : nn.Module
        sam2's whole network; it is left as it is.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        # A copy: sam2 caches position encodings, and those of a trace are fake.
        self.image_encoder = copy.deepcopy(model.image_encoder)
        self.fine = model.sam_mask_decoder.conv_s0
        self.middle = model.sam_mask_decoder.conv_s1
        self.register_buffer("no_memory", no_memory(model))
        self.trunk.register_buffer("enlarge", enlargement(self.trunk.pos_embed))
        self.trunk._get_pos_embed = lambda _: position(self.trunk)

    @property
    def trunk(self) -> nn.Module:
        """The Hiera trunk."""
        return self.image_encoder.trunk

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Encode; shapes in `signature.encoder_inputs` and `encoder_outputs`."""
        fine, middle, coarse = self.image_encoder(image)["backbone_fpn"]
        return self.fine(fine), self.middle(middle), coarse + self.no_memory


def enlargement(grid: Tensor) -> Tensor:
    """Return the matrix that enlarges a side bicubically, (256, side of the grid).

    The interpolation is linear and separable, so two small products give the position
    embedding: the graph needs no resize, and the file no 25 MB of enlarged pixels.
    """
    side = grid.shape[-1]
    unit = torch.eye(side).reshape(1, 1, side, side)
    return functional.interpolate(unit, size=(CELLS, side), mode="bicubic")[0, 0]


def position(trunk: nn.Module) -> Tensor:
    """Return the trunk's position embedding, (1, 256, 256, channels).

    The same as ``Hiera._get_pos_embed`` of sam2 for an image of 1024 x 1024.
    """
    grid = trunk.enlarge @ trunk.pos_embed.detach() @ trunk.enlarge.T
    window = trunk.pos_embed_window.detach()
    times = CELLS // window.shape[-1]
    return (grid + window.tile(1, 1, times, times)).permute(0, 2, 3, 1)


def no_memory(model: nn.Module) -> Tensor:
    """Return what ``SAM2ImagePredictor.set_image`` adds to the coarsest features."""
    memory = model.no_mem_embed.detach().reshape(1, -1, 1, 1)
    return memory if model.directly_add_no_mem_embed else torch.zeros_like(memory)


class Decoder(nn.Module):
    """Features and prompts to masks: the part that runs at every click.

    Parameters
    ----------
    model : nn.Module
        sam2's whole network; it is left as it is.
    fourth_token : bool
        Whether the single-mask token is an output too.
    """

    def __init__(self, model: nn.Module, fourth_token: bool) -> None:
        super().__init__()
        self.fourth_token = fourth_token
        self.prompts = copy.deepcopy(model.sam_prompt_encoder)
        self.masks = copy.deepcopy(model.sam_mask_decoder)
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
        """Decode; shapes in `signature.decoder_inputs` and `decoder_outputs`."""
        given = self.prompts._embed_masks(mask_input)
        has = has_mask_input.reshape(-1, 1, 1, 1) > 0
        logits, iou, _, _ = self.masks.predict_masks(
            image_embeddings=image_embed.expand(point_coords.shape[0], -1, -1, -1),
            image_pe=self.position,
            sparse_prompt_embeddings=self.prompts._embed_points(
                point_coords, point_labels, pad=True
            ),
            dense_prompt_embeddings=torch.where(has, given, self.absent),
            repeat_image=False,
            high_res_features=[high_res_feats_0, high_res_feats_1],
        )
        return arrange(logits, iou, self.fourth_token)


def arrange(logits: Tensor, iou: Tensor, fourth_token: bool) -> tuple[Tensor, ...]:
    """Arrange the tokens, (B, 4, 256, 256) and (B, 4), as `decoder_outputs`.

    Without the fourth token, which comes first, they may be three.

    As in ``SAM2ImagePredictor``, the large masks come from the logits before they are
    clamped.
    """
    three, three_iou = logits[:, -3:], iou[:, -3:]
    masks = functional.interpolate(
        three, size=(MODEL_SIDE, MODEL_SIDE), mode="bilinear", align_corners=False
    )
    card = (masks, three_iou, three.clamp(-LOGITS_LIMIT, LOGITS_LIMIT))
    if not fourth_token:
        return card
    return (*card, logits[:, :1].clamp(-LOGITS_LIMIT, LOGITS_LIMIT), iou[:, :1])


@torch.no_grad()
def reference_features(model: nn.Module, image: Tensor) -> tuple[Tensor, ...]:
    """Encode as ``SAM2ImagePredictor.set_image`` does, after its resize."""
    fine, middle, coarse = model.forward_image(image)["backbone_fpn"]
    return fine, middle, coarse + no_memory(model)


@torch.no_grad()
def reference_decode(
    model: nn.Module,
    features: tuple[Tensor, ...],
    points: tuple[Tensor, Tensor],
    mask: Tensor | None,
    fourth_token: bool,
) -> tuple[Tensor, ...]:
    """Decode one object as ``SAM2ImagePredictor._predict`` does.

    Parameters
    ----------
    model : nn.Module
        sam2's whole network.
    features : three tensors
        As `reference_features` returns them.
    points : (tensor, tensor)
        Coordinates (1, N, 2), x before y, model frame; labels (1, N).
    mask : tensor of shape (1, 1, 256, 256), or None
        Logits of the answer before.
    fourth_token : bool
        Whether the single mask is wanted too.
    """
    sparse, dense = model.sam_prompt_encoder(points=points, boxes=None, masks=mask)
    found = [
        model.sam_mask_decoder(
            image_embeddings=features[2],
            image_pe=model.sam_prompt_encoder.get_dense_pe(),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            multimask_output=several,
            repeat_image=False,
            high_res_features=list(features[:2]),
        )[:2]
        for several in ((False, True) if fourth_token else (True,))
    ]
    logits, iou = (torch.cat(pair, dim=1) for pair in zip(*found, strict=True))
    return arrange(logits, iou, fourth_token)
