"""What the digest of a file was when it was last loaded: a guess, never an answer.

A large file takes as long to digest as to load. With a guess both can be done at once;
whoever guesses compares in the end.
"""

from __future__ import annotations

import json
import logging
import uuid
from pathlib import Path

from napari_sam21.models import home

LOG = logging.getLogger(__name__)

KEPT = 64
"""Files remembered at most; the longest unused go first."""


def guessed(path: Path) -> str:
    """Return the digest that a file had when it looked the same; empty if unknown."""
    try:
        size, changed, digest = _notes()[str(path.absolute())]
        stat = path.stat()
    except (OSError, KeyError, TypeError, ValueError):
        return ""
    same = (size, changed) == (stat.st_size, stat.st_mtime_ns)
    return digest if same and isinstance(digest, str) else ""


def note(found: dict[Path, str]) -> None:
    """Remember the digests of files; not worth an error if that fails."""
    target = _path()
    part = target.with_suffix(f".{uuid.uuid4().hex}.part")
    try:
        notes = _notes()
        for path, digest in found.items():
            stat, name = path.stat(), str(path.absolute())
            notes.pop(name, None)
            notes[name] = [stat.st_size, stat.st_mtime_ns, digest]
        target.parent.mkdir(parents=True, exist_ok=True)
        newest = dict(list(notes.items())[-KEPT:])
        part.write_text(json.dumps(newest) + "\n", encoding="utf-8")
        part.replace(target)
    except OSError as error:
        LOG.info("digests are not remembered: %s", error)


def _notes() -> dict[str, list[object]]:
    try:
        found = json.loads(_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _path() -> Path:
    return home.own_cache() / "digests.json"
