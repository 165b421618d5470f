"""``napari-sam21 setup`` and ``napari-sam21 clean``: what comes, and what goes."""

from __future__ import annotations

from typing import Annotated

import typer

from napari_sam21.cli.words import (
    agreed,
    progress_bar,
    say,
    say_json,
    size_of,
    user_errors,
)
from napari_sam21.core.errors import ModelError

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for a script.")]


def run_setup(
    model: Annotated[str, typer.Argument(help="Name of a model.")] = "sam2.1-tiny",
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Fetch a model of the list, after asking; says size, source and licence."""
    from napari_sam21.models.fetch import fetch_model
    from napari_sam21.models.library import state_of

    with user_errors():
        state = state_of(model)
        if state.ready and state.folder is not None:
            folder, fetched = state.folder, False
        else:
            for line in offer_of(model):
                say(line, error=as_json)
            if not agreed(f"Fetch {size_of(state.size)}?", yes):
                raise typer.Exit
            with progress_bar() as progress:
                folder, fetched = fetch_model(model, progress=progress), True
        if as_json:
            say_json({"name": model, "folder": str(folder), "fetched": fetched})
        else:
            say(f"{model} is ready in {folder}")


def offer_of(name: str) -> list[str]:
    """Return what one should know before a model is fetched."""
    from napari_sam21.models.fetch import sources_of
    from napari_sam21.models.table import MODELS

    row = MODELS.get(name)
    if row is None or not row.sources:
        raise ModelError(
            f"{name!r} is a model of your own: it cannot be fetched. Import it again "
            "(napari-sam21 models import PATH --replace)"
        )
    lines = [f"{row.title}: {row.card.summary}", f"licence: {row.licence}"]
    lines += [f"trained on: {row.data}"]
    for number, source in enumerate(sources_of(row), 1):
        seen = "one source" if source.witnesses == 1 else f"{source.witnesses} sources"
        lines.append(f"source {number}: {source.url}")
        lines.append(f"  {size_of(source.size)}, SHA-256 {source.sha256} ({seen})")
    return lines


def run_clean(
    cache: Annotated[
        bool, typer.Option("--cache", help="What can be made again. [default]")
    ] = False,
    models: Annotated[
        bool, typer.Option("--models", help="Models that were fetched or imported.")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="Both.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Delete what napari-sam21 keeps on this machine; says what and how much, asks."""
    from napari_sam21.models.clean import leftovers, own_models, remove_all

    with user_errors():
        found = []
        if cache or everything or not models:
            found += leftovers()
        if models or everything:
            found += own_models()
        total = sum(each.size for each in found)
        for each in found:
            say(f"{size_of(each.size):>9}  {each.what}: {each.path}", error=as_json)
        if not found:
            say("There is nothing to delete.", error=as_json)
        elif agreed(f"Delete these, {size_of(total)}?", yes):
            remove_all(found)
            say(f"Deleted, {size_of(total)} are free again.", error=as_json)
        else:
            raise typer.Exit
        if as_json:
            paths = [str(each.path) for each in found]
            say_json({"deleted": paths, "bytes": total})
