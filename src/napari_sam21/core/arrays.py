"""What arrays of other libraries call otherwise than numpy."""

from __future__ import annotations

from typing import Any

import numpy as np


def dtype_of(array: Any) -> np.dtype[Any]:
    """Return an array's dtype as numpy has it; tensorstore has a kind of its own."""
    found: np.dtype[Any] = np.dtype(getattr(array.dtype, "numpy_dtype", array.dtype))
    return found
