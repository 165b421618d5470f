"""What the user wants a model to run on: the environment, else what the dock was told.

``NAPARI_SAM21_PROVIDER`` is ``automatic``, ``cpu``, or a provider such as ``openvino``
or ``openvino:gpu``; ``exact`` after a comma refuses what rounds: ``automatic,exact``.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_config_path

from napari_sam21.core.providers.way import CPU, EXACT, FAST, PRECISIONS
from napari_sam21.models.home import APP

LOG = logging.getLogger(__name__)

VARIABLE = "NAPARI_SAM21_PROVIDER"
AUTOMATIC = "automatic"


@dataclass(frozen=True)
class Wish:
    """What to run on.

    Attributes
    ----------
    runs_on : str
        `AUTOMATIC`, or what `Way.selects` understands.
    precision : str
        `FAST`: also what is not float32 throughout, where it passed its test.
    named : bool
        Whether the environment says so.
    """

    runs_on: str = AUTOMATIC
    precision: str = FAST
    named: bool = False

    @property
    def automatic(self) -> bool:
        """Whether the fastest is wanted."""
        return self.runs_on == AUTOMATIC

    @property
    def cpu(self) -> bool:
        """Whether the CPU provider is wanted."""
        return CPU.selects(self.runs_on)


def wished() -> Wish:
    """Return what the user wants; what cannot be read is as at first."""
    return _of_environment() or _of_settings()


def remember(wish: Wish) -> None:
    """Keep what the user chose in the dock; not worth an error if that fails."""
    path = _path()
    values = {"runs_on": wish.runs_on, "precision": wish.precision}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(values) + "\n", encoding="utf-8")
        part.replace(path)
    except OSError as error:
        LOG.info("the choice of a provider is not remembered: %s", error)


def _of_environment() -> Wish | None:
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return None
    runs_on, _, precision = (each.strip().lower() for each in text.partition(","))
    return Wish(runs_on or AUTOMATIC, EXACT if precision == EXACT else FAST, True)


def _of_settings() -> Wish:
    first = Wish()
    try:
        found = json.loads(_path().read_text(encoding="utf-8"))
        runs_on, precision = found["runs_on"], found["precision"]
    except (OSError, ValueError, KeyError, TypeError):
        return first
    known = isinstance(runs_on, str) and precision in PRECISIONS
    return Wish(runs_on, precision) if known else first


def _path() -> Path:
    """Beside the record of the last model."""
    return user_config_path(APP, appauthor=False) / "provider.json"
