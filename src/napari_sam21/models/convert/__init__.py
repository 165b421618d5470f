"""Any SAM 2.1 checkpoint to the two ONNX files that the plugin runs.

Needs the extra ``convert`` (torch, onnx) and the ``sam2`` package; none of them is
loaded before `convert` is called, and none is needed to run what it writes.
"""

from __future__ import annotations

from napari_sam21.models.convert.architectures import ARCHITECTURES
from napari_sam21.models.convert.converter import STEPS, convert
from napari_sam21.models.convert.report import ConversionReport, TensorError

__all__ = ["ARCHITECTURES", "STEPS", "ConversionReport", "TensorError", "convert"]
