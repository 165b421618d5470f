"""Objects carried from slice to slice, or from frame to frame."""

from napari_sam21.core.propagation.rules import Asking, Step, StopRules
from napari_sam21.core.propagation.sweep import propagate

__all__ = ["Asking", "Step", "StopRules", "propagate"]
