"""Files that appear complete or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_sam21.core.errors import FileError


@contextmanager
def replacing(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Give a place to write to; when the block ends well, it gets the name `path`.

    The place is beside the target, so that the last step is a rename. Whatever goes
    wrong, an earlier file of that name stays as it was.

    Parameters
    ----------
    path : pathlib.Path
        File or folder to make.
    overwrite : bool
        Whether one that is there may be replaced.

    Yields
    ------
    pathlib.Path
        A path that does not exist yet, with the suffixes of `path`.

    Raises
    ------
    FileError
        If `path` exists and may not be replaced, or the system refuses.
    """
    if path.exists() and not overwrite:
        raise FileError(
            f"{path} exists already; choose another name, or allow to overwrite it"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        room = Path(tempfile.mkdtemp(prefix=".saving-", dir=path.parent))
    except OSError as error:
        raise _refused(path, error) from error
    try:
        yield room / path.name
        _give_name(room, path)
    except OSError as error:
        raise _refused(path, error) from error
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _give_name(room: Path, path: Path) -> None:
    """Rename; a folder cannot be replaced in one step, so it steps aside."""
    if not path.is_dir():
        (room / path.name).replace(path)
        return
    aside = path.rename(room / "earlier")
    try:
        (room / path.name).rename(path)
    except OSError:
        aside.rename(path)
        raise


def _refused(path: Path, error: OSError) -> FileError:
    why = error.strerror or str(error)
    return FileError(f"cannot write {path} ({why}); choose another place, or make room")
