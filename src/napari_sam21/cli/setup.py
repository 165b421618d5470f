"""``napari-sam21 setup`` and ``napari-sam21 clean``: what comes, and what goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from napari_sam21.cli.words import (
    agreed,
    progress_bar,
    say,
    say_json,
    user_errors,
)
from napari_sam21.models.offer import megabytes

if TYPE_CHECKING:
    from napari_sam21.models.clean import Leftover

UNSAVED = "session with labels that were NOT SAVED"

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
    from napari_sam21.models.offer import addresses, as_text, offer

    with user_errors():
        state = state_of(model)
        if state.ready and state.folder is not None:
            folder, fetched = state.folder, False
        else:
            say(as_text(offer(model)), error=as_json)
            for line in addresses(model):
                say(line, error=as_json)
            if not agreed(f"Fetch {megabytes(state.size)}?", yes):
                raise typer.Exit
            with progress_bar() as progress:
                folder, fetched = fetch_model(model, progress=progress), True
        if as_json:
            say_json({"name": model, "folder": str(folder), "fetched": fetched})
        else:
            say(f"{model} is ready in {folder}")


def run_clean(
    cache: Annotated[
        bool, typer.Option("--cache", help="What can be made again. [default]")
    ] = False,
    models: Annotated[
        bool, typer.Option("--models", help="Models that were fetched or imported.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Both; sessions must be asked for.")
    ] = False,
    sessions: Annotated[
        bool,
        typer.Option(
            "--sessions",
            help="Journals of sessions, also of labels that were not saved.",
        ),
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Delete what napari-sam21 keeps on this machine; says what and how much, asks."""
    from napari_sam21.models.clean import leftovers, own_models, remove_all

    with user_errors():
        found = []
        if cache or everything or not (models or sessions):
            found += leftovers()
        if models or everything:
            found += own_models()
        if sessions:
            found += _sessions()
        total = sum(each.size for each in found)
        for each in found:
            say(f"{megabytes(each.size):>9}  {each.what}: {each.path}", error=as_json)
        if not found:
            say("There is nothing to delete.", error=as_json)
        elif agreed(f"Delete these, {megabytes(total)}?{_lost(found)}", yes):
            remove_all(found)
            say(f"Deleted, {megabytes(total)} are free again.", error=as_json)
        else:
            raise typer.Exit
        if as_json:
            paths = [str(each.path) for each in found]
            say_json({"deleted": paths, "bytes": total})


def _sessions() -> list[Leftover]:
    """List the sessions that no napari has open."""
    from napari_sam21.models.clean import Leftover
    from napari_sam21.models.home import sessions_folder
    from napari_sam21.session.shelf import closed_sessions

    shelf = sessions_folder()
    found = [] if shelf is None else closed_sessions(shelf)
    return [
        Leftover(
            f"{UNSAVED if each.unsaved else 'session'}, of {each.image}",
            each.folder,
            each.size,
        )
        for each in found
    ]


def _lost(found: Sequence[Leftover]) -> str:
    """Say how much work would be lost; often nothing."""
    count = sum(each.what.startswith(UNSAVED) for each in found)
    return f" {count} hold labels that are nowhere else." if count else ""
