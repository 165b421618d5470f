"""What this package keeps on a machine besides itself, and how it goes."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from napari_sam21.core.disk_store import DiskStore
from napari_sam21.core.errors import ModelError
from napari_sam21.models import home, keeping
from napari_sam21.models.choosing import memory
from napari_sam21.models.library import folder_size, states
from napari_sam21.models.parts import compiled_folder

BUSY_SECONDS = 120.0
"""What changed so lately is left alone: it may be a download that runs."""


@dataclass(frozen=True)
class Leftover:
    """Something that can be deleted: what it is, where, its bytes, and how it goes."""

    what: str
    path: Path
    size: int
    remove: Callable[[Path], object] = shutil.rmtree


def leftovers() -> list[Leftover]:
    """List what can be had again: downloads that broke off, and embeddings."""
    found = [("downloads that are not complete", home.partial_folder())]
    for parent in home.model_folders():
        staged = sorted(parent.glob(f"{home.STAGED}*")) if parent.is_dir() else []
        found += [("a model that was not completed", path) for path in staged]
    listed = [Leftover(what, path, folder_size(path)) for what, path in found]
    left = [each for each in listed if each.size and not _is_recent(each.path)]
    return [*left, *_compiled(), *_embeddings()]


def _compiled() -> list[Leftover]:
    """Graphs as they are loaded quickly, and how models run on this machine."""
    found = (
        ("compiled models", compiled_folder()),
        ("what was found out about providers", memory.folder()),
    )
    sizes = [(what, path, folder_size(path)) for what, path in found]
    return [Leftover(*each) for each in sizes if each[2]]


def _embeddings() -> list[Leftover]:
    """Embeddings, however recent: a napari that is open bears it, and goes on."""
    folder = keeping.embeddings_folder()
    size = DiskStore(folder).nbytes
    # The folder is one that the user may have named: only our files in it go.
    kept = Leftover("embeddings", folder, size, lambda path: DiskStore(path).clear())
    return [kept] if size else []


def _is_recent(path: Path) -> bool:
    """Whether a process may still be at it."""
    newest = max(each.stat().st_mtime for each in (path, *path.rglob("*")))
    return time.time() - newest < BUSY_SECONDS


def own_models() -> list[Leftover]:
    """List the models that were fetched or imported."""
    return [
        Leftover(f"model {state.name}", state.folder, folder_size(state.folder))
        for state in states()
        if state.folder is not None and not state.built_in
    ]


def remove_all(found: Iterable[Leftover]) -> None:
    """Delete what was listed.

    Raises
    ------
    ModelError
        Naming what could not be deleted; the rest is gone.
    """
    problems = []
    for each in found:
        try:
            each.remove(each.path)
        except OSError as error:
            problems.append(f"{each.path} ({error.strerror})")
    if problems:
        raise ModelError(
            f"could not be deleted: {', '.join(problems)}; it may be read-only, or in "
            "use by a napari that is open"
        )
