"""The starter network: a small promptable segmenter with the tensors of SAM 2.1.

The encoder is a pyramid of dense 3x3 residual blocks (strides 4 to 32) with a
top-down path. The decoder adds prompts to the features at strides 16 and 8,
where convolutions are cheap, and only refines at stride 4.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.maps import CLICK_REACH, PROMPT_CHANNELS, PromptMaps, gather
from training.quality import Quality


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
    """Residual block of two 3x3 convolutions; starts as the identity.

    In the encoder with a norm before them. In the decoder without: there the norms
    took a tenth of the time of every click.
    """

    def __init__(self, channels: int, normed: bool = True) -> None:
        super().__init__()
        self.norm = ChannelNorm(channels) if normed else nn.Identity()
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


def enlarge(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


class Encoder(nn.Module):
    """Image [b, 3, S, S] to features at strides 4, 8 and 16 (S = 1024 when used)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 7, stride=4, padding=3)
        self.stage4 = blocks(32, 1)
        self.stage8 = nn.Sequential(down(32, 64), blocks(64, 2))
        self.stage16 = nn.Sequential(down(64, 112), blocks(112, 4))
        self.stage32 = nn.Sequential(down(112, 160), blocks(160, 3))
        self.to16 = nn.Conv2d(160, 112, 1)
        self.merge16 = blocks(112, 2)
        self.to8 = nn.Conv2d(112, 64, 1)
        self.merge8 = blocks(64, 2)
        self.to4 = nn.Conv2d(64, 32, 1)
        self.merge4 = blocks(32, 2)
        self.out16 = nn.Sequential(ChannelNorm(112), nn.Conv2d(112, 256, 1))
        self.out8 = nn.Sequential(ChannelNorm(64), nn.Conv2d(64, 64, 1))
        self.out4 = nn.Sequential(ChannelNorm(32), nn.Conv2d(32, 32, 1))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x4 = self.stage4(self.stem(image))
        x8 = self.stage8(x4)
        x16 = self.stage16(x8)
        x32 = self.stage32(x16)
        x16 = self.merge16(x16 + enlarge(self.to16(x32)))
        x8 = self.merge8(x8 + enlarge(self.to8(x16)))
        x4 = self.merge4(x4 + enlarge(self.to4(x8)))
        return self.out4(x4), self.out8(x8), self.out16(x16)


class Deep(nn.Module):
    """A detour through half the resolution: large objects are reached from a click."""

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        narrow = nn.Conv2d(channels, inner, 3, stride=2, padding=1)
        self.inner = nn.Sequential(narrow, Block(inner, normed=False))
        self.back = nn.Conv2d(inner, channels, 1)
        nn.init.zeros_(self.back.weight)
        nn.init.zeros_(self.back.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + enlarge(self.back(self.inner(x)))


class Decoder(nn.Module):
    """Prompts and features to three candidate masks and their predicted IoU.

    The thinking happens at strides 16 and 32; stride 8 costs one block and stride 4
    one thin convolution, because every click pays for them.
    """

    def __init__(self, wide: int = 64, mid: int = 32, thin: int = 16) -> None:
        super().__init__()
        self.wide, self.mid, self.thin = wide, mid, thin
        self.maps8 = PromptMaps(8)
        self.image16 = nn.Conv2d(256, wide, 1)
        self.image8 = nn.Conv2d(64, mid, 1)
        self.prompt16 = nn.Conv2d(PROMPT_CHANNELS, wide, 3, padding=1)
        self.prompt8 = nn.Conv2d(PROMPT_CHANNELS, mid, 1)
        self.style = nn.Sequential(
            nn.Linear(2 * (wide + mid), 96),
            nn.ReLU(),
            nn.Linear(96, wide + mid + 3 * (32 - thin) + 1),
        )
        self.body16 = nn.Sequential(
            Block(wide, normed=False), Deep(wide, 64), Block(wide, normed=False)
        )
        self.to8 = nn.Conv2d(wide, mid, 1)
        self.body8 = Block(mid, normed=False)
        self.to4 = nn.Conv2d(mid, thin, 1)
        self.refine = nn.Conv2d(thin, thin, 3, padding=1)
        self.draw = nn.Conv2d(thin, 3, 1)
        self.quality = Quality(mid, wide)
        self.draw.bias.data = torch.tensor([-2.5, 1.0, 1.0])

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
        logits, facts = self.answer(
            image_embed,
            high_res_feats_0,
            high_res_feats_1,
            point_coords,
            point_labels,
            mask_input,
            has_mask_input,
            owner,
        )
        return logits, self.quality(facts)

    def answer(
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
        """Logits [B, 3, h, w] and the facts [B, 3, FACTS] that quality judges by."""
        previous = mask_input.clamp(-32, 32)
        p8 = self.maps8(point_coords + 0.5, point_labels, previous, has_mask_input)
        p16 = F.avg_pool2d(p8, 2)
        f16, f8, f4 = self.project(
            image_embed, high_res_feats_1, high_res_feats_0, owner
        )
        scale16, scale8, probe, doubtful = self.styles(p16, p8, f16, f8)
        x16 = self.body16(f16 * scale16 + self.prompt16(p16))
        x8 = enlarge(self.to8(x16)) + f8 * scale8 + self.prompt8(p8)
        x8 = self.body8(x8)
        fine = self.refine(F.relu(enlarge(self.to4(x8)) + f4[:, : self.thin]))
        like = torch.matmul(probe, f4[:, self.thin :].flatten(2))
        drawn = self.draw(F.relu(fine)) + like.unflatten(2, f4.shape[2:])
        logits = candidates(drawn, doubtful)
        given = (point_labels, p8)
        return logits, self.quality.facts(logits.detach(), x8, x16, *given)

    def project(
        self, embed: Tensor, high1: Tensor, high0: Tensor, owner: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Features in the decoder's widths; once an image, then dealt to objects."""
        f16, f8 = self.image16(embed), self.image8(high1)
        if owner is None:
            return f16, f8, high0
        dealt = [each.index_select(0, owner) for each in (f16, f8, high0)]
        return dealt[0], dealt[1], dealt[2]

    def styles(
        self, p16: Tensor, p8: Tensor, f16: Tensor, f8: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What the appearance under the clicks asks for.

        Channel gains at strides 16 and 8; for each candidate a vector [B, 3, 16]
        that the finest features are compared with; how ambiguous it is [B, 1, 1, 1].
        """
        positive, negative, box = 0, len(CLICK_REACH), 2 * len(CLICK_REACH)
        found = []
        for maps, features in ((p16, f16), (p8, f8)):
            wanted = maps[:, positive] + 0.1 * maps[:, box]
            weights = torch.stack([wanted, maps[:, negative]], 1)
            found.append(gather(weights, features).flatten(1))
        asked = self.style(torch.cat(found, 1))
        both = self.wide + self.mid
        gains = 1 + asked[:, :both, None, None]
        probe = asked[:, both:-1].unflatten(1, (3, -1)) / 4
        doubtful = torch.sigmoid(asked[:, -1:, None, None])
        return gains[:, : self.wide], gains[:, self.wide :], probe, doubtful


def candidates(drawn: Tensor, doubtful: Tensor) -> Tensor:
    """The likely object, a part of it and a whole around it: logits [B, 3, h, w].

    Where nothing is doubtful all three are the same.
    """
    likely = drawn[:, :1]
    # Softplus, spelled out: onnxruntime's own takes three times as long.
    apart = (drawn[:, 1:].float().clamp(max=30).exp() + 1).log() * doubtful
    return torch.cat([likely, likely - apart[:, :1], likely + apart[:, 1:]], 1)


class Starter(nn.Module):
    """Encoder and decoder, as trained together."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.decoder = Decoder()
