"""``napari-sam21 convert``: a checkpoint becomes the two files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_sam21.cli.words import say, say_json, user_errors


def run_convert(
    checkpoint: Annotated[
        Path, typer.Argument(help="A SAM 2.1 checkpoint (.pt), Meta's or fine-tuned.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="Folder to write [default: after the checkpoint]."),
    ] = None,
    architecture: Annotated[
        str | None,
        typer.Option(
            help="tiny, small, base-plus or large [default: found from weights]."
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="What people read in the list.")
    ] = None,
    licence: Annotated[
        str | None, typer.Option(help="Licence of the weights (SPDX).")
    ] = None,
    objects: Annotated[
        bool, typer.Option(help="Let the decoder answer several objects in a run.")
    ] = True,
    fourth_token: Annotated[
        bool, typer.Option("--fourth-token", help="Add the single-mask outputs.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a folder that is there.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, for a script.")
    ] = False,
) -> None:
    """Convert a checkpoint into encoder.onnx and decoder.onnx, and compare with torch.

    Needs torch and sam2, which nothing else here needs: see docs/convert.md.
    """
    from dataclasses import asdict

    from napari_sam21.models.convert import convert

    with user_errors():
        report = convert(
            checkpoint,
            out or Path(checkpoint.stem),
            architecture=architecture,
            name=name,
            licence=licence,
            objects=objects,
            fourth_token=fourth_token,
            overwrite=overwrite,
            progress=_tell,
        )
    if as_json:
        found = asdict(report)
        say_json({**found, "folder": str(report.folder)})
    else:
        say(str(report))
        say(f"To use it: napari-sam21 models import {report.folder}")


def _tell(step: str, done: int, total: int) -> None:
    if done < total:
        say(f"[{done + 1}/{total}] {step}", error=True)
