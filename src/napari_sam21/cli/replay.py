"""``napari-sam21 replay``: the labels of a session, without a model or with one."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from napari_sam21.cli.words import (
    USAGE_ERROR,
    USER_ERROR,
    progress_bar,
    say,
    say_json,
    user_errors,
)

if TYPE_CHECKING:
    from napari_sam21.files import Results
    from napari_sam21.session.compare import Comparison, Outcome
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
Recompute = Annotated[
    bool,
    typer.Option(
        "--recompute",
        help="Ask the model again for each object, and compare the masks.",
    ),
]
Image = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="To recompute: the image [default: where it was then]."
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|PATH",
        help="To recompute: a model [default: the one that was asked].",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the summary for a script.")]


def replay(
    session: Folder,
    out: Out = None,
    force: Force = False,
    recompute: Recompute = False,
    image: Image = None,
    model: Model = None,
    as_json: Json = False,
) -> None:
    """Rebuild the labels of a session from its journal; needs no model.

    With --recompute the model is asked again, in the same way, and the IoU of each
    mask with the recorded one is told.
    """
    from napari_sam21.session.journal import read_session

    if out is not None and out.exists() and not force:
        say(f"{out} is there already: add --force to overwrite it.", error=True)
        raise typer.Exit(USAGE_ERROR)
    if not recompute and (image is not None or model is not None):
        say("--image and --model go with --recompute.", error=True)
        raise typer.Exit(USAGE_ERROR)
    with user_errors():
        found = read_session(session)
        summary = _rebuilt(found, out, force)
        compared = _recomputed(found, image, model) if recompute else None
    if as_json:
        say_json(summary | ({} if compared is None else _in_json(compared)))
    else:
        for name, value in summary.items():
            say(f"{name.replace('_', ' '):14} {value}")
        if compared is not None:
            _print(compared)
    if compared is not None and len(compared.ious) < len(compared.outcomes):
        raise typer.Exit(USER_ERROR)


def _rebuilt(session: Session, out: Path | None, force: bool) -> dict[str, Any]:
    """Rebuild the labels, save them if asked to, and count."""
    from napari_sam21.files import save
    from napari_sam21.session.replay import changes
    from napari_sam21.session.replay import replay as rebuild

    labels = rebuild(session)
    if out is not None:
        save(_results(session, labels), out, overwrite=force)
    return {
        "session": str(session.folder),
        "image": session.header.get("image", {}).get("name"),
        "shape": list(labels.shape),
        "dtype": str(labels.dtype),
        "objects": len(np.setdiff1d(np.unique(labels), [0])),
        "changes": sum(1 for _ in changes(session)),
        "damaged_lines": session.damaged,
    }


def _recomputed(session: Session, image: Path | None, model: str | None) -> Comparison:
    from napari_sam21.recompute import recompute

    with progress_bar(lambda done, total: f"{done} of {total}") as show:
        return recompute(
            session, image, model, lambda done, total: show("Asking", done, total)
        )


def _in_json(compared: Comparison) -> dict[str, Any]:
    return {
        "recompute": {
            "image": compared.image,
            "model": compared.model,
            **compared.summary(),
            "warnings": list(compared.warnings),
            "per_object": [asdict(each) for each in compared.outcomes],
        }
    }


def _print(compared: Comparison) -> None:
    table = Table("object", "prompts", "IoU", "")
    for each in compared.outcomes:
        table.add_row(str(each.id or "erased"), str(each.prompts), *_words(each))
    if compared.outcomes:
        Console().print(table)
    told = compared.summary()
    say(f"{told['recomputed']} of {len(compared.outcomes)} objects recomputed")
    if told["recomputed"]:
        mean, middle, least = (told[f"{n}_iou"] for n in ("mean", "median", "min"))
        say(
            f"IoU of what {compared.model} says now with what was recorded: "
            f"{mean:.4f} (mean), {middle:.4f} (median), {least:.4f} (least)"
        )
    if compared.others:
        say(
            f"{compared.others} changes have no prompts of their own (found many at "
            "once, carried through slices, merged, deleted, taken up again)"
        )
    for warning in compared.warnings:
        say(f"Warning: {warning}", error=True)


def _words(outcome: Outcome) -> tuple[str, str]:
    iou = "[red]–[/]" if outcome.iou is None else f"{outcome.iou:.4f}"
    return iou, escape(outcome.note)


def _results(session: Session, labels: np.ndarray) -> Results:
    """The labels with the pixel size that the layer had."""
    from napari_sam21.files import Calibration, Provenance, Results

    told = session.header["labels"]
    calibration = Calibration.of(
        labels.ndim, told.get("scale"), told.get("units"), told.get("axis_labels")
    )
    image = session.header.get("image", {}).get("name") or ""
    return Results.of(labels, calibration, Provenance(image=str(image)))
