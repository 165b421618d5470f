"""Check a model in a temporary folder, and give it its place if it works."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from napari_sam21.core.errors import ModelError
from napari_sam21.core.prompts import Prompts
from napari_sam21.core.sam2 import Model
from napari_sam21.models.bring import CONFIG, bring, disk_error, files_at
from napari_sam21.models.home import move_into_place, staged_folder, writable_folder
from napari_sam21.models.record import Record, file_records, write_record
from napari_sam21.models.weights import load_part

Progress = Callable[[str, int, int], object]
"""Told what goes on: a step in words, and how much of how much is done (0: unknown)."""

CONTRACTS = {"low_res_masks": "card", "masks": "two-output"}
"""Name of a contract by the output that holds the logits."""

TRIAL_SIDE = 64


@dataclass(frozen=True)
class Origin:
    """What the record of a model says of where it comes from; see `Record`."""

    name: str
    title: str
    licence: str
    source: str
    source_sha256: str = ""


def no_progress(step: str, done: int, total: int) -> None:
    """Tell nobody."""


def install(
    paths: Sequence[Path], origin: Origin, progress: Progress = no_progress
) -> Path:
    """Copy, check and try a model; it gets its final name only if all went well.

    Parameters
    ----------
    paths : sequence of Path
        An archive, a folder, or the two ONNX files.
    origin : Origin
    progress : callable

    Returns
    -------
    Path
        Folder of the model.

    Raises
    ------
    ModelError
        If the files cannot be trusted, keep no known contract, or do not run.
    DiskError
        If there is no room for them.
    """
    target = writable_folder() / origin.name
    try:
        with staged_folder(target.parent) as staged:
            progress("Unpacking", 0, 0)
            with files_at(paths) as files:
                bring(files, staged)
            progress("Trying the model", 0, 0)
            model = opened_model(staged, origin.name)
            try_out(model)
            write_record(_record(origin, model, staged), staged)
            del model  # a file that is open cannot be moved on every system
            move_into_place(staged, target)
    except OSError as error:
        raise disk_error(target, error) from error
    return target


def opened_model(folder: Path, name: str) -> Model:
    """Load the two files of a folder on the CPU, and check their contract."""
    graphs = [
        load_part(folder / f"{part}.onnx", f"{part} of model {name!r}")
        for part in ("encoder", "decoder")
    ]
    return Model(name, *graphs)


def try_out(model: Model) -> None:
    """Click once on a small image: the files run, and what they say is finite.

    Raises
    ------
    ModelError
        If the model fails, or answers no numbers.
    """
    rows, columns = np.indices((TRIAL_SIDE, TRIAL_SIDE))
    middle = TRIAL_SIDE / 2
    disc = (rows - middle) ** 2 + (columns - middle) ** 2 < (TRIAL_SIDE / 4) ** 2
    embedding = model.encode(disc.astype(np.uint8) * 200)
    answer = model.decode(embedding, Prompts([(middle, middle)], [1]))
    if not (np.isfinite(answer.logits).all() and np.isfinite(answer.scores).all()):
        raise ModelError(
            f"model {model.name!r} answers a click with values that are no numbers; "
            "convert or export it again"
        )


def config_of(folder: Path) -> dict[str, Any]:
    """Read ``config.json`` of a model; empty without one, or if it is no JSON."""
    try:
        found = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _record(origin: Origin, model: Model, folder: Path) -> Record:
    config = config_of(folder)
    return Record(
        name=origin.name,
        title=origin.title or _text(config, "name") or origin.name,
        licence=origin.licence or _text(config, "license") or "not stated",
        source=origin.source,
        source_sha256=origin.source_sha256,
        contract=CONTRACTS[model.contract.logits_name],
        batches=model.contract.batches,
        added=datetime.now(UTC).isoformat(timespec="seconds"),
        files=file_records(folder),
    )


def _text(config: dict[str, Any], key: str) -> str:
    """A short line of a config, which anyone may have written."""
    value = config.get(key)
    if not isinstance(value, str):
        return ""
    # Signs that steer terminals, or turn the direction of what follows, go.
    shown = "".join(sign if sign.isprintable() else " " for sign in value)
    return " ".join(shown.split())[:80]
