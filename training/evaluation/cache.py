"""What was measured, kept line by line, so that a run that was killed goes on."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LOG = logging.getLogger("training")
VERSION = 1
"""Raise it when a protocol of the same key measures something else."""


@dataclass(frozen=True)
class Entry:
    """What one protocol found on one image.

    Attributes
    ----------
    image : str
        Digest of the image and its labels.
    protocol : str
        Key of the protocol.
    found : dict
    """

    image: str
    protocol: str
    found: dict[str, Any]


class Cache:
    """A JSON lines file of one segmenter.

    Parameters
    ----------
    folder : Path
        Is made if it is missing.
    fingerprint : str
        Of the segmenter.
    """

    def __init__(self, folder: Path, fingerprint: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{fingerprint}-{VERSION}.jsonl"
        self._mend()

    def _mend(self) -> None:
        """End a line that a killed run left open: it must not spoil the next one."""
        held = self.path.read_bytes() if self.path.is_file() else b""
        if held and not held.endswith(b"\n"):
            self._append("\n")

    def _append(self, text: str) -> None:
        with self.path.open("a", encoding="utf-8") as handle:
            handle.write(text)

    def add(self, entry: Entry) -> None:
        """Keep what was found."""
        self._append(json.dumps(vars(entry), separators=(",", ":")) + "\n")

    def load(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Return everything found so far, by image and protocol."""
        return {(each.image, each.protocol): each.found for each in self._entries()}

    def _entries(self) -> Iterator[Entry]:
        if not self.path.is_file():
            return
        for number, line in enumerate(self.path.read_text("utf-8").splitlines(), 1):
            try:
                yield Entry(**json.loads(line))
            except (ValueError, TypeError):
                if line:
                    LOG.warning("%s:%d is damaged and left out", self.path, number)
