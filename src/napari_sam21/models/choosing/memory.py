"""What was found out, per machine, model and versions; and a guard against crashes.

A file for each, in the user's cache: what is there can be found out again. A provider
that passed its test could still end napari when it is loaded there: so a note says that
it is being loaded, and is taken away when that went well. A note that is there without
its process means that it did not, and the provider is set aside.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from napari_sam21.core.errors import ProviderError
from napari_sam21.core.providers.compiled import processor_facts
from napari_sam21.core.providers.sessions import threads, versions
from napari_sam21.models import home
from napari_sam21.models.choosing.result import (
    Findings,
    Pair,
    Trial,
    pair_from,
    trial_from,
)

LOG = logging.getLogger(__name__)

FORMAT = 1
KEPT = 64
"""Files at most; the longest unchanged go first."""

_CHANGING = threading.Lock()

CRASHED = "napari ended while it was being loaded"


@dataclass(frozen=True)
class Memory:
    """The findings about one model on this machine, as it is now.

    Parameters
    ----------
    encoder, decoder : str
        Digests of the two files.
    """

    encoder: str
    decoder: str

    @property
    def path(self) -> Path:
        """The file: its name is a digest of all that the findings depend on."""
        facts = {
            "format": FORMAT,
            "machine": machine(),
            "versions": versions(),
            "model": [self.encoder, self.decoder],
        }
        text = json.dumps(facts, sort_keys=True)
        return folder() / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}.json"

    def recall(self) -> Findings:
        """Return what is known; nothing if it cannot be read."""
        path = self.path
        findings = _read(path)
        for note in path.parent.glob(f"{path.stem}.*.loading"):
            findings = _after_crash(note, findings)
        return findings

    def keep(self, findings: Findings) -> None:
        """Keep what is known, in place of what was; no error if that fails."""
        values = {
            "trials": [trial.as_dict() for trial in findings.trials],
            "faults": list(findings.faults),
            "complete": findings.complete,
        }
        path = self.path
        part = path.with_suffix(f".{uuid.uuid4().hex}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps(values) + "\n", encoding="utf-8")
            part.replace(path)
            _make_room(path.parent)
        except OSError as error:
            LOG.info("how a model runs is not remembered: %s", error)

    def forget(self) -> None:
        """Forget what is known, crashes too: it will be found out anew."""
        path = self.path
        for each in (path, *path.parent.glob(f"{path.stem}.*.loading")):
            with suppress(OSError):
                each.unlink(missing_ok=True)

    def set_aside(self, pair: Pair, why: str) -> None:
        """Let a pair, and each of its parts, serve no more."""
        with _CHANGING:
            self.keep(_without(self.recall(), pair, why))

    @contextmanager
    def guarding(self, pair: Pair) -> Iterator[None]:
        """Note that a pair is being loaded, until that went well."""
        note = self._note(pair) if pair != Pair() else None
        try:
            yield
        finally:
            if note is not None:
                with suppress(OSError):
                    note.unlink(missing_ok=True)

    def _note(self, pair: Pair) -> Path | None:
        path = self.path
        note = path.with_suffix(f".{uuid.uuid4().hex}.loading")
        born = psutil.Process().create_time()
        values = {"process": os.getpid(), "born": born, "pair": pair.as_dict()}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            note.write_text(json.dumps(values), encoding="utf-8")
        except OSError as error:
            LOG.info("that a provider is loaded is not noted: %s", error)
            return None
        return note


def folder() -> Path:
    """Return the folder of what was found out."""
    return home.own_cache() / "providers"


def machine() -> list[str]:
    """Tell machines apart that share a home: by name, processor and usable cores."""
    return [platform.node(), platform.machine(), *processor_facts(), str(threads())]


def _read(path: Path) -> Findings:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        trials = tuple(trial_from(each) for each in found["trials"])
        faults = tuple((str(name), str(why)) for name, why in found["faults"])
        return Findings(trials, faults, found["complete"] is True)
    except (OSError, ValueError, KeyError, TypeError, ProviderError) as error:
        if not isinstance(error, FileNotFoundError):
            LOG.info("how a model runs is found out anew: %s", error)
        return Findings()


def _after_crash(note: Path, findings: Findings) -> Findings:
    """Set aside what a note names, if its process is gone."""
    try:
        found = json.loads(note.read_text(encoding="utf-8"))
        if _is_alive(found):
            return findings
        pair = pair_from(found["pair"])
        return _without(findings, pair, CRASHED)
    except (OSError, ValueError, KeyError, TypeError, ProviderError):
        return findings


def _is_alive(found: dict[str, Any]) -> bool:
    try:
        return bool(psutil.Process(found["process"]).create_time() == found["born"])
    except psutil.Error:
        return False


def _without(findings: Findings, pair: Pair, why: str) -> Findings:
    for each in (pair, Pair(encoder=pair.encoder), Pair(decoder=pair.decoder)):
        if each != Pair():
            findings = findings.with_trial(Trial(each, why))
    return findings


def _make_room(where: Path) -> None:
    files = sorted(where.glob("*.json"), key=lambda path: -path.stat().st_mtime)
    for path in files[KEPT:]:
        path.unlink(missing_ok=True)
