"""Prompts drawn as maps on the grid of one stride, and what lies under them."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CLICK_REACH = (6.0, 24.0, 96.0)  # pixels of the model frame
PROMPT_CHANNELS = 2 * len(CLICK_REACH) + 5
FAR = 1e8  # squared distance of a click that is not there


class PromptMaps(nn.Module):
    """Clicks, box and previous logits drawn as maps on the grid of one stride."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(
        self, xy: Tensor, labels: Tensor, logits: Tensor, has_mask: Tensor
    ) -> Tensor:
        """Maps [B, PROMPT_CHANNELS, h, w] from xy [B, N, 2] and logits at stride 4."""
        previous = F.avg_pool2d(logits, self.stride // 4)
        size = previous.shape[-1]
        axis = (torch.arange(size, device=xy.device) + 0.5) * self.stride
        dx = axis.view(1, 1, 1, -1) - xy[:, :, 0, None, None]
        dy = axis.view(1, 1, -1, 1) - xy[:, :, 1, None, None]
        squared = dx * dx + dy * dy
        maps = []
        for sign in (1.0, 0.0):
            absent = (labels != sign).to(xy.dtype)[:, :, None, None] * FAR
            distance = (squared + absent).amin(1, keepdim=True).sqrt()
            maps += [torch.exp(distance * (-1 / reach)) for reach in CLICK_REACH]
        flag = has_mask.view(-1, 1, 1, 1) * torch.ones_like(previous)
        box = self.box_maps(dx, dy, labels)
        return torch.cat([*maps, *box, torch.tanh(previous / 4) * flag, flag], 1)

    def box_maps(self, dx: Tensor, dy: Tensor, labels: Tensor) -> list[Tensor]:
        """Soft inside, soft edge and presence of the box; zero without one."""
        low = (labels == 2).to(dx.dtype)[:, :, None, None]
        high = (labels == 3).to(dx.dtype)[:, :, None, None]
        left, right = (dx * low).sum(1, True), (dx * high).sum(1, True)
        top, bottom = (dy * low).sum(1, True), (dy * high).sum(1, True)
        inside = torch.minimum(torch.minimum(left, -right), torch.minimum(top, -bottom))
        present = low.sum(1, True).clamp(max=1.0)
        return [
            torch.sigmoid(inside / 6) * present,
            torch.exp(-inside.abs() / 12) * present,
            present * torch.ones_like(inside),
        ]


def gather(weights: Tensor, features: Tensor) -> Tensor:
    """Weighted mean over space: [B, k, h, w] and [B or 1, c, h, w] to [B, k, c]."""
    w = weights.flatten(2)
    total = w.sum(2, keepdim=True) + 1e-4
    return torch.matmul(w, features.flatten(2).transpose(1, 2)) / total
