"""Every limit, in one table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType

DIGITS = MappingProxyType({"×": 2, "IoU": 4, "logit": 5, "mSA": 3, "3D IoU": 3, "s": 2})
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


SIZES = MappingProxyType(
    {
        "1k": "1k² uint16",
        "4k": "4k² uint16",
        "10k": "10k² uint16",
        "20k": "20k² uint16",
        "20k_zarr": "20k² multiscale zarr",
        "stack": "(50, 3, 2048, 2048) dask",
    }
)
"""Large images, as `benchmarks.growth` makes them."""

GROWING = MappingProxyType(
    {
        "ready": Limit("zoomed in → a click is answered at once", "ms"),
        "click": Limit("later click / the same at 1k²", "×", 1.5),
        "commit": Limit("commit / the same at 1k²", "×", 1.5),
        "settled": Limit("the same, and all it leaves to the event loop", "×", 1.5),
        "memory": Limit("peak memory over napari + bare session", "MB", 300.0),
        "loop": Limit("event loop p99 gap, at work − napari at rest", "ms", 15.0),
    }
)
"""What each of them is measured for."""

LIMITS = MappingProxyType(
    {
        "encode_grey": Limit("encode 1024² grey / bare encoder run", "×", 1.10),
        "encode_rgb": Limit("encode 1040×1388 RGB / bare encoder run", "×", 1.10),
        "opening": Limit("dock open → ready, embedding stored / bare load", "×", 1.2),
        "opening_whole": Limit("the same from before the dock is made", "ms"),
        "opening_first": Limit("the same the first time: it is encoded", "ms"),
        "click": Limit("mouse click → preview refreshed / bare decoder run", "×", 1.35),
        "click_unseen": Limit("the same, no masks under the mouse before", "×", 1.35),
        "click_added": Limit("the same, a point added by a call", "×", 2.0),
        "click_painting": Limit("the same while the canvas paints (software GL)", "×"),
        "paint": Limit("one paint of the canvas (software GL)", "ms"),
        "ahead": Limit("click while neighbours are embedded / at rest", "×", 2.0),
        "ahead_plan": Limit("click while a plan is carried out / at rest", "×"),
        "ahead_idle": Limit(
            "processor time at rest, neighbours done − off", "ms/s", 20
        ),
        "event_loop": Limit("event loop p99 gap, encoding − idle", "ms", 15.0),
        "event_loop_longest": Limit("event loop longest gap, encoding", "ms"),
        "commit": Limit("commit 512² into 10k² uint16 / data_setitem", "×", 2.0),
        "commit_settled": Limit("the same, and all it leaves to the event loop", "×"),
        "undo": Limit("undo of it / napari's own undo", "×"),
        "commit_256": Limit("commit 256² into 10k² uint16 / data_setitem", "×", 2.0),
        "commit_settled_256": Limit("the same, and all it leaves", "×"),
        "undo_256": Limit("undo of it / napari's own undo", "×"),
        "memory": Limit("peak memory, load + encode + decode / bare", "×", 1.3),
        "back_memory": Limit("slice revisited from memory / encoded", "×", 0.05),
        "back_disk": Limit("slice revisited from disk / encoded", "×", 0.15),
        "codec_float16": Limit("write and read as float16 / float32", "×"),
        "codec_float32_zlib": Limit("write and read as float32 + zlib / float32", "×"),
        "size_float16": Limit("size on disk, float16 / float32", "×"),
        "size_float32_zlib": Limit("size on disk, float32 + zlib / float32", "×"),
        "save_tiff": Limit("save 20k² labels, five levels / tifffile, one", "×", 2.0),
        "save_zarr": Limit("the same as OME-Zarr / tifffile, one", "×", 2.0),
        "save_tiff_memory": Limit("memory it takes beside the plane / plane", "×", 0.5),
        "save_zarr_memory": Limit("the same as OME-Zarr", "×", 0.5),
        "save_wrong": Limit("pixels that do not come back", "px", 0.0),
        **{
            f"{what}_{size}": replace(limit, title=f"{words}: {limit.title}")
            for size, words in SIZES.items()
            for what, limit in GROWING.items()
        },
        "big_commit": Limit("longest gap while a 4096² mask is committed", "ms", 100.0),
        "big_undo": Limit("pixels of it left after one undo", "px", 0.0),
        "small_regions": Limit("IoU@1 lost in a 4096² mosaic, regions", "IoU", 0.03),
        "small_squashed": Limit("the same, the mosaic squashed as a whole", "IoU"),
        "moves_held": Limit("10,000 moves: most the store held / budget", "%", 100.0),
        "moves_resident": Limit("10,000 moves: most resident / budget", "%", 105.0),
        "half_changed": Limit("masks that float16 on disk would change", "%"),
        "half_flips": Limit("pixels it would change in one mask, most", "px"),
        "half_iou": Limit("IoU of a mask with the exact one, least", "IoU"),
        "half_logits": Limit("error of its logits, most", "logit"),
        "everything": Limit("segment everything / points × bare decode", "×", 1.20),
        "everything_batches": Limit("bare decodes in batches / one by one", "×"),
        "everything_msa": Limit("segment everything, fluorescence sample", "mSA"),
        "everything_lost": Limit("labels overwritten by painting", "px", 0.0),
        "hover": Limit("time from answer to answer under the mouse / decode", "×", 1.3),
        "hover_drawing": Limit("the same with each mask drawn", "×"),
        "hover_painting": Limit("the same while the canvas paints (software GL)", "×"),
        "hover_loop": Limit("event loop p99 gap, hovering − idle", "ms", 15.0),
        "hover_loop_drawing": Limit("the same with each mask drawn", "ms"),
        "hover_loop_off": Limit("mouse moves, no masks under it − idle", "ms"),
        "hover_loop_painting": Limit("hovering and painting − idle", "ms"),
        "session_script": Limit("gestures an object, all of the script", "gestures"),
        "session": Limit("gestures for an object / by polygon", "×", 0.5),
        "session_stack": Limit("the same through a stack", "×", 0.2),
        "session_seconds": Limit("seconds for an object, nobody thinking", "s"),
        "session_stack_seconds": Limit("the same through a stack", "s"),
        "session_iou": Limit("IoU of these objects with the truth", "IoU"),
        "session_stack_iou": Limit("the same through a stack", "3D IoU"),
        "generated": Limit("generated stack, one click carried", "3D IoU"),
        "generated_otherwise": Limit(
            "the same with Asking.feedback switched", "3D IoU"
        ),
        "generated_copy": Limit("the mask copied through all slices", "3D IoU"),
        "generated_extent": Limit("copied through the true slices only", "3D IoU"),
        "generated_gain": Limit("copied through all − carried", "3D IoU", -0.10),
        "stardist": Limit("stardist's stack, one click carried", "3D IoU"),
        "stardist_otherwise": Limit("the same with Asking.feedback switched", "3D IoU"),
        "stardist_copy": Limit("the mask copied through all slices", "3D IoU"),
        "stardist_extent": Limit("copied through the true slices only", "3D IoU"),
        "stardist_gain": Limit("copied through all − carried", "3D IoU", -0.10),
    }
)
