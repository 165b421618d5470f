"""Every limit, in one table."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

DIGITS = MappingProxyType({"×": 2, "IoU": 4, "logit": 5, "mSA": 3, "3D IoU": 3})
"""Decimals of a value by its unit; 1 for others."""


@dataclass(frozen=True)
class Limit:
    """What a measured value may be at most.

    Attributes
    ----------
    title : str
        What is compared with what.
    unit : str
        Of the value: "×" for a ratio of medians, "ms" for a difference.
    most : float or None
        None: reported, not judged.
    """

    title: str
    unit: str
    most: float | None = None

    def keeps(self, value: float) -> bool | None:
        """Whether a value is within the limit; None if there is none."""
        return None if self.most is None else value <= self.most

    def text(self, value: float | None) -> str:
        """Write a value in this unit."""
        if value is None:
            return "–"
        digits = DIGITS.get(self.unit, 1)
        return f"{value:.{digits}f} {self.unit}"


LIMITS = MappingProxyType(
    {
        "encode_grey": Limit("encode 1024² grey / bare encoder run", "×", 1.10),
        "encode_rgb": Limit("encode 1040×1388 RGB / bare encoder run", "×", 1.10),
        "click": Limit("click → preview refreshed / bare decoder run", "×", 2.0),
        "click_painting": Limit("the same while the canvas paints (software GL)", "×"),
        "paint": Limit("one paint of the canvas (software GL)", "ms"),
        "event_loop": Limit("event loop p99 gap, encoding − idle", "ms", 15.0),
        "event_loop_longest": Limit("event loop longest gap, encoding", "ms"),
        "commit": Limit("commit 512² into 10k² uint16 / data_setitem", "×", 2.0),
        "commit_settled": Limit("the same, and all it leaves to the event loop", "×"),
        "memory": Limit("peak memory, load + encode + decode / bare", "×", 1.3),
        "back_memory": Limit("slice revisited from memory / encoded", "×", 0.05),
        "back_disk": Limit("slice revisited from disk / encoded", "×", 0.15),
        "codec_float16": Limit("write and read as float16 / float32", "×"),
        "codec_float32_zlib": Limit("write and read as float32 + zlib / float32", "×"),
        "size_float16": Limit("size on disk, float16 / float32", "×"),
        "size_float32_zlib": Limit("size on disk, float32 + zlib / float32", "×"),
        "half_changed": Limit("masks that float16 on disk would change", "%"),
        "half_flips": Limit("pixels it would change in one mask, most", "px"),
        "half_iou": Limit("IoU of a mask with the exact one, least", "IoU"),
        "half_logits": Limit("error of its logits, most", "logit"),
        "everything": Limit("segment everything / points × bare decode", "×", 1.20),
        "everything_batches": Limit("bare decodes in batches / one by one", "×"),
        "everything_msa": Limit("segment everything, fluorescence sample", "mSA"),
        "everything_lost": Limit("labels overwritten by painting", "px", 0.0),
        "generated": Limit("generated stack, one click carried", "3D IoU"),
        "generated_copy": Limit("the mask copied through all slices", "3D IoU"),
        "generated_extent": Limit("copied through the true slices only", "3D IoU"),
        "generated_gain": Limit("copied through all − carried", "3D IoU", -0.10),
        "stardist": Limit("stardist's stack, one click carried", "3D IoU"),
        "stardist_copy": Limit("the mask copied through all slices", "3D IoU"),
        "stardist_extent": Limit("copied through the true slices only", "3D IoU"),
        "stardist_gain": Limit("copied through all − carried", "3D IoU", -0.10),
    }
)
