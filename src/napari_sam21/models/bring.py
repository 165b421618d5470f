"""Copy the files of a model, and no other, into a folder of ours."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePath, PurePosixPath
from typing import IO, Protocol

from napari_sam21.core.errors import ModelError
from napari_sam21.models.archive import (
    PARTS,
    SIZE_LIMIT,
    checked_members,
    is_archive,
    only,
    opened,
)
from napari_sam21.models.external import references

CONFIG = "config.json"
CONFIG_LIMIT = 1 << 20
CHUNK = 1 << 20


class Files(Protocol):
    """Files that a model may be among."""

    where: Path
    names: Sequence[PurePath]

    def open(self, name: PurePath) -> IO[bytes]:
        """Open one of the names, or a file beside one, for reading.

        Raises
        ------
        ModelError
            If it is not there, or is a link.
        """

    def has(self, name: PurePath) -> bool:
        """Whether `open` would find a file."""


class Packed:
    """The files of an archive, looked at before any is unpacked."""

    def __init__(self, archive: zipfile.ZipFile, path: Path) -> None:
        self.where = path
        self._archive = archive
        self._members = checked_members(archive, path)
        self.names: Sequence[PurePath] = list(self._members)

    def open(self, name: PurePath) -> IO[bytes]:
        """Open a member."""
        return self._archive.open(self._members[PurePosixPath(name)])

    def has(self, name: PurePath) -> bool:
        """Whether there is such a member."""
        return name in self._members


class Loose:
    """Files on the disk."""

    def __init__(self, paths: Sequence[Path], where: Path) -> None:
        self.where = where
        self.names: Sequence[PurePath] = paths

    def open(self, name: PurePath) -> IO[bytes]:
        """Open a file; what it links to is opened if the user named the link."""
        return Path(name).open("rb")

    def has(self, name: PurePath) -> bool:
        """Whether there is such a file, and no link: that could lead anywhere."""
        path = Path(name)
        return path.is_file() and not path.is_symlink()


@contextmanager
def files_at(paths: Sequence[Path]) -> Iterator[Files]:
    """Open what a user named: an archive, a folder, or the two ONNX files.

    Raises
    ------
    ModelError
        If it is none of these.
    """
    first = paths[0]
    for path in paths:
        if not path.exists():
            raise ModelError(f"{path} does not exist; name {WANTED}")
    if len(paths) == 2 and all(path.suffix == ".onnx" for path in paths):
        yield Loose(paths, first.parent)
    elif len(paths) == 1 and first.is_dir():
        yield Loose([each for each in sorted(first.iterdir()) if each.is_file()], first)
    elif len(paths) == 1 and is_archive(first):
        with opened(first) as archive:
            yield Packed(archive, first)
    else:
        there = " and ".join(map(str, paths))
        raise ModelError(f"{there} cannot be imported; name {WANTED}")


WANTED = (
    "a .dtmodel or .zip archive, a folder that holds encoder.onnx and decoder.onnx, or "
    "the two .onnx files"
)


def bring(files: Files, folder: Path) -> None:
    """Copy encoder, decoder, the weights they refer to, and ``config.json``.

    The two get the names of the card; weights in further files keep theirs, because
    the ONNX file refers to them.

    Raises
    ------
    ModelError
        If there is not exactly one of each, a reference leads elsewhere, the source is
        damaged, or the disk is full.
    """
    parts = {f"{part}.onnx": only(files.names, part, files.where) for part in PARTS}
    for name, member in parts.items():
        _copy(files, member, folder / name)
    for name, member in parts.items():
        for extra in _extras(files, member, folder / name):
            if not (folder / extra.name).exists():  # both may share one
                _copy(files, extra, folder / extra.name)
    config = next(iter(parts.values())).with_name(CONFIG)
    if files.has(config):
        _copy(files, config, folder / CONFIG, CONFIG_LIMIT)


def _extras(files: Files, member: PurePath, copied: Path) -> list[PurePath]:
    """The files that hold weights of a member, as far as they may be taken."""

    def has(name: str) -> bool:
        return name != CONFIG and files.has(member.with_name(name))

    where = f"{member.name} of {files.where}"
    return [member.with_name(name) for name in references(copied, where, has)]


def _copy(files: Files, name: PurePath, target: Path, limit: int = SIZE_LIMIT) -> None:
    with files.open(name) as source, _created(target) as file:
        while file.tell() <= limit and (chunk := source.read(CHUNK)):
            _write(file, chunk, target.parent)
        if file.tell() > limit:
            raise ModelError(
                f"{name} of {files.where} is larger than {limit:,} bytes; this is not "
                "a model"
            )


def _created(target: Path) -> IO[bytes]:
    try:
        return target.open("xb")
    except OSError as error:
        raise disk_error(target.parent, error) from error


def _write(file: IO[bytes], chunk: bytes, folder: Path) -> None:
    try:
        file.write(chunk)
        file.flush()
    except OSError as error:
        raise disk_error(folder, error) from error


def disk_error(folder: Path, error: OSError) -> ModelError:
    """Return the message for a file that could not be written."""
    return ModelError(
        f"cannot write to {folder} ({error.strerror}); free some space or set "
        "NAPARI_SAM21_HOME to another folder, then try again"
    )


def need_space(folder: Path, size: int) -> None:
    """Refuse to begin what the disk cannot hold.

    Raises
    ------
    ModelError
        Naming what is needed and what is free.
    """
    free = shutil.disk_usage(folder).free
    if free < size:
        raise ModelError(
            f"{folder} has {free / 1e6:,.0f} MB free, but {size / 1e6:,.0f} MB are "
            "needed; free some space or set NAPARI_SAM21_HOME to another folder"
        )
