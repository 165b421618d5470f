"""Where embeddings are kept: as the user chose in the dock, or by the environment.

The choice is a file in the user's own folder of settings; ``NAPARI_SAM21_CACHE`` wins.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from napari_sam21.core.disk_store import DiskStore
from napari_sam21.core.store import EmbeddingStore, MemoryStore
from napari_sam21.models import home

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Keeping:
    """What the user chose.

    Attributes
    ----------
    on_disk : bool
        Whether embeddings are kept on disk.
    folder : str
        In which ours is made; empty: the user's own cache.
    budget : int or None
        Bytes on disk at most; None: as `core.disk_store` has it.
    ahead : bool
        Whether neighbours are embedded while the user rests.
    """

    on_disk: bool = True
    folder: str = ""
    budget: int | None = None
    ahead: bool = True


def chosen() -> Keeping:
    """Return what the user chose; what cannot be read is as at first."""
    try:
        path = _path()
        found = {} if path is None else json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return Keeping()
    return _checked(found) if isinstance(found, dict) else Keeping()


def _checked(found: dict[str, Any]) -> Keeping:
    """Take what is of the right kind; somebody may have edited the file."""
    first, budget = Keeping(), found.get("budget")
    folder = found.get("folder")
    return Keeping(
        on_disk=found.get("on_disk", first.on_disk) is not False,
        folder=folder if isinstance(folder, str) else first.folder,
        budget=budget if isinstance(budget, int) and budget > 0 else first.budget,
        ahead=found.get("ahead", first.ahead) is not False,
    )


def remember(keeping: Keeping) -> None:
    """Keep the choice; not worth an error if that fails."""
    path = _path()
    if path is None:
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(json.dumps(vars(keeping)) + "\n", encoding="utf-8")
        part.replace(path)
    except OSError as error:
        LOG.info("the choice about embeddings is not remembered: %s", error)


def remember_ahead(wanted: bool) -> None:
    """Keep whether neighbours are embedded while the user rests."""
    remember(replace(chosen(), ahead=wanted))


def environment() -> str:
    """Return what ``NAPARI_SAM21_CACHE`` says; empty if it says nothing."""
    return os.environ.get(home.CACHE_VARIABLE, "").strip()


def embeddings_folder() -> Path:
    """Return the folder of embeddings: named by the environment, chosen, or our own.

    What is named may hold other things: ours lie in a folder in it.
    """
    named = environment()
    if named in ("", home.OFF):
        named = chosen().folder
    if not named:
        return home.own_cache() / "embeddings"
    return Path(named).expanduser().absolute() / "embeddings"


def embeddings_wanted() -> bool:
    """Whether embeddings are kept on disk."""
    named = environment()
    return named != home.OFF if named else chosen().on_disk


def disk_store() -> DiskStore | None:
    """Make the store on disk as it is wanted; None if it is not."""
    if not embeddings_wanted():
        return None
    return DiskStore(embeddings_folder(), chosen().budget)


def _path() -> Path | None:
    """Beside the record of the last model."""
    folder = home.settings_folder()
    return None if folder is None else folder / "embeddings.json"


@cache
def shared_store() -> EmbeddingStore:
    """Return the one store that all viewers of this process share.

    It keeps embeddings on disk as well, where the user has chosen.
    """
    store = EmbeddingStore(MemoryStore(), disk_store())
    atexit.register(store.close)
    return store
