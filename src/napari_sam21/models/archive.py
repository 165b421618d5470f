"""The files of a model, out of a folder or an archive that may lie."""

from __future__ import annotations

import lzma
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath
from typing import TypeVar

from napari_sam21.core.errors import ModelError

Name = TypeVar("Name", bound=PurePath)

ARCHIVES = (".dtmodel", ".zip")
PARTS = ("encoder", "decoder")

SIZE_LIMIT = 2 << 30
"""No single ONNX file is larger than 2 GiB: a larger member is no model."""

BOMB_SIZE, BOMB_RATIO = 32 << 20, 50
"""Weights hardly compress: what unpacks to more than both of these is a bomb."""

NOISE = ("__MACOSX", ".DS_Store", "Thumbs.db")
"""What systems add to archives; passed over."""

_ENCRYPTED = 0x1
_UNREADABLE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError,
    UnicodeDecodeError, struct.error,
)  # fmt: skip
"""What `zipfile` raises for damaged or unknown contents."""


@dataclass(frozen=True)
class ModelFiles:
    """Where the two ONNX files are: paths, or contents when out of an archive."""

    name: str
    encoder: Path | bytes
    decoder: Path | bytes


def find_files(path: Path) -> ModelFiles:
    """Find encoder and decoder in a folder, a ``.dtmodel`` or a ``.zip``.

    Files are recognised by ``encoder.onnx`` and ``decoder.onnx`` as the end of their
    name, which covers ``sam2.1_hiera_tiny.encoder.onnx`` too.

    Raises
    ------
    ModelError
        If the path does not exist, does not hold exactly one of each, or is an archive
        that cannot be trusted.
    """
    if os.path.isdir(path):  # unlike Path's: no error, whatever the path is
        files = files_of(path)
        parts = [only(files, part, path) for part in PARTS]
        return ModelFiles(path.name, *parts)
    if is_archive(path):
        with opened(path) as archive:
            members = checked_members(archive, path)
            contents = [
                archive.read(members[only(list(members), part, path)]) for part in PARTS
            ]
        return ModelFiles(path.stem, *contents)
    problem = "does not exist"
    if os.path.exists(path):
        problem = "is neither a folder nor a .dtmodel or .zip archive"
    raise ModelError(f"{path} {problem}; pass what holds encoder.onnx and decoder.onnx")


def is_archive(path: Path) -> bool:
    """Whether a file's name is that of an archive."""
    return path.suffix.lower() in ARCHIVES and os.path.isfile(path)


def files_of(folder: Path) -> list[Path]:
    """Return the files of a folder, sorted.

    Raises
    ------
    ModelError
        If the folder cannot be read.
    """
    try:
        return sorted(path for path in folder.iterdir() if os.path.isfile(path))
    except OSError as error:
        raise ModelError(
            f"{folder} cannot be read ({error.strerror}); check its permissions"
        ) from error


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open an archive; whatever goes wrong with it is a `ModelError`."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except _UNREADABLE as error:
        raise ModelError(
            f"{path} is not a readable archive ({error}); fetch or copy it again"
        ) from error


def checked_members(
    archive: zipfile.ZipFile, path: Path
) -> dict[PurePosixPath, zipfile.ZipInfo]:
    """Return the files of an archive, none of which is what no model would hold.

    Raises
    ------
    ModelError
        If a member leads out of the archive, is a link, is encrypted, or is larger than
        a model can be; or if all of them together are.
    """
    members = {}
    for info in archive.infolist():
        problem = _problem_of(info)
        if problem:
            raise _refusal(f"{info.filename!r} in {path} {problem}")
        name = PurePosixPath(info.filename)
        noise = name.name.startswith("._") or any(each in NOISE for each in name.parts)
        if not (info.is_dir() or noise):
            members[name] = info
    problem = _bomb(
        path.stat().st_size, sum(info.file_size for info in archive.infolist())
    )
    if problem:
        raise _refusal(f"{path} {problem}")
    return members


def _refusal(problem: str) -> ModelError:
    return ModelError(
        f"{problem}. This is not a model as it is published: nothing was unpacked; get "
        "it from where it comes from again"
    )


def _problem_of(info: zipfile.ZipInfo) -> str:
    """What is wrong with a member; empty if nothing is."""
    # zipfile cuts names at a zero byte and turns this system's separators; look at
    # what was written.
    name = info.orig_filename
    if name.startswith(("/", "\\")) or PureWindowsPath(name).drive:
        return "is an absolute path"
    if "\\" in name or "\0" in name or ".." in PurePosixPath(name).parts:
        return "leads out of the archive"
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link" if kind == stat.S_IFLNK else "is no plain file"
    if info.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if info.file_size > SIZE_LIMIT:
        return (
            f"would unpack to {info.file_size:,} bytes, more than an ONNX file can hold"
        )
    return _bomb(info.compress_size, info.file_size)


def _bomb(packed: int, size: int) -> str:
    """What is wrong with sizes that no weights have; empty if nothing is."""
    if size <= max(BOMB_SIZE, BOMB_RATIO * packed):
        return ""
    return f"would unpack from {packed:,} to {size:,} bytes, which no weights do"


def only(names: Sequence[Name], part: str, path: Path) -> Name:
    """The one file of a part, or an error that says what is there."""
    # macOS adds a "._" twin of every file where it cannot keep attributes otherwise.
    files = [name for name in names if not name.name.startswith("._")]
    found = [name for name in files if name.name.endswith(f"{part}.onnx")]
    if len(found) != 1:
        there = ", ".join(sorted(name.name for name in names)) or "nothing"
        raise ModelError(
            f"{path} holds {len(found)} files named …{part}.onnx, expected one; "
            f"it contains: {there}"
        )
    return found[0]
