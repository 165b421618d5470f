"""Copy the files of a model, and no other, into a folder of ours."""

from __future__ import annotations

import os
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
    files_of,
    is_archive,
    only,
    opened,
)
from napari_sam21.models.external import is_there, references
from napari_sam21.models.home import HOME_VARIABLE
from napari_sam21.models.record import RECORD

CONFIG = "config.json"
CONFIG_LIMIT = 1 << 20
CHUNK = 1 << 20

REMEDY = f"free some space, or set {HOME_VARIABLE} to another folder"

OURS = (CONFIG, RECORD, *(f"{part}.onnx" for part in PARTS))
"""Ends of names that have a meaning here; weights in further files cannot have them."""


class DiskError(ModelError):
    """A file could not be written here; another source would not help."""


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
        return is_there(Path(name))


@contextmanager
def files_at(paths: Sequence[Path]) -> Iterator[Files]:
    """Open what a user named: an archive, a folder, or the two ONNX files.

    Raises
    ------
    ModelError
        If it is none of these.
    """
    first = paths[0]
    need_paths(paths)
    if len(paths) == 2 and all(path.suffix == ".onnx" for path in paths):
        yield Loose(paths, first.parent)
    elif len(paths) == 1 and first.is_dir():
        yield Loose(files_of(first), first)
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


def need_paths(paths: Sequence[Path]) -> None:
    """Refuse paths that lead to nothing.

    Raises
    ------
    ModelError
        Naming the first, and what could be named instead.
    """
    for path in paths:
        if not os.path.exists(path):  # unlike Path's: no error, whatever the path is
            raise ModelError(f"{path} does not exist; name {WANTED}")


def bring(files: Files, folder: Path) -> None:
    """Copy encoder, decoder, the weights they refer to, and ``config.json``.

    The two get the names of the card; weights in further files keep theirs, because
    the ONNX file refers to them.

    Raises
    ------
    ModelError
        If there is not exactly one of each, a reference leads elsewhere, or the source
        is damaged.
    DiskError
        If the disk is full.
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
        is_ours = name.casefold().endswith(OURS)
        return not is_ours and files.has(member.with_name(name))

    where = f"{member.name} of {files.where}"
    return [member.with_name(name) for name in references(copied, where, has)]


def _copy(files: Files, name: PurePath, target: Path, limit: int = SIZE_LIMIT) -> None:
    size = 0
    with _source(files, name) as source, _created(target) as file:
        while chunk := source.read(CHUNK):
            size += len(chunk)
            if size > limit:
                raise ModelError(
                    f"{name} of {files.where} is larger than {limit:,} bytes; this is "
                    "not a model"
                )
            write(file, chunk, target.parent)


@contextmanager
def _source(files: Files, name: PurePath) -> Iterator[IO[bytes]]:
    """Open a file; a stick that is pulled out is no bug of ours."""
    try:
        with files.open(name) as source:
            yield source
    except OSError as error:
        raise ModelError(
            f"{name} of {files.where} cannot be read ({error.strerror or error}); "
            "check its permissions, or copy it again"
        ) from error


def _created(target: Path) -> IO[bytes]:
    try:
        return target.open("xb", buffering=0)
    except OSError as error:
        raise disk_error(target.parent, error) from error


def write(file: IO[bytes], chunk: bytes, folder: Path, remedy: str = REMEDY) -> None:
    """Write to an unbuffered file: an error comes here, and not when it is closed.

    Raises
    ------
    DiskError
        If the disk is full, or gone.
    """
    rest = memoryview(chunk)
    try:
        while rest:
            rest = rest[file.write(rest) :]
    except OSError as error:
        raise disk_error(folder, error, remedy) from error


def disk_error(folder: Path, error: OSError, remedy: str = REMEDY) -> DiskError:
    """Return the error for a file that could not be written."""
    problem = error.strerror or error
    return DiskError(f"cannot write to {folder} ({problem}); {remedy}, then try again")


def need_space(folder: Path, size: int, remedy: str = REMEDY) -> None:
    """Refuse to begin what the disk cannot hold.

    Raises
    ------
    DiskError
        Naming what is needed and what is free.
    """
    usage = shutil.disk_usage(folder)
    if usage.total and usage.free < size:  # some network drives say 0 of 0
        raise DiskError(
            f"{folder} has {usage.free / 1e6:,.0f} MB free, but {size / 1e6:,.0f} MB "
            f"are needed; {remedy}"
        )
