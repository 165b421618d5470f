"""What is written down about a conversion, in the ONNX files and in config.json."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from napari_sam21.models.convert.architectures import Architecture, published_as
from napari_sam21.models.convert.checkpoint import Checkpoint
from napari_sam21.models.convert.report import WrittenFile

META_LICENCE = "Apache-2.0"
"""Of Meta's own checkpoints."""

CONFIG = "config.json"


@dataclass(frozen=True)
class Facts:
    """What is known of the model that is converted.

    Attributes
    ----------
    name : str
        What people call it.
    architecture : Architecture
    source : str
        File name of the checkpoint.
    source_sha256 : str
    licence : str or None
        None: not stated.
    objects, fourth_token : bool
        What the decoder can do beyond the card.
    created : str
        Date and time, UTC, ISO 8601.
    versions : mapping of str to str
        Of the packages that took part.
    """

    name: str
    architecture: Architecture
    source: str
    source_sha256: str
    licence: str | None
    objects: bool
    fourth_token: bool
    created: str
    versions: Mapping[str, str]

    @property
    def identifier(self) -> str:
        """Identifier as darktable's model list forms them."""
        slug = re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")
        return f"mask-object-{slug or self.architecture.name}"

    @property
    def description(self) -> str:
        """One sentence for a model list."""
        return (
            f"{self.architecture.title}, converted from {self.source} by napari-sam21"
        )


def gather(
    checkpoint: Checkpoint,
    architecture: Architecture,
    versions: Mapping[str, str],
    *,
    name: str | None,
    licence: str | None,
    objects: bool,
    fourth_token: bool,
) -> Facts:
    """Put together what is known; the licence of Meta's own files is known."""
    known = META_LICENCE if published_as(checkpoint.sha256) else None
    return Facts(
        name or Path(checkpoint.name).stem,
        architecture,
        checkpoint.name,
        checkpoint.sha256,
        licence or known,
        objects,
        fourth_token,
        _now(),
        versions,
    )


def _now() -> str:
    """Date and time, or the one that reproducible builds agree on."""
    fixed = os.environ.get("SOURCE_DATE_EPOCH")
    now = datetime.fromtimestamp(int(fixed), UTC) if fixed else datetime.now(UTC)
    return now.isoformat(timespec="seconds")


def metadata(facts: Facts, part: str) -> dict[str, str]:
    """Return the metadata of one ONNX file.

    Parameters
    ----------
    facts : Facts
    part : str
        ``encoder`` or ``decoder``.
    """
    return {
        "part": part,
        "name": facts.name,
        "architecture": f"sam2.1-hiera-{facts.architecture.name}",
        "licence": facts.licence or "not stated",
        "source": facts.source,
        "source_sha256": facts.source_sha256,
        "created": facts.created,
        **facts.versions,
    }


def config(facts: Facts, files: Sequence[WrittenFile]) -> dict[str, Any]:
    """Return what config.json holds: darktable's keys first, then ours."""
    return {
        "id": facts.identifier,
        "name": facts.name,
        "description": facts.description,
        "task": "mask",
        "arch": "sam2",
        "backend": "onnx",
        "version": "1.0",
        "tiling": False,
        "architecture": f"sam2.1-hiera-{facts.architecture.name}",
        "license": facts.licence,
        "source": {"file": facts.source, "sha256": facts.source_sha256},
        "created": facts.created,
        "object_axis": facts.objects,
        "single_mask": facts.fourth_token,
        "versions": dict(facts.versions),
        "files": {
            file.name: {"bytes": file.nbytes, "sha256": file.sha256} for file in files
        },
    }


def write_config(folder: Path, facts: Facts) -> None:
    """Write config.json about the files that are in a folder."""
    text = json.dumps(config(facts, list_files(folder)), indent=2, ensure_ascii=False)
    (folder / CONFIG).write_text(text + "\n", encoding="utf-8")


def list_files(folder: Path) -> tuple[WrittenFile, ...]:
    """List the files of a folder with size and digest, sorted by name."""
    return tuple(
        WrittenFile(path.name, path.stat().st_size, _sha256(path))
        for path in sorted(folder.iterdir())
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
