"""Take over a model that somebody has as files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from napari_sam21.core.errors import ModelError
from napari_sam21.models.archive import is_archive
from napari_sam21.models.home import check_name
from napari_sam21.models.install import Origin, Progress, install, no_progress
from napari_sam21.models.library import own_names
from napari_sam21.models.record import digest_of
from napari_sam21.models.table import MODELS, ModelRow, Source

FILES = ("encoder.onnx", "decoder.onnx")


def import_model(
    *paths: Path,
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
    *paths : Path
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
        raise ModelError("name the files to import")
    progress("Reading", 0, 0)
    digest = digest_of(paths[0]) if len(paths) == 1 and is_archive(paths[0]) else ""
    known = _known(paths, digest)
    if known is not None and name in (None, known[0].name):
        row, source = known
        install(
            paths,
            Origin(row.name, row.title, row.licence, source.url, digest),
            progress,
        )
        return row.name
    chosen = check_name(name) if name else default_name(paths)
    _check_free(chosen, replace)
    install(paths, Origin(chosen, "", "", paths[0].name, digest), progress)
    return chosen


def default_name(paths: Sequence[Path]) -> str:
    """Make a name of what is imported: ``My cells.zip`` becomes ``My-cells``.

    Two files are called after what their names have in common.
    """
    if len(paths) == 1:
        stem = paths[0].stem if paths[0].is_file() else paths[0].resolve().name
    else:
        stem = _common_start([path.name for path in paths])
        stem = stem or paths[0].resolve().parent.name
    cleaned = re.sub(r"[^A-Za-z0-9._+-]+", "-", stem).strip("-._+")[:64]
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
    files = sorted(paths[0].iterdir()) if paths[0].is_dir() else paths
    found = [[each for each in files if each.name.endswith(part)] for part in FILES]
    if any(len(each) != 1 or not each[0].is_file() for each in found):
        return []
    return [digest_of(each[0]) for each in found]


def _check_free(name: str, replace: bool) -> None:
    if name in MODELS:
        raise ModelError(
            f"{name!r} is the name of a model of the table, and these files are not "
            "the published ones; give them another name (--name)"
        )
    if name in own_names() and not replace:
        raise ModelError(
            f"there is a model named {name!r} already; give another name (--name), or "
            "ask for it to be replaced (--replace)"
        )
