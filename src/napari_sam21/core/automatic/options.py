"""What counts as an object when nobody chose it: the official filters, adjustable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from napari_sam21.core.errors import PromptError
from napari_sam21.core.sam2 import Model

Progress = Callable[[int, int], object]
"""Called with how many points are done, and how many there are."""


@dataclass(frozen=True)
class Filters:
    """Grid and filters; the defaults are those of the official generator.

    Parameters
    ----------
    points_per_side : int
        Of the grid, over one region.
    min_score : float
        Predicted IoU that a candidate must exceed, 0 … 1.
    min_stability : float
        Share of the mask that must stay when the cut through the logits is moved from
        ``-offset`` to ``+offset``, 0 … 1.
    offset : float
        In logits.
    max_box_iou : float
        Of two candidates whose boxes overlap more, the one with the higher predicted
        IoU stays, 0 … 1.
    min_area : int
        In pixels of the plane.
    max_share : float
        Of the region that a candidate may cover, 0 … 1: the background is no object.
        The official generator has no such limit (1).

    Raises
    ------
    PromptError
        If a number is out of its range.

    Notes
    -----
    Source: ``SAM2AutomaticMaskGenerator``, facebookresearch/sam2 2b90b9f.
    """

    points_per_side: int = 32
    min_score: float = 0.8
    min_stability: float = 0.95
    offset: float = 1.0
    max_box_iou: float = 0.7
    min_area: int = 0
    max_share: float = 1.0

    def __post_init__(self) -> None:
        if self.points_per_side < 1:
            raise PromptError(
                f"points_per_side is {self.points_per_side}; give 1 or more (usual: 32)"
            )
        for name in ("min_score", "min_stability", "max_box_iou", "max_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise PromptError(
                    f"{name} is {getattr(self, name)}; give a number from 0 to 1"
                )
        for name in ("offset", "min_area"):
            if not getattr(self, name) >= 0:
                raise PromptError(f"{name} is {getattr(self, name)}; give 0 or more")


PRESETS: Mapping[str, Filters] = MappingProxyType(
    {"starter": Filters(min_score=0.6, min_stability=0.7, max_share=0.25)}
)
"""By the model's name, where the official filters do not fit: `starter` answers with
soft edges, and of its good masks of nuclei one in ten is as stable as .95."""


def filters_for(model: Model) -> Filters:
    """Return the filters that suit a model: its preset, else the official ones."""
    return PRESETS.get(model.name, Filters())
