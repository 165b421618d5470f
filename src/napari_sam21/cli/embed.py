"""``napari-sam21 embed``: fill the store ahead of an annotation session."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_sam21.cli.setup import AsJson
from napari_sam21.cli.words import USER_ERROR, progress_bar, say, say_json, user_errors

if TYPE_CHECKING:
    from napari_sam21.bulk import Bulk
    from napari_sam21.core.fill import Progress


def run_embed(
    image: Annotated[Path, typer.Argument(help="An image: TIFF, OME-Zarr, PNG, …")],
    slices: Annotated[
        str, typer.Option(metavar="A:B|N|all", help="Slices: from A, up to before B.")
    ] = "all",
    axis: Annotated[
        str | None,
        typer.Option(help="Name or number of their axis [default: the last slider]."),
    ] = None,
    regions: Annotated[
        str,
        typer.Option(
            metavar="whole|SIDE",
            help="The whole plane, or all regions of a side: 256, 512, 1024, …",
        ),
    ] = "whole",
    model: Annotated[
        str | None,
        typer.Option(help="Name of a model, or path [default: the last one used]."),
    ] = None,
    channel: Annotated[
        int | None, typer.Option(help="Slice of the axis c [default: all].")
    ] = None,
    contrast: Annotated[
        tuple[float, float] | None,
        typer.Option(
            metavar="LOW HIGH",
            help="Contrast limits [default: those napari begins with].",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Encode slices of an image now, so that clicks on them need not wait.

    What is in the store already is passed over. Ctrl+C stops; the next call goes on.
    """
    from napari_sam21.bulk import bulk_of

    with user_errors():
        bulk = bulk_of(image, slices, axis, regions, model, channel, contrast)
        for line in bulk.announcement():
            say(line, error=True)
        with progress_bar(lambda done, total: f"{done} of {total}") as show:
            progress = bulk.run(lambda now: show(*_shown(now)))
        _report(bulk, progress, as_json)
        if progress.problems:
            raise typer.Exit(USER_ERROR)


def _shown(progress: Progress) -> tuple[str, int, int]:
    from napari_sam21.core.fill import how_long

    left = progress.seconds_left
    words = "" if left is None else f", about {how_long(left)} left"
    return f"Embedding{words}", progress.done, progress.total


def _report(bulk: Bulk, progress: Progress, as_json: bool) -> None:
    if as_json:
        say_json(
            {
                "wanted": bulk.plan.wanted,
                "planned": progress.total,
                "made": progress.made,
                "found": progress.found,
                "problems": list(progress.problems),
                "seconds": round(progress.seconds, 3),
                "model": bulk.model.name,
                "folder": str(bulk.store.folder),
            }
        )
        return
    for problem in progress.problems:
        say(problem, error=True)
    ready = progress.made + progress.found
    say(
        f"{ready} of {progress.total} embeddings are ready in {bulk.store.folder} "
        f"({progress.made} made now, {progress.found} were there)"
    )
