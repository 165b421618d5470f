"""``napari-sam21 replay``: the labels of a session, without a model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from napari_sam21.cli.words import USAGE_ERROR, say, say_json, user_errors

if TYPE_CHECKING:
    from napari_sam21.files import Results
    from napari_sam21.session.journal import Session

Folder = Annotated[
    Path,
    typer.Argument(
        metavar="SESSION", help="Folder of the session, with journal.jsonl in it."
    ),
]
Out = Annotated[
    Path | None,
    typer.Argument(
        metavar="OUT",
        help="A file to write, such as labels.ome.tif. Without, only a summary.",
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite OUT.")]
Json = Annotated[bool, typer.Option("--json", help="Print the summary for a script.")]


def replay(
    session: Folder, out: Out = None, force: Force = False, as_json: Json = False
) -> None:
    """Rebuild the labels of a session from its journal; needs no model."""
    from napari_sam21.files import save
    from napari_sam21.session.journal import read_session
    from napari_sam21.session.replay import changes
    from napari_sam21.session.replay import replay as rebuild

    if out is not None and out.exists() and not force:
        say(f"{out} is there already: add --force to overwrite it.", error=True)
        raise typer.Exit(USAGE_ERROR)
    with user_errors():
        found = read_session(session)
        labels = rebuild(found)
        summary = {
            "session": str(session),
            "image": found.header.get("image", {}).get("name"),
            "shape": list(labels.shape),
            "dtype": str(labels.dtype),
            "objects": len(np.setdiff1d(np.unique(labels), [0])),
            "changes": sum(1 for _ in changes(found)),
            "damaged_lines": found.damaged,
        }
        if out is not None:
            save(_results(found, labels), out, overwrite=force)
    if as_json:
        say_json(summary)
        return
    for name, value in summary.items():
        say(f"{name.replace('_', ' '):14} {value}")


def _results(session: Session, labels: np.ndarray) -> Results:
    """The labels with the pixel size that the layer had."""
    from napari_sam21.files import Calibration, Provenance, Results

    told = session.header["labels"]
    calibration = Calibration.of(
        labels.ndim, told.get("scale"), told.get("units"), told.get("axis_labels")
    )
    image = session.header.get("image", {}).get("name") or ""
    return Results.of(labels, calibration, Provenance(image=str(image)))
