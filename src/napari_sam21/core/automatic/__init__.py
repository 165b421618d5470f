"""Many objects without many clicks: a grid of points over a region, or over a plane."""

from napari_sam21.core.automatic.objects import Found, Objects
from napari_sam21.core.automatic.options import Filters
from napari_sam21.core.automatic.region import segment_everything, segment_points
from napari_sam21.core.automatic.seeds import (
    find_seeds,
    refine_crops,
    refine_labels,
)
from napari_sam21.core.automatic.tiles import segment_tiles

__all__ = [
    "Filters",
    "Found",
    "Objects",
    "find_seeds",
    "refine_crops",
    "refine_labels",
    "segment_everything",
    "segment_points",
    "segment_tiles",
]
