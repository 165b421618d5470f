"""The two files of a model, out of a folder or an archive, without unpacking."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

from napari_sam21.core.errors import ModelError

Name = TypeVar("Name", Path, PurePosixPath)

ARCHIVES = (".dtmodel", ".zip")

SIZE_LIMIT = 2 << 30
"""No single ONNX file is larger than 2 GiB: a larger member is no model."""


_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError)
"""What `zipfile` raises for damaged, encrypted or unknown contents."""


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
        If the path does not exist, or does not hold exactly one of each.
    """
    if path.is_dir():
        files = [item for item in sorted(path.iterdir()) if item.is_file()]
        parts = [_only(files, part, path) for part in ("encoder", "decoder")]
        return ModelFiles(path.name, *parts)
    if path.suffix.lower() in ARCHIVES and path.is_file():
        return _from_archive(path)
    problem = "is neither a folder nor a .dtmodel or .zip archive"
    raise ModelError(
        f"{path} {problem if path.exists() else 'does not exist'}; pass what holds "
        "encoder.onnx and decoder.onnx"
    )


def _from_archive(path: Path) -> ModelFiles:
    try:
        with zipfile.ZipFile(path) as archive:
            infos = {PurePosixPath(info.filename): info for info in archive.infolist()}
            members = [
                infos[_only(list(infos), part, path)] for part in ("encoder", "decoder")
            ]
            contents = [_read(archive, member, path) for member in members]
    except _UNREADABLE as error:
        raise ModelError(
            f"{path} is not a readable archive ({error}); fetch or copy it again"
        ) from error
    return ModelFiles(path.stem, *contents)


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> bytes:
    if member.file_size > SIZE_LIMIT:
        raise ModelError(
            f"{member.filename} in {path} would unpack to {member.file_size:,} bytes, "
            "more than an ONNX file can hold; this is not a model"
        )
    with archive.open(member) as stream:
        return stream.read(SIZE_LIMIT)


def _only(names: Sequence[Name], part: str, path: Path) -> Name:
    """The one file of a part, or an error that says what is there."""
    # macOS adds a "._" twin of every file to its archives.
    files = [name for name in names if not name.name.startswith("._")]
    found = [name for name in files if name.name.endswith(f"{part}.onnx")]
    if len(found) != 1:
        there = ", ".join(sorted(name.name for name in names)) or "nothing"
        raise ModelError(
            f"{path} holds {len(found)} files named …{part}.onnx, expected one; "
            f"it contains: {there}"
        )
    return found[0]
