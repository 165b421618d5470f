"""The table of models that can be had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class ModelRow:
    """One model.

    Attributes
    ----------
    name : str
        What `load_model` takes.
    title : str
        What people read in the model list.
    licence : str
        SPDX identifier of the weights.
    data : str
        What it was trained on.
    folder : str or None
        Folder inside the package, for a model that comes with it.
    """

    name: str
    title: str
    licence: str
    data: str
    folder: str | None = None


_ROWS = (
    ModelRow(
        name="starter",
        title="Starter (built in, not SAM)",
        licence="BSD-3-Clause",
        data="BBBC038v1 stage 1 training images, Broad Institute, CC0 1.0",
        folder="starter",
    ),
)

MODELS: Mapping[str, ModelRow] = MappingProxyType({row.name: row for row in _ROWS})
"""Models by name; read-only."""
