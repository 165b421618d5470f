"""Which model was used last: one line in the user's own folder of settings."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from napari_sam21.models import home

LOG = logging.getLogger(__name__)
FIRST = "starter"


def last_model() -> str:
    """Return the name of the model that was used last; at first ``"starter"``."""
    try:
        path = _path()
        text = "{}" if path is None else path.read_text(encoding="utf-8")
        found = json.loads(text)["model"]
    except (OSError, ValueError, KeyError, TypeError):
        return FIRST
    return found if isinstance(found, str) else FIRST


def remember_model(name: str) -> None:
    """Keep the name of the model in use; not worth an error if that fails."""
    path = _path()
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(json.dumps({"model": name}) + "\n", encoding="utf-8")
        part.replace(path)
    except OSError as error:
        LOG.info("the choice of model is not remembered: %s", error)


def _path() -> Path | None:
    folder = home.settings_folder()
    return None if folder is None else folder / "settings.json"
