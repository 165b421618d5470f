"""Take over a model that somebody has as files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from napari_sam21.core.errors import ModelError
from napari_sam21.models.archive import files_of, is_archive
from napari_sam21.models.bring import WANTED, need_paths
from napari_sam21.models.home import check_name, writable_folder
from napari_sam21.models.install import Origin, Progress, install, no_progress
from napari_sam21.models.library import own_names, state_of
from napari_sam21.models.record import digest_of
from napari_sam21.models.table import MODELS, ModelRow, Source

FILES = ("encoder.onnx", "decoder.onnx")


def import_model(
    *paths: str | Path,
    name: str | None = None,
    replace: bool = False,
    progress: Progress = no_progress,
) -> str:
    """Copy a model from files; it is checked and tried before it is listed.

    An archive that the table knows by its digest becomes that model: so it can be
    carried to a machine without a network. Everything else becomes a model of the
    user's own.

    Parameters
    ----------
    *paths : str or Path
        A ``.dtmodel`` or ``.zip``, a folder, or the two ONNX files.
    name : str, optional
        What to call it; default: after the file or folder.
    replace : bool
        Whether a model of that name goes.
    progress : callable, optional
        Called with a step in words and two numbers.

    Returns
    -------
    str
        The name that `load_model` takes.

    Raises
    ------
    ModelError
        If the files are not what they should be, or the name is taken.
    """
    if not paths:
        raise ModelError(f"nothing was named to import; name {WANTED}")
    files = [Path(path) for path in paths]
    need_paths(files)
    progress("Reading", 0, 0)
    digest = _digest(files[0]) if len(files) == 1 and is_archive(files[0]) else ""
    known = _known(files, digest)
    if known is not None and name in (None, known[0].name):
        row, source = known
        origin = Origin(row.name, row.title, row.licence, source.url, digest)
    else:
        chosen = default_name(files) if name is None else check_name(name)
        chosen = _free_name(chosen, replace)
        origin = Origin(chosen, "", "", files[0].name, digest)
    install(files, origin, progress)
    return origin.name


def default_name(paths: Sequence[Path]) -> str:
    """Make a name of what is imported: ``My cells.zip`` becomes ``My-cells``.

    Two files are called after what their names have in common.
    """
    if len(paths) == 1:
        stem = paths[0].stem if paths[0].is_file() else paths[0].resolve().name
    else:
        stem = _common_start([path.name for path in paths])
        stem = stem or paths[0].resolve().parent.name
    cleaned = re.sub(r"[^A-Za-z0-9._+-]+", "-", stem).lstrip("-._+")[:64]
    cleaned = cleaned.rstrip("-._+")
    return check_name(cleaned or "model")


def _common_start(names: Sequence[str]) -> str:
    first, last = min(names), max(names)
    same = 0
    while same < min(len(first), len(last)) and first[same] == last[same]:
        same += 1
    return first[:same].strip("-._+")


def _known(paths: Sequence[Path], digest: str) -> tuple[ModelRow, Source] | None:
    """The model of the table that an archive is, or that unpacked files are."""
    loose = [] if digest else _parts(paths)
    for row in MODELS.values():
        for source in row.sources:
            if digest == source.sha256:
                return row, source
            if loose and source.files and loose == list(source.files.values()):
                return row, source
    return None


def _parts(paths: Sequence[Path]) -> list[str]:
    """Digests of encoder and decoder, if a folder or the files named hold one each."""
    files = files_of(paths[0]) if paths[0].is_dir() else paths
    found = [[each for each in files if each.name.endswith(part)] for part in FILES]
    if any(len(each) != 1 or not each[0].is_file() for each in found):
        return []
    return [_digest(each[0]) for each in found]


def _digest(path: Path) -> str:
    try:
        return digest_of(path)
    except OSError as error:
        raise ModelError(
            f"{path} cannot be read ({error.strerror}); check its permissions, or copy "
            "it again"
        ) from error


def _free_name(name: str, replace: bool) -> str:
    """Refuse a name that is taken; some systems do not tell capitals apart."""
    same = name.casefold()
    if same in (each.casefold() for each in MODELS):
        raise ModelError(
            f"{name!r} is the name of a model of the table, and these files are not "
            "the published ones; give them another name (--name)"
        )
    there = next((each for each in own_names() if each.casefold() == same), None)
    if there is None:
        return name
    if not replace:
        raise ModelError(
            f"there is a model named {there!r} already; give another name (--name), or "
            "ask for it to be replaced (--replace)"
        )
    folder = state_of(there).folder
    if folder is not None and folder.parent != writable_folder():
        raise ModelError(
            f"the model named {there!r} is in {folder.parent}, which cannot be "
            "written, and cannot be replaced; give another name (--name)"
        )
    return there
