"""``napari-sam21 models``: which there are, and what can be done with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from napari_sam21.cli.setup import AsJson, Yes
from napari_sam21.cli.words import (
    USER_ERROR,
    agreed,
    progress_bar,
    say,
    say_json,
    user_errors,
)
from napari_sam21.models.offer import megabytes

if TYPE_CHECKING:
    from napari_sam21.models.library import ModelState

models = typer.Typer(help="List, import, remove and verify models.")

Name = Annotated[str, typer.Argument(help="Name of a model.")]


@models.callback(invoke_without_command=True)
def run_list(context: typer.Context, as_json: AsJson = False) -> None:
    """List the models: those that can be fetched, and your own."""
    if context.invoked_subcommand is not None:
        return
    from napari_sam21.models.library import states

    found = states()
    if as_json:
        say_json([_as_dict(state) for state in found])
        return
    table = Table("name", "model", "state", "size", "licence")
    for state in found:
        words = {"ready": "[green]ready[/]", "absent": "to fetch"}
        table.add_row(
            state.name,
            escape(state.title),
            words.get(state.state, "[red]broken[/]"),
            megabytes(state.size),
            escape(state.licence),
        )
    Console().print(table)
    for state in found:
        if state.problem:
            say(state.problem)


def _as_dict(state: ModelState) -> dict[str, str | int | bool | None]:
    return {
        "name": state.name,
        "title": state.title,
        "state": state.state,
        "bytes": state.size,
        "licence": state.licence,
        "folder": None if state.folder is None else str(state.folder),
        "own": state.own,
        "problem": state.problem,
    }


@models.command("import")
def run_import(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH [PATH]",
            help="A .dtmodel or .zip, a folder, or the two .onnx files.",
        ),
    ],
    name: Annotated[str | None, typer.Option(help="What to call it.")] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace a model of that name.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Copy a model from files; it is checked and tried before it is listed."""
    from napari_sam21.models.imports import import_model
    from napari_sam21.models.library import state_of

    with user_errors():
        with progress_bar() as progress:
            found = import_model(*paths, name=name, replace=replace, progress=progress)
        state = state_of(found)
        if as_json:
            say_json(_as_dict(state))
        else:
            say(f"{found} is ready in {state.folder} ({megabytes(state.size)})")


@models.command("remove")
def run_remove(name: Name, yes: Yes = False) -> None:
    """Delete a model that was fetched or imported, after asking."""
    from napari_sam21.models.library import remove, state_of

    with user_errors():
        state = state_of(name)
        if state.folder is not None and not state.built_in:
            question = f"Delete {state.folder}, {megabytes(state.size)}?"
            if not agreed(question, yes):
                raise typer.Exit
        say(f"Deleted, {megabytes(remove(name))} are free again.")


@models.command("path")
def run_path(name: Name) -> None:
    """Print the folder of a model that is on this machine."""
    from napari_sam21.models.weights import model_path

    with user_errors():
        say(str(model_path(name)))


@models.command("verify")
def run_verify(
    names: Annotated[
        list[str] | None, typer.Argument(help="Names of models [default: all].")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare every file of the models that are here with what came."""
    from napari_sam21.models.library import states, verify

    with user_errors():
        here = [state.name for state in states() if state.folder is not None]
        problems = {name: verify(name) for name in names or here}
    if as_json:
        say_json({name: problem or None for name, problem in problems.items()})
    else:
        for name, problem in problems.items():
            say(f"{name}: {problem or 'as it came'}")
    if any(problems.values()):
        raise typer.Exit(USER_ERROR)


@models.command("card")
def run_card(name: Name) -> None:
    """Print what one should know about a model: licence, data, limitations."""
    from napari_sam21.models.offer import as_text, card

    with user_errors():
        say(as_text(card(name)))
