"""Which models are on this machine, in which state, and how they leave it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from napari_sam21.core.errors import ModelError
from napari_sam21.models import home
from napari_sam21.models.record import (
    RECORD,
    Record,
    quick_problem,
    read_record,
    thorough_problem,
)
from napari_sam21.models.table import MODELS

PACKAGE_FOLDER = Path(__file__).parent
READY, ABSENT, BROKEN = "ready", "absent", "broken"


@dataclass(frozen=True)
class ModelState:
    """One model, of the table or the user's own.

    Attributes
    ----------
    name, title, licence : str
    state : str
        ``"ready"``; ``"absent"``: can be fetched; ``"broken"``: see ``problem``.
    size : int
        Bytes on the disk, or to fetch.
    folder : Path or None
        Where it is.
    problem : str
        What is wrong with it, for people.
    own : bool
        Whether the user brought it; it is not in the table then.
    built_in : bool
        Whether it came with the package.
    """

    name: str
    title: str
    licence: str
    state: str
    size: int
    folder: Path | None = None
    problem: str = ""
    own: bool = False
    built_in: bool = False

    @property
    def ready(self) -> bool:
        """Whether it can be loaded now."""
        return self.state == READY


def states() -> tuple[ModelState, ...]:
    """Return the state of every model: those of the table, then the user's own."""
    found = []
    for name in (*MODELS, *own_names()):
        with suppress(ModelError):  # it was removed just now
            found.append(state_of(name))
    return tuple(found)


def state_of(name: str) -> ModelState:
    """Return the state of one model, at a glance: sizes are looked at, not contents.

    Raises
    ------
    ModelError
        If there is no such model.
    """
    row = MODELS.get(name)
    if row is not None and row.folder is not None:
        return _built_in(name)
    found = [_installed(name, folder) for folder in _folders_of(name)]
    if found:  # a damaged one in a shared folder does not hide one's own
        return next((state for state in found if state.ready), found[0])
    if row is None:
        raise unknown(name)
    return ModelState(name, row.title, row.licence, ABSENT, row.size)


def unknown(name: str) -> ModelError:
    """Return the error for a name that no model has."""
    there = ", ".join((*MODELS, *own_names()))
    return ModelError(
        f"there is no model named {name!r}; there are: {there}. For files of your own "
        "pass a pathlib.Path, or import them (napari-sam21 models import PATH)"
    )


def own_names() -> tuple[str, ...]:
    """Return the names of the models that the user brought, sorted."""
    found = {
        folder.name
        for parent in home.model_folders()
        for folder in _folders(parent)
        if folder.name not in MODELS
    }
    return tuple(sorted(found))


def _folders_of(name: str) -> list[Path]:
    """Folders of an installed model, in the order of the homes."""
    if home.NAME.fullmatch(name) is None:
        return []
    folders = [parent / name for parent in home.model_folders()]
    return [folder for folder in folders if _is_whole(folder)]


def _is_whole(folder: Path) -> bool:
    """Whether a folder holds a model: the record is written last."""
    return os.path.isfile(folder / RECORD)  # unlike Path's: no error without rights


def verify(name: str) -> str:
    """Compare every file of a model with what came; say what is wrong, or nothing.

    Raises
    ------
    ModelError
        If there is no such model, or it is not on this machine.
    """
    state = state_of(name)
    if state.folder is None:
        raise ModelError(f"model {name!r} is not on this machine")
    if state.built_in:
        return state.problem
    try:
        return thorough_problem(read_record(state.folder), state.folder)
    except ModelError as error:
        return str(error)
    except OSError as error:
        return f"{error.filename} cannot be read ({error.strerror})"


def remove(name: str) -> int:
    """Delete a model; returns how many bytes that frees.

    Raises
    ------
    ModelError
        If there is no such model, it came with the package, or the folder cannot be
        changed.
    """
    state = state_of(name)
    if state.built_in:
        raise ModelError(f"model {name!r} is part of napari-sam21 and stays")
    if state.folder is None:
        raise ModelError(f"model {name!r} is not on this machine")
    size = folder_size(state.folder)
    try:
        # Out of the list in one step, whatever happens to the files.
        shutil.rmtree(home.set_aside(state.folder))
    except OSError as error:
        raise ModelError(
            f"{state.folder} cannot be removed ({error.strerror}); it may be shared "
            "and read-only, or in use by a napari that is open"
        ) from error
    return size


def folder_size(folder: Path) -> int:
    """Return the bytes of all files of a folder and its folders."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _folders(parent: Path) -> Iterator[Path]:
    """Folders that hold a whole model."""
    try:
        found = sorted(parent.iterdir())
    except OSError:  # not there yet, or not to be read
        return
    named = (path for path in found if home.NAME.fullmatch(path.name))
    yield from filter(_is_whole, named)


def _built_in(name: str) -> ModelState:
    row = MODELS[name]
    folder = PACKAGE_FOLDER / str(row.folder)
    parts = [folder / f"{part}.onnx" for part in ("encoder", "decoder")]
    missing = [path.name for path in parts if not path.is_file()]
    problem = ""
    if missing:
        problem = (
            f"the files of model {name!r} are missing from {folder} "
            f"({', '.join(missing)}); install napari-sam21 again"
        )
    size = 0 if missing else sum(path.stat().st_size for path in parts)
    state = BROKEN if missing else READY
    return ModelState(
        name, row.title, row.licence, state, size, folder, problem, built_in=True
    )


def _installed(name: str, folder: Path) -> ModelState:
    row = MODELS.get(name)
    own = row is None
    try:
        record: Record = read_record(folder)
    except ModelError as error:
        title, licence = (name, "") if row is None else (row.title, row.licence)
        return ModelState(name, title, licence, BROKEN, 0, folder, str(error), own)
    problem = quick_problem(record, folder)
    if problem:
        advice = "import it again" if own else f"run: napari-sam21 setup {name}"
        problem = f"model {name!r} in {folder} is damaged: {problem}; {advice}"
    title = record.title if row is None else row.title
    state = BROKEN if problem else READY
    return ModelState(
        name, title, record.licence, state, record.size, folder, problem, own
    )
