"""What a good answer is: overlap, sharp borders, and an honest predicted IoU."""

import torch
import torch.nn.functional as F
from torch import Tensor

AMBIGUOUS = 0.12  # difference of losses; about .06 of IoU


def mask_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Loss [B, 3] of each candidate against the soft target [B, h, w].

    Cross-entropy is summed and divided by the object's size, so that small and
    large objects weigh alike and the border decides; a soft IoU term is added.
    """
    goal = target[:, None].expand_as(logits)
    entropy = F.binary_cross_entropy_with_logits(logits, goal, reduction="none")
    size = 2 * target.sum((1, 2)) + 64
    border = entropy.sum((2, 3)) / size[:, None]
    inside = torch.sigmoid(logits)
    shared = (inside * goal).sum((2, 3))
    union = (inside + goal - inside * goal).sum((2, 3))
    return border + 1 - (shared + 1) / (union + 1)


def hard_iou(logits: Tensor, target: Tensor) -> Tensor:
    """IoU [B, 3] of the thresholded candidates with the target."""
    predicted, goal = logits > 0, target[:, None] > 0.5
    shared = (predicted & goal).sum((2, 3)).float()
    union = (predicted | goal).sum((2, 3)).float()
    return (shared + 1e-6) / (union + 1e-6)


def spread(logits: Tensor, target: Tensor) -> Tensor:
    """How far candidates 2 and 3 are from the first [B], in sizes of the object."""
    inside = torch.sigmoid(logits)
    apart = (inside[:, 1:] - inside[:, :1].detach()).abs().sum((2, 3))
    return (apart / (target.sum((1, 2)) + 16)[:, None]).mean(1)


def masks_loss(logits: Tensor, target: Tensor, first: bool) -> Tensor:
    """Loss of three candidates: the likely object, its part and its whole.

    The first is always taught the truth. The others are taught to agree with it,
    unless the click was ambiguous: one of them is nearer to the truth by more than
    ``AMBIGUOUS``. Then that one learns instead.
    """
    losses = mask_loss(logits, target)
    likely, nearest = losses[:, 0], losses[:, 1:].min(1).values
    ambiguous = (likely.detach() - nearest.detach() > AMBIGUOUS).float()
    apart = spread(logits, target)
    others = ambiguous * nearest + (1 - ambiguous) * 0.5 * apart
    weight = 0.5 if first else 0.2
    return (likely + weight * others).mean() + 0.05 * losses[:, 1:].mean()


def quality_loss(quality: Tensor, reached: Tensor) -> Tensor:
    """Error [] of predicted IoU [B, 3], and of its differences among candidates."""
    error = (quality - reached).abs().mean()
    between = (quality[:, :, None] - quality[:, None]) - (
        reached[:, :, None] - reached[:, None]
    )
    return error + between.abs().mean()


def round_loss(logits: Tensor, quality: Tensor, target: Tensor, first: bool) -> Tensor:
    """Loss of one round of clicks."""
    judged = quality_loss(quality, hard_iou(logits.detach(), target))
    return masks_loss(logits, target, first) + judged
