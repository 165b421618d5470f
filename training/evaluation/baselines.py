"""What needs no network, by the name that ``--model`` takes."""

from __future__ import annotations

from training.evaluation.flooding import Flood
from training.evaluation.otsu import Watershed

BASELINES: dict[str, Watershed | Flood] = {"watershed": Watershed(), "flood": Flood()}
