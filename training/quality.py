"""Predicted IoU: how good each candidate is, from the mask and what lies in it."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.maps import CLICK_REACH, gather


class Quality(nn.Module):
    """Judge each candidate: its predicted IoU from the mask and what lies in it.

    What is pooled is pooled over the candidate's interior and rim alone: a small
    doubt everywhere, which grows with the size of the image, counts for nothing.
    """

    QUIET = 0.04  # doubt below which a pixel counts as certain

    def __init__(self, mid: int, wide: int, shape: int = 12) -> None:
        super().__init__()
        self.look = nn.Conv2d(1, shape, 3, padding=1)
        self.image = nn.Conv2d(mid, shape, 1)
        pooled = 2 * (mid + shape) + wide
        self.judge = nn.Sequential(
            nn.Linear(pooled + 14, 96), nn.ReLU(), nn.Linear(96, 32), nn.ReLU()
        )
        self.last = nn.Linear(32, 1)

    def forward(self, facts: Tensor) -> Tensor:
        """Predicted IoU [B, 3]: what the probabilities say, corrected."""
        return torch.sigmoid(self.last(self.judge(facts))[..., 0] + 2 * facts[..., 0])

    def facts(
        self, logits: Tensor, x8: Tensor, x16: Tensor, labels: Tensor, maps: Tensor
    ) -> Tensor:
        """Facts [B, 3, F] of the candidates; nothing but this head learns from them."""
        inside = F.avg_pool2d(torch.sigmoid(logits), 2)
        sure = F.relu(inside - self.QUIET)
        doubt = F.relu(inside * (1 - inside) - self.QUIET)
        shaped = self.shaped(sure, x8.detach())
        pooled = [
            gather(sure, x8.detach()),
            gather(doubt, x8.detach()),
            gather(F.avg_pool2d(sure, 2), x16.detach()),
            *(self.own(weights, shaped) for weights in (sure, doubt)),
        ]
        plain = [numbers(sure, doubt), among(sure), under(inside, maps, labels)]
        return torch.cat([expected(logits), *plain, *pooled], 2)

    def shaped(self, sure: Tensor, x8: Tensor) -> Tensor:
        """Maps [B, 3, shape, h, w] of each candidate seen against the image."""
        size = sure.shape[-2:]
        own = self.look(sure.reshape(-1, 1, *size)).unflatten(0, (-1, 3))
        return F.relu(own + self.image(x8)[:, None])

    def own(self, weights: Tensor, shaped: Tensor) -> Tensor:
        """Mean [B, 3, shape] of each candidate's own maps."""
        w = weights.flatten(2)[:, :, None]
        return (w * shaped.flatten(3)).sum(3) / (w.sum(3) + 1e-4)


def expected(logits: Tensor) -> Tensor:
    """Logit [B, 3, 1] of the IoU to expect if the probabilities were true."""
    inside = torch.sigmoid(logits)
    taken = (logits > 0).to(logits.dtype)
    likely = F.relu(inside - Quality.QUIET)
    shared = (likely * taken).sum((2, 3))
    union = (taken + likely * (1 - taken)).sum((2, 3))
    ratio = (shared + 0.5) / (union + 1)
    return torch.log(ratio / (1.02 - ratio))[..., None]


def numbers(sure: Tensor, doubt: Tensor) -> Tensor:
    """Size and doubt [B, 3, 3] of each candidate, in scales that learn well."""
    area, rim = sure.sum((2, 3)), doubt.sum((2, 3))
    facts = [torch.log(area + 1) / 8, 4 * rim / (area + 1), torch.sqrt(rim) / 16]
    return torch.stack(facts, 2)


def among(sure: Tensor) -> Tensor:
    """Soft IoU [B, 3, 3] of each candidate with every one: is the click ambiguous?"""
    flat = sure.flatten(2)
    shared = torch.matmul(flat, flat.transpose(1, 2))
    own = (flat * flat).sum(2)
    return shared / (own[:, :, None] + own[:, None] - shared + 1e-3)


def under(inside: Tensor, maps: Tensor, labels: Tensor) -> Tensor:
    """Facts [B, 3, 7]: the candidate at the clicks and the box, and what was given."""
    positive, negative, box = 0, len(CLICK_REACH), 2 * len(CLICK_REACH)
    chosen = torch.stack([maps[:, n] for n in (positive, negative, box)], 1)
    hit = gather(chosen, inside).transpose(1, 2)
    wanted = (labels == 1).to(inside.dtype).sum(1) / 4
    refused = (labels == 0).to(inside.dtype).sum(1) / 4
    flags = maps[:, [box + 2, -1], 0, 0]
    given = torch.cat([torch.stack([wanted, refused], 1), flags], 1)
    return torch.cat([hit, given[:, None].expand(-1, 3, -1)], 2)
