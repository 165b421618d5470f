"""Click a cell, and the cell is a label: SAM 2.1 for napari, local and without torch.

The names below are the public interface; each is imported when it is first used, so
that ``import napari_sam21`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_sam21._version import __version__
    from napari_sam21.core.automatic.region import segment_everything
    from napari_sam21.core.cleaning import Cleaning, clean_mask, clean_objects
    from napari_sam21.core.crops import Crop
    from napari_sam21.core.embedding import Answer, Embedding
    from napari_sam21.core.errors import Sam21Error
    from napari_sam21.core.geometry import Region
    from napari_sam21.core.masks import mask_to_logits
    from napari_sam21.core.prompts import Prompts
    from napari_sam21.core.propagation.sweep import propagate
    from napari_sam21.core.runtime import Cancellation
    from napari_sam21.core.sam2 import Model
    from napari_sam21.models.fetch import fetch_model
    from napari_sam21.models.imports import import_model
    from napari_sam21.models.table import MODELS
    from napari_sam21.models.weights import load_model

_HOMES = {
    "__version__": "_version",
    "Answer": "core.embedding",
    "Cancellation": "core.runtime",
    "Cleaning": "core.cleaning",
    "Crop": "core.crops",
    "Embedding": "core.embedding",
    "MODELS": "models.table",
    "Model": "core.sam2",
    "Prompts": "core.prompts",
    "Region": "core.geometry",
    "Sam21Error": "core.errors",
    "clean_mask": "core.cleaning",
    "clean_objects": "core.cleaning",
    "fetch_model": "models.fetch",
    "import_model": "models.imports",
    "load_model": "models.weights",
    "mask_to_logits": "core.masks",
    "propagate": "core.propagation.sweep",
    "segment_everything": "core.automatic.region",
}

__all__ = [
    "MODELS",
    "Answer",
    "Cancellation",
    "Cleaning",
    "Crop",
    "Embedding",
    "Model",
    "Prompts",
    "Region",
    "Sam21Error",
    "__version__",
    "clean_mask",
    "clean_objects",
    "fetch_model",
    "import_model",
    "load_model",
    "mask_to_logits",
    "propagate",
    "segment_everything",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
