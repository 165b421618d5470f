"""The starter network: a small promptable segmenter with the tensors of SAM 2.1.

The encoder is a pyramid of dense 3x3 residual blocks (strides 4 to 32) with a
top-down path. The decoder adds prompts to the features at strides 16 and 8,
where convolutions are cheap, and only refines at stride 4.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CLICK_REACH = (6.0, 24.0, 96.0)  # pixels of the model frame
PROMPT_CHANNELS = 2 * len(CLICK_REACH) + 5
FAR = 1e8  # squared distance of a click that is not there


class ChannelNorm(nn.Module):
    """Layer norm over the channels of each position.

    Without any statistic over space, a training crop and a whole image are
    normalised alike.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        last = x.permute(0, 2, 3, 1)
        last = F.layer_norm(last, self.weight.shape, self.weight, self.bias, 1e-3)
        return last.permute(0, 3, 1, 2)


class Block(nn.Module):
    """Pre-norm residual block of two 3x3 convolutions; starts as the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = ChannelNorm(channels)
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.relu(self.first(self.norm(x))))


def blocks(channels: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(Block(channels) for _ in range(count)))


def down(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(
        ChannelNorm(before), nn.Conv2d(before, after, 3, stride=2, padding=1)
    )


def learned_up(before: int, after: int) -> nn.Sequential:
    """Twice the size by a 1x1 convolution and a pixel shuffle: the fastest way."""
    return nn.Sequential(nn.Conv2d(before, 4 * after, 1), nn.PixelShuffle(2))


def enlarge(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


class Encoder(nn.Module):
    """Image [b, 3, S, S] to features at strides 4, 8 and 16 (S = 1024 when used)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 7, stride=4, padding=3)
        self.stage4 = blocks(32, 1)
        self.stage8 = nn.Sequential(down(32, 64), blocks(64, 2))
        self.stage16 = nn.Sequential(down(64, 112), blocks(112, 3))
        self.stage32 = nn.Sequential(down(112, 160), blocks(160, 2))
        self.to16 = nn.Conv2d(160, 112, 1)
        self.merge16 = blocks(112, 1)
        self.to8 = nn.Conv2d(112, 64, 1)
        self.merge8 = blocks(64, 1)
        self.to4 = nn.Conv2d(64, 32, 1)
        self.out16 = nn.Sequential(ChannelNorm(112), nn.Conv2d(112, 256, 1))
        self.out8 = nn.Sequential(ChannelNorm(64), nn.Conv2d(64, 64, 1))
        self.out4 = nn.Sequential(ChannelNorm(32), nn.Conv2d(32, 32, 3, padding=1))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x4 = self.stage4(self.stem(image))
        x8 = self.stage8(x4)
        x16 = self.stage16(x8)
        x32 = self.stage32(x16)
        x16 = self.merge16(x16 + enlarge(self.to16(x32)))
        x8 = self.merge8(x8 + enlarge(self.to8(x16)))
        x4 = x4 + enlarge(self.to4(x8))
        return self.out4(x4), self.out8(x8), self.out16(x16)


class Deep(nn.Module):
    """A detour through half the resolution: large objects are reached from a click."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(down(channels, channels), blocks(channels, 2))
        self.back = nn.Conv2d(channels, channels, 1)
        nn.init.zeros_(self.back.weight)
        nn.init.zeros_(self.back.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + enlarge(self.back(self.inner(x)))


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


class Decoder(nn.Module):
    """Prompts and features to three candidate masks and their predicted IoU."""

    def __init__(self, wide: int = 64, mid: int = 48, thin: int = 16) -> None:
        super().__init__()
        self.wide, self.mid = wide, mid
        self.maps16, self.maps8 = PromptMaps(16), PromptMaps(8)
        self.image16 = nn.Conv2d(256, wide, 1)
        self.image8 = nn.Conv2d(64, mid, 1)
        self.image4 = nn.Conv2d(32, thin, 1)
        self.prompt16 = nn.Conv2d(PROMPT_CHANNELS, wide, 3, padding=1)
        self.prompt8 = nn.Conv2d(PROMPT_CHANNELS, mid, 3, padding=1)
        self.prompt4 = nn.Conv2d(1, thin, 3, padding=1)
        self.style = nn.Sequential(
            nn.Linear(2 * (wide + mid), 96), nn.ReLU(), nn.Linear(96, wide + mid)
        )
        self.body16 = nn.Sequential(Block(wide), Deep(wide), Block(wide))
        self.to8 = learned_up(wide, mid)
        self.body8 = blocks(mid, 2)
        self.norm8 = ChannelNorm(mid)
        self.to4 = learned_up(mid, thin)
        self.refine = nn.Conv2d(thin, thin, 3, padding=1)
        self.masks = nn.Conv2d(thin, 3, 1)
        self.quality = nn.Sequential(
            nn.Linear(2 * mid + 3, 64), nn.ReLU(), nn.Linear(64, 3)
        )
        nn.init.constant_(self.masks.bias, -2.5)

    def forward(
        self,
        image_embed: Tensor,
        high_res_feats_0: Tensor,
        high_res_feats_1: Tensor,
        point_coords: Tensor,
        point_labels: Tensor,
        mask_input: Tensor,
        has_mask_input: Tensor,
        owner: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return logits [B, 3, h, w] at stride 4 and predicted IoU [B, 3].

        Features have batch 1 and are shared by all objects; in training,
        ``owner`` [B] says which image of the batch each object lies in.
        """
        previous = mask_input.clamp(-32, 32)
        prompts = (point_coords + 0.5, point_labels, previous, has_mask_input)
        p16, p8 = self.maps16(*prompts), self.maps8(*prompts)
        f16, f8, f4 = self.project(
            image_embed, high_res_feats_1, high_res_feats_0, owner
        )
        scale16, scale8 = self.styles(p16, p8, f16, f8)
        x = self.body16(f16 * scale16 + self.prompt16(p16))
        x = self.body8(self.to8(x) + f8 * scale8 + self.prompt8(p8))
        x = self.norm8(x)
        seen = torch.tanh(previous / 4) * has_mask_input.view(-1, 1, 1, 1)
        fine = F.relu(self.to4(x) + f4 + self.prompt4(seen))
        logits = self.masks(F.relu(self.refine(fine)))
        return logits, self.rank(logits, x)

    def project(
        self, embed: Tensor, high1: Tensor, high0: Tensor, owner: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Features in the decoder's widths; once an image, then dealt to objects."""
        f16, f8, f4 = self.image16(embed), self.image8(high1), self.image4(high0)
        if owner is None:
            return f16, f8, f4
        dealt = [each.index_select(0, owner) for each in (f16, f8, f4)]
        return dealt[0], dealt[1], dealt[2]

    def styles(
        self, p16: Tensor, p8: Tensor, f16: Tensor, f8: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Channel gains from what lies under the clicks: their appearance."""
        positive, negative, box = 0, len(CLICK_REACH), 2 * len(CLICK_REACH)
        found = []
        for maps, features in ((p16, f16), (p8, f8)):
            wanted = maps[:, positive] + 0.1 * maps[:, box]
            weights = torch.stack([wanted, maps[:, negative]], 1)
            found.append(gather(weights, features).flatten(1))
        gains = 1 + self.style(torch.cat(found, 1))[:, :, None, None]
        return gains[:, : self.wide], gains[:, self.wide :]

    def rank(self, logits: Tensor, x: Tensor) -> Tensor:
        """Predict each candidate's IoU from its interior, its rim and its doubt."""
        inside = torch.sigmoid(F.avg_pool2d(logits.detach(), 2))
        doubt = inside * (1 - inside)
        area = inside.flatten(2).sum(2, keepdim=True)
        rim = doubt.flatten(2).sum(2, keepdim=True)
        facts = [
            gather(inside, x),
            gather(doubt, x),
            rim / (area + 1) * 4,
            torch.log(area + 1) / 8,
            torch.sqrt(rim + 1e-6) / 16,
        ]
        answers = self.quality(torch.cat(facts, 2))
        # Each candidate has its own output; a diagonal would lose its size in ONNX.
        own = (answers * torch.eye(3, device=answers.device)).sum(2)
        return torch.sigmoid(own)


class Starter(nn.Module):
    """Encoder and decoder, as trained together."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.decoder = Decoder()
