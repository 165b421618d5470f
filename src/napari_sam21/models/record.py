"""What is known of a model that was put on this machine: ``model.json`` beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from napari_sam21.core.errors import ModelError

RECORD = "model.json"
FORMAT = 1


@dataclass(frozen=True)
class FileRecord:
    """Size in bytes and SHA-256 of one file."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Record:
    """Where a model comes from, and what its files were when they came.

    Attributes
    ----------
    name, title, licence : str
    source : str
        Address, or the name of the file that was imported.
    source_sha256 : str
        Digest of the archive; empty for a folder.
    contract : str
        ``"card"`` or ``"two-output"``.
    batches : bool
        Whether the decoder answers several objects in one run.
    added : str
        Date and time, ISO 8601, UTC.
    files : mapping of str to FileRecord
    """

    name: str
    title: str
    licence: str
    source: str
    source_sha256: str
    contract: str
    batches: bool
    added: str
    files: Mapping[str, FileRecord] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(each.size for each in self.files.values())


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_records(folder: Path) -> dict[str, FileRecord]:
    """Measure every file of a folder, but not the record itself."""
    return {
        path.name: FileRecord(path.stat().st_size, digest_of(path))
        for path in sorted(folder.iterdir())
        if path.name != RECORD
    }


def write_record(record: Record, folder: Path) -> None:
    """Write ``model.json`` into a folder."""
    text = json.dumps({"format": FORMAT, **asdict(record)}, indent=2) + "\n"
    (folder / RECORD).write_text(text, encoding="utf-8")


def read_record(folder: Path) -> Record:
    """Read ``model.json`` of a folder.

    Raises
    ------
    ModelError
        If it is missing, damaged, or of a later format.
    """
    path = folder / RECORD
    try:
        return _parse(json.loads(path.read_text(encoding="utf-8")))
    except _DAMAGE as error:
        raise ModelError(
            f"{path} cannot be read ({error!r}); fetch or import the model again"
        ) from error


_DAMAGE = (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""What reading JSON that anyone may have written leads to."""


def _parse(found: dict[str, Any]) -> Record:
    if found.pop("format") != FORMAT:
        raise ValueError("it was written by another version of napari-sam21")
    files = {name: FileRecord(**each) for name, each in found.pop("files").items()}
    record = Record(**found, files=files)
    _check_types(record)
    for each in files.values():
        _check_types(each)
    if missing := {"encoder.onnx", "decoder.onnx"} - set(files):
        raise ValueError(f"it does not list {', '.join(sorted(missing))}")
    return record


def _check_types(record: Record | FileRecord) -> None:
    for each in fields(record):
        value = getattr(record, each.name)
        kind = {"str": str, "int": int, "bool": bool}.get(str(each.type))
        if kind is not None and type(value) is not kind:
            raise TypeError(f"{each.name} is {value!r}, expected {each.type}")


def quick_problem(record: Record, folder: Path) -> str:
    """Say what is wrong with the files at a glance, by their sizes; or nothing."""
    for name, expected in record.files.items():
        try:
            size = (folder / name).stat().st_size
        except OSError:
            return f"{name} is missing"
        if size != expected.size:
            return f"{name} has {size:,} bytes, expected {expected.size:,}"
    return ""


def thorough_problem(record: Record, folder: Path) -> str:
    """Say what is wrong with the files, by their digests; or nothing."""
    problem = quick_problem(record, folder)
    for name, expected in record.files.items():
        if not problem and digest_of(folder / name) != expected.sha256:
            problem = f"{name} has changed since it came (its SHA-256 differs)"
    return problem
