"""What a good answer is: overlap, sharp borders, and an honest predicted IoU."""

import torch
import torch.nn.functional as F
from torch import Tensor


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


def round_loss(logits: Tensor, quality: Tensor, target: Tensor, first: bool) -> Tensor:
    """Loss of one round of clicks.

    What the user gets is the candidate of highest predicted IoU; on the first click
    the best one counts more, so that the three may disagree where a click is
    ambiguous. All get a little, so that none is ever useless.
    """
    losses = mask_loss(logits, target)
    given = losses.gather(1, quality.argmax(1, keepdim=True)).mean()
    best = losses.min(1).values.mean()
    error = (quality - hard_iou(logits.detach(), target)).abs().mean()
    main = 0.5 * best + 0.3 * given if first else 0.8 * given
    return main + 0.2 * losses.mean() + 2 * error
