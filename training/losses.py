"""What a good answer is: overlap, sharp borders, and an honest predicted IoU."""

import torch
import torch.nn.functional as F
from torch import Tensor

SHARP = 50.0  # of predicted IoU: .02 ahead is taken nearly three times as often
MISSED = 0.72  # IoU of the first candidate below which another learns the object


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


def alternative(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Which objects [B] the first candidate misses, and where it is too large."""
    likely, goal = logits[:, 0] > 0, target > 0.5
    extra = (likely & ~goal).sum((1, 2)).float()
    missed = (~likely & goal).sum((1, 2)).float()
    shared = (likely & goal).sum((1, 2)).float()
    wrong = shared < MISSED * (shared + extra + missed)
    return wrong.float(), (extra > missed).float()


def masks_loss(logits: Tensor, target: Tensor, first: bool) -> Tensor:
    """Loss of three candidates: the likely object, a part of it, a whole around it.

    The first is always taught the truth. The others are taught to agree with it,
    unless it misses the object: then the part learns if it is too large, else the
    whole.
    """
    losses = mask_loss(logits, target)
    wrong, large = alternative(logits.detach(), target)
    other = large * losses[:, 1] + (1 - large) * losses[:, 2]
    others = wrong * other + (1 - wrong) * 0.5 * spread(logits, target)
    weight = 0.5 if first else 0.2
    return (losses[:, 0] + weight * others).mean()


def quality_loss(quality: Tensor, reached: Tensor) -> Tensor:
    """Error [] of predicted IoU [B, 3], and of its differences among candidates."""
    error = (quality - reached).abs().mean()
    between = (quality[:, :, None] - quality[:, None]) - (
        reached[:, :, None] - reached[:, None]
    )
    return error + between.abs().mean()


def choice_loss(quality: Tensor, reached: Tensor) -> Tensor:
    """IoU [] given away by taking candidates as predicted IoU [B, 3] ranks them."""
    taken = (torch.softmax(SHARP * quality, 1) * reached).sum(1)
    return (reached.max(1).values - taken).mean()


def round_loss(logits: Tensor, quality: Tensor, target: Tensor, first: bool) -> Tensor:
    """Loss of one round of clicks."""
    judged = quality_loss(quality, hard_iou(logits.detach(), target))
    return masks_loss(logits, target, first) + judged
