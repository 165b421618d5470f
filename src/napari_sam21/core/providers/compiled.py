"""Graphs as onnxruntime would run them, kept on disk so that loading is quick.

The CPU's optimised graph loads two to ten times as fast as the file it was made from; a
plugin's compiled one (EPContext) about twice. Each is kept under a digest of the file
it was made from, of the versions and of the way it runs, and its own digest is in its
name: what is damaged is not loaded, and made again.
"""

from __future__ import annotations

import hashlib
import logging
import os
import platform
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_sam21.core.errors import ModelError, ProviderError
from napari_sam21.core.providers.library import onnxruntime
from napari_sam21.core.providers.sessions import (
    open_session,
    session_options,
    version_of,
)
from napari_sam21.core.providers.way import CPU, Way

LOG = logging.getLogger(__name__)

DEFAULT_BUDGET = 2 << 30
"""Bytes kept at most: some ten models of the size of SAM 2.1 tiny."""

FORMAT = 1


@dataclass(frozen=True)
class Compiled:
    """A folder of graphs that were compiled.

    Attributes
    ----------
    folder : Path
        Ours alone; made when something is kept.
    budget : int
        Bytes kept at most; the longest unused go first.
    keeps : bool
        False if the digest is a guess: nothing may be kept under it.
    threads : int
        Of a run; see `session_options`.
    """

    folder: Path
    budget: int = DEFAULT_BUDGET
    keeps: bool = True
    threads: int = 0

    def open(self, source: Path | bytes, digest: str, where: str, way: Way) -> Any:
        """Open a graph, from what was compiled if it is there, else compile it.

        Parameters
        ----------
        source, where, way
            As for `open_session`.
        digest : str
            Of the source.

        Raises
        ------
        ModelError, ProviderError
            As `open_session`. What is wrong with this folder is no error.
        """
        if not _keeps(way):
            return open_session(source, where, way, self._options(way))
        name = name_of(digest, way)
        for kept in self.folder.glob(f"{name}.*.onnx"):
            # Both read the file, and neither waits for the other.
            with ThreadPoolExecutor(1) as pool:
                sound = pool.submit(_is_sound, kept)
                session = self._opened(kept, where, way)
            if session is not None and sound.result():
                return session
        if not self.keeps:
            return open_session(source, where, way, self._options(way))
        return self._compile(source, name, where, way)

    def _options(self, way: Way) -> Any:
        return session_options(way, self.threads)

    def has(self, digest: str) -> bool:
        """Whether the CPU's graph of a file is kept: then it is all of the model."""
        return any(self.folder.glob(f"{name_of(digest, CPU)}.*.onnx"))

    def _opened(self, kept: Path, where: str, way: Way) -> Any:
        ort = onnxruntime()

        options = self._options(way)
        if way.provider == CPU.provider:
            level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
            options.graph_optimization_level = level
        try:
            return open_session(kept, where, way, options)
        except (ModelError, ProviderError) as error:
            LOG.info("a compiled graph is made again: %s", error)
            return None

    def _compile(self, source: Path | bytes, name: str, where: str, way: Way) -> Any:
        """Open a graph as it is, and keep what that made of it."""
        part = self.folder / f"{uuid.uuid4().hex}.part"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            LOG.info("compiled graphs are not kept: %s", error)
            return open_session(source, where, way, self._options(way))
        options = self._options(way)
        _ask_for(part, way, options)
        try:
            session = open_session(source, where, way, options)
        except (ModelError, ProviderError):
            # It may be the writing that failed: a full disk is no fault of the model.
            part.unlink(missing_ok=True)
            return open_session(source, where, way, self._options(way))
        self._keep(part, name)
        return session

    def _keep(self, part: Path, name: str) -> None:
        try:
            if part.is_file():
                with part.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                for other in self.folder.glob(f"{name}.*.onnx"):
                    other.unlink(missing_ok=True)
                part.replace(self.folder / f"{name}.{digest}.onnx")
            self._make_room()
        except OSError as error:
            LOG.info("a compiled graph is not kept: %s", error)

    def _make_room(self) -> None:
        """Delete the longest unused, and what was never completed."""
        held = [(path.stat(), path) for path in self.folder.glob("*.*")]
        newest_first = sorted(held, key=lambda each: -each[0].st_mtime)
        total = 0
        for stat, path in newest_first:
            total += stat.st_size
            if total > self.budget:
                path.unlink(missing_ok=True)


def _is_sound(path: Path) -> bool:
    """Whether a file is as it was written; counts as a use."""
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.utime(path)
    except OSError as error:
        LOG.info("a compiled graph is not read: %s", error)
        return False
    return path.name.split(".")[1] == digest


def name_of(digest: str, way: Way) -> str:
    """Return what a compiled graph is kept under: all that it was made from and for."""
    facts = (
        FORMAT, digest, version_of(way), way, platform.machine(), *processor_facts(),
    )  # fmt: skip
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:32]


def processor_facts() -> tuple[str, ...]:
    """Tell processors apart: an optimised graph holds what this one can do."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return (platform.processor(),)
    wanted = ("model name", "flags", "Features", "CPU part")
    return tuple(sorted({line for line in lines if line.startswith(wanted)}))


def _keeps(way: Way) -> bool:
    """Whether a way has a form that can be kept; others have caches of their own."""
    return way.provider == CPU.provider or bool(way.plugin)


def _ask_for(part: Path, way: Way, options: Any) -> None:
    if way.provider == CPU.provider:
        options.optimized_model_filepath = str(part)
        return
    entries: dict[str, str] = {
        "ep.context_enable": "1",
        "ep.context_embed_mode": "1",
        "ep.context_file_path": str(part),
    }
    add: Callable[[str, str], object] = options.add_session_config_entry
    for name, value in entries.items():
        add(name, value)
