"""How the user likes the dock: one small file in their own folder of settings.

``NAPARI_SAM21_SETTINGS`` names another folder, or is ``off``: then everything is as at
first, and nothing is remembered.
"""

from __future__ import annotations

import json
import logging
import os
import uuid
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from napari_sam21.models import home

LOG = logging.getLogger(__name__)
LARGEST = 1 << 16
"""Bytes of the file at most: a larger one is none of ours."""

MOST_THREADS = 256


@dataclass(frozen=True)
class Preferences:
    """What the user chose.

    Attributes
    ----------
    policy : str
        What becomes of labels that are there; a key of `layers.writing.POLICIES`.
    hover : bool
        Whether the mask of a click is shown under the mouse.
    journal : bool
        Whether sessions are written down; from the next napari on.
    threads : int
        Of the model, from its next loading on; 0: all cores.
    largest_piece, fill_holes : bool
        How masks are cleaned; see `core.cleaning`.
    knows_first_steps : bool
        Whether the user has made a label: the canvas says nothing any more.
    page : dict or None
        What napari's own page of preferences said last; see `control.page`.
    """

    policy: str = "keep"
    hover: bool = True
    journal: bool = True
    threads: int = 0
    largest_piece: bool = False
    fill_holes: bool = False
    knows_first_steps: bool = False
    page: dict[str, Any] | None = None


def chosen() -> Preferences:
    """Return what the user chose; what cannot be read is as at first."""
    path = _path()
    try:
        if path is None or path.stat().st_size > LARGEST:
            return Preferences()
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return Preferences()
    return checked(found) if isinstance(found, dict) else Preferences()


def checked(found: dict[str, Any]) -> Preferences:
    """Take what is of the right kind; somebody may have edited the file."""
    values = {
        each.name: found[each.name]
        for each in fields(Preferences)
        if each.name in found and _fits(each.name, found[each.name])
    }
    return Preferences(**values)


def _fits(name: str, value: Any) -> bool:
    if name == "threads":
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole and 0 <= value <= MOST_THREADS
    if name == "page":
        return isinstance(value, dict)
    return type(value) is type(getattr(Preferences(), name))


def remember(preferences: Preferences) -> None:
    """Keep the choice; not worth an error if that fails."""
    path = _path()
    if path is None:
        return
    # Several napari may write at once: each has a name of its own to do it.
    part = path.with_name(f"{path.stem}-{uuid.uuid4().hex[:8]}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(asdict(preferences), indent=2) + "\n"
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        LOG.info("the preferences are not remembered: %s", error)


def _path() -> Path | None:
    folder = home.settings_folder()
    return None if folder is None else folder / "preferences.json"
