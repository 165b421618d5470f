"""The command line: ``napari-sam21 COMMAND``.

Neither napari nor Qt is imported before a window is asked for, and torch only to
convert.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

import napari_sam21
from napari_sam21.cli.bench import run_bench
from napari_sam21.cli.convert import run_convert
from napari_sam21.cli.demo import run_demo
from napari_sam21.cli.doctor import run_doctor
from napari_sam21.cli.embed import run_embed
from napari_sam21.cli.export import run_export
from napari_sam21.cli.models import models
from napari_sam21.cli.replay import replay
from napari_sam21.cli.setup import run_clean, run_setup

app = typer.Typer(
    name="napari-sam21",
    help="Segment cells from clicks, with SAM 2.1 models in ONNX form.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)

COMMANDS: dict[str, Callable[..., None]] = {
    "demo": run_demo,
    "doctor": run_doctor,
    "setup": run_setup,
    "convert": run_convert,
    "export": run_export,
    "embed": run_embed,
    "bench": run_bench,
    "clean": run_clean,
    "replay": replay,
}
for _name, _command in COMMANDS.items():
    app.command(_name)(_command)
app.add_typer(models, name="models")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"napari-sam21 {napari_sam21.__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version."
        ),
    ] = False,
) -> None:
    """Segment cells from clicks, with SAM 2.1 models in ONNX form."""
