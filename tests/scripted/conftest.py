"""The scripted session is with the benchmarks, which are in the repository alone."""

from __future__ import annotations

import pytest

pytest.importorskip("benchmarks.session", reason="not in the repository")
