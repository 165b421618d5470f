"""onnxruntime, without its reports to its makers."""

from __future__ import annotations

import os
import sys
from types import ModuleType

SILENT = "ORT_DISABLE_TELEMETRY"


def onnxruntime() -> ModuleType:
    """Import onnxruntime, told to report nothing; none else does.

    Its official builds from 1.29 on report sessions, with the names of model files and
    a number of this machine, to a server of Microsoft, and keep a file of such reports
    in the user's cache. The variable must be there before the first import. Who has set
    it already has decided for themselves.
    """
    late = "onnxruntime" in sys.modules and SILENT not in os.environ
    os.environ.setdefault(SILENT, "1")
    import onnxruntime

    if late and hasattr(onnxruntime, "disable_telemetry_events"):
        onnxruntime.disable_telemetry_events()  # what can still be stopped
    module: ModuleType = onnxruntime
    return module
