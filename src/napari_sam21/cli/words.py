"""How the command line speaks: errors, sizes, tables, progress."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress

from napari_sam21.core.errors import Cancelled, Sam21Error
from napari_sam21.models.offer import megabytes

USER_ERROR, USAGE_ERROR, INTERRUPTED = 1, 2, 130
"""Exit codes: something to mend, a wrong call or a question nobody answers, Ctrl+C."""


@contextmanager
def user_errors() -> Iterator[None]:
    """Show what is the user's to mend as one message, without a traceback."""
    try:
        yield
    except (KeyboardInterrupt, Cancelled) as error:
        Console(stderr=True).print("Stopped.")
        raise typer.Exit(INTERRUPTED) from error
    except Sam21Error as error:
        Console(stderr=True).print("[bold red]Error:[/]", end=" ")
        # As it is: a path may hold what rich takes for markup.
        Console(stderr=True, highlight=False, markup=False).print(
            str(error), soft_wrap=True
        )
        raise typer.Exit(USER_ERROR) from error


def say(text: str = "", *, error: bool = False) -> None:
    """Print a line as it is."""
    typer.echo(text, err=error)


def say_json(value: Any) -> None:
    """Print a value for a script."""
    typer.echo(json.dumps(value, indent=2))


def agreed(question: str, yes: bool, flag: str = "--yes") -> bool:
    """Ask, unless the answer was given with the call.

    Without a terminal there is nobody to ask, and the command ends with an error.
    """
    if yes:
        return True
    if not sys.stdin.isatty():
        say(f"{question} Nobody is there to answer: add {flag}.", error=True)
        raise typer.Exit(USAGE_ERROR)
    return typer.confirm(question)


@contextmanager
def progress_bar(
    amount: Callable[[int, int], str] | None = None,
) -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar on the standard error for calls of a step, done, and all.

    Parameters
    ----------
    amount : callable
        Says how much of what is done. Default: in bytes.
    """
    told = amount or _bytes
    columns = ("{task.description}", BarColumn(), "{task.fields[amount]}")
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, amount="")

        def show(step: str, done: int, total: int) -> None:
            bar.update(
                task,
                description=step,
                completed=done,
                total=total or None,
                amount=told(done, total) if total else "",
            )

        yield show


def _bytes(done: int, total: int) -> str:
    return f"{megabytes(done)} of {megabytes(total)}"
