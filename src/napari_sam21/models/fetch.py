"""Fetch a model of the table, because somebody asked for it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

from napari_sam21.core.errors import ModelError
from napari_sam21.core.runtime import Cancellation
from napari_sam21.models import home
from napari_sam21.models.bring import DiskError, disk_error, need_space
from napari_sam21.models.download import REMEDY, WrongBytes, download
from napari_sam21.models.install import Origin, Progress, install, no_progress
from napari_sam21.models.library import READY, state_of, unknown
from napari_sam21.models.publisher import explain
from napari_sam21.models.stream import SourceError
from napari_sam21.models.table import MODELS, ModelRow, Source

LOCK_SECONDS = 0.2
"""How often one looks whether another process is through."""


def fetch_model(
    name: str,
    *,
    progress: Progress = no_progress,
    cancel: Cancellation | None = None,
) -> Path:
    """Fetch a model of the table; the only function that uses the network.

    The archive comes under a temporary name, its SHA-256 is compared, the two files
    are checked and tried, and only then the model gets its name. What breaks off is
    continued the next time. If several processes fetch at once, one does and the
    others wait for it.

    Parameters
    ----------
    name : str
        A name of `MODELS`.
    progress : callable, optional
        Called with a step in words, the bytes done and all bytes (0: unknown).
    cancel : Cancellation, optional
        Stops from another thread.

    Returns
    -------
    Path
        Folder of the model. One that is there already is not fetched again.

    Raises
    ------
    ModelError
        If no source gives the model, or it cannot be kept; says what to do.
    Cancelled
        If ``cancel`` was called.

    Notes
    -----
    ``NAPARI_SAM21_HOME`` names the folder to keep models in, ``NAPARI_SAM21_MIRROR``
    an address that is asked first for files of the same names. Proxies are taken from
    the environment (``HTTPS_PROXY``, ``NO_PROXY``).

    Examples
    --------
    >>> import napari_sam21 as sam
    >>> folder = sam.fetch_model("sam2.1-tiny")  # doctest: +SKIP
    """
    row = MODELS.get(name)
    if row is None:
        raise unknown(name)
    cancel = cancel or Cancellation()
    state = state_of(name)
    if state.state == READY and state.folder is not None:
        return state.folder
    if not row.sources:
        raise ModelError(state.problem)
    downloads = _downloads_for(row)
    with _alone(downloads / f"{name}.lock", progress, cancel):
        state = state_of(name)  # another process may have fetched it meanwhile
        if state.state == READY and state.folder is not None:
            return state.folder
        with _room(downloads / name) as room:
            return _fetch(row, room, progress, cancel)


def sources_of(row: ModelRow) -> tuple[Source, ...]:
    """Return where a model is looked for, in order: the institute's mirror first.

    Raises
    ------
    ModelError
        If the mirror's address is none.
    """
    mirror = home.mirror()
    if mirror is None:
        return row.sources
    mirrored = (replace(s, url=mirror + s.file_name) for s in row.sources)
    return (*mirrored, *row.sources)


def _downloads_for(row: ModelRow) -> Path:
    """Find out before anything is fetched whether it can be kept."""
    need_space(home.writable_folder(), 2 * row.size)
    downloads = home.partial_folder()
    try:
        downloads.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(downloads, error, REMEDY) from error
    need_space(downloads, row.size, REMEDY)
    return downloads


def _fetch(row: ModelRow, room: Path, progress: Progress, cancel: Cancellation) -> Path:
    problems = []
    for source in sources_of(row):
        try:
            folder = _fetch_from(source, row, room, progress, cancel)
        except WrongBytes as error:
            problem = explain(source, error.found, cancel)
        except SourceError as error:
            problem = str(error)
        else:
            shutil.rmtree(room, ignore_errors=True)
            return folder
        problems.append(f"{source.shown_url}: {problem}")
    raise ModelError(_nothing_came(row, problems))


def _fetch_from(
    source: Source,
    row: ModelRow,
    room: Path,
    progress: Progress,
    cancel: Cancellation,
) -> Path:
    cancel.raise_if_wished()
    progress(f"Asking {source.host}", 0, source.size)
    archive = download(source, room, progress, cancel)
    cancel.raise_if_wished()
    url, digest = source.shown_url, source.sha256
    origin = Origin(row.name, row.title, row.licence, url, digest)
    try:
        return install([archive], origin, progress)
    except DiskError:
        raise  # the archive is whole, and stays for the next time
    except ModelError as error:
        # The right file, but this onnxruntime cannot use it; the next may be another.
        archive.unlink(missing_ok=True)
        raise SourceError(str(error)) from error


def _nothing_came(row: ModelRow, problems: list[str]) -> str:
    tried = "\n".join(f"- {problem}" for problem in problems)
    return (
        f"{row.title} could not be fetched:\n{tried}\n"
        "If this machine is offline, download one of these files elsewhere, bring it "
        "here, and import it: the dock's model menu, or napari-sam21 models import "
        "FILE. Behind a proxy set HTTPS_PROXY; for a mirror set "
        f"{home.MIRROR_VARIABLE}."
    )


@contextmanager
def _room(folder: Path) -> Iterator[Path]:
    """Make a folder for what comes; it stays if something can be continued."""
    try:
        folder.mkdir(exist_ok=True)
        for left in folder.glob("tmp*"):  # pooch's, in a process that was killed
            left.unlink()
    except OSError as error:
        raise disk_error(folder, error, REMEDY) from error
    try:
        yield folder
    finally:
        with suppress(OSError):  # something is in it
            folder.rmdir()


@contextmanager
def _alone(path: Path, progress: Progress, cancel: Cancellation) -> Iterator[None]:
    """Wait until no other process does the same."""
    lock = FileLock(path)
    while True:
        cancel.raise_if_wished()
        try:
            lock.acquire(timeout=LOCK_SECONDS)
            break
        except Timeout:
            progress("Waiting for another napari that fetches the model", 0, 0)
        except OSError as error:
            raise disk_error(path.parent, error, REMEDY) from error
    try:
        yield
    finally:
        lock.release()
