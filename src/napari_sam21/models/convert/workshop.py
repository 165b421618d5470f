"""A folder that appears whole, or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from napari_sam21.core.errors import ModelError


@contextmanager
def new_folder(folder: Path, overwrite: bool = False) -> Iterator[Path]:
    """Give a temporary folder beside the final one, and rename it at the end.

    Whatever is raised within, a cancellation and Ctrl+C included, removes it again.

    Parameters
    ----------
    folder : Path
        The final name. An empty folder of that name may be there.
    overwrite : bool
        Replace what is there.

    Raises
    ------
    ModelError
        If the folder holds something already, or cannot be written.
    """
    check_free(folder, overwrite)
    temporary = folder.with_name(f".{folder.name}.partial-{uuid4().hex[:8]}")
    try:
        # mkdir heeds the umask; a folder of tempfile's would be the owner's alone.
        temporary.mkdir(parents=True)
        yield temporary
        _put_in_place(temporary, folder)
    except OSError as error:
        raise ModelError(
            f"{folder} cannot be written ({error.strerror or error}); choose a folder "
            "with enough free space in which you may write"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def check_free(folder: Path, overwrite: bool) -> None:
    """Refuse a folder that holds something.

    Raises
    ------
    ModelError
        Saying what to do instead.
    """
    if folder.exists() and not folder.is_dir():
        raise ModelError(f"{folder} is a file; name a folder that is to be made")
    if not overwrite and folder.is_dir() and any(folder.iterdir()):
        raise ModelError(
            f"{folder} is there and not empty; name another folder, or allow it to be "
            "overwritten"
        )


def _put_in_place(temporary: Path, folder: Path) -> None:
    """Rename; what was there is moved aside first, and deleted last."""
    aside = temporary.with_name(temporary.name + ".old")
    if folder.exists():
        folder.rename(aside)
    try:
        temporary.rename(folder)
    except OSError:
        if aside.exists():
            aside.rename(folder)
        raise
    shutil.rmtree(aside, ignore_errors=True)
