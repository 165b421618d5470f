"""The command line: ``napari-sam21 demo`` and ``napari-sam21 doctor``.

Neither napari nor Qt is imported before a window is asked for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

import napari_sam21
from napari_sam21.core.errors import Sam21Error

if TYPE_CHECKING:
    from napari_sam21.demo import Result
    from napari_sam21.doctor import Report

app = typer.Typer(
    name="napari-sam21",
    help="Segment cells from clicks, with SAM 2.1 models in ONNX form.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)


@contextmanager
def user_errors() -> Iterator[None]:
    """Show what is the user's to mend as one message, without a traceback."""
    try:
        yield
    except Sam21Error as error:
        Console(stderr=True).print("[bold red]Error:[/]", end=" ")
        # As it is: a path may hold what rich takes for markup.
        Console(stderr=True, highlight=False, markup=False).print(str(error))
        raise typer.Exit(1) from error


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


@app.command("demo")
def run_demo(
    model: Annotated[
        str, typer.Option(help="Name of a model, or path of its files.")
    ] = "starter",
    image: Annotated[
        str, typer.Option(help="Sample: fluorescence, histology or brightfield.")
    ] = "fluorescence",
    out: Annotated[Path, typer.Option(help="Folder for picture and labels.")] = Path(
        "napari-sam21-demo"
    ),
    gui: Annotated[
        bool | None,
        typer.Option(help="Open napari [default: with a display and a terminal]."),
    ] = None,
) -> None:
    """Click a dozen cells of a real image, judge the masks, and open napari."""
    from napari_sam21 import demo, desktop

    with user_errors():
        result = demo.run(image, model)
        paths = demo.write(result, out)
        _print_result(result, paths)
        if gui or (gui is None and desktop.has_display() and desktop.has_terminal()):
            demo.open_napari(result)


def _print_result(result: Result, paths: tuple[Path, ...]) -> None:
    console = Console()
    table = Table(title=f"{result.sample}: one click for each cell")
    for title in ("cell", "row", "column", "predicted IoU", "IoU"):
        table.add_column(title, justify="right")
    for each in result.found:
        row, column = each.target.point_rc
        table.add_row(
            str(each.target.label),
            f"{row:.0f}",
            f"{column:.0f}",
            f"{each.predicted:.2f}",
            f"{each.iou:.2f}",
        )
    table.add_section()
    table.add_row("mean", "", "", "", f"{result.mean_iou:.2f}", style="bold")
    console.print(table)
    console.print(
        f"load {result.load_seconds:.2f} s, encode {result.encode_seconds:.2f} s, "
        f"decode {result.decode_seconds * 1e3:.0f} ms a click (median)",
        highlight=False,
    )
    for path in paths:
        typer.echo(f"wrote {path}")


@app.command("doctor")
def run_doctor(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, for a bug report.")
    ] = False,
) -> None:
    """Show versions, execution providers and models, and test a few clicks."""
    from napari_sam21 import doctor

    report = doctor.examine()
    if as_json:
        typer.echo(json.dumps(report.as_dict(), indent=2))
    else:
        _print_report(report)
    if not report.self_test.passed:
        raise typer.Exit(1)


def _print_report(report: Report) -> None:
    table = Table(show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in (report.system | report.packages).items():
        table.add_row(name, value)
    qt = " ".join(f"{name} {found}" for name, found in report.qt.items())
    table.add_row("Qt binding", qt or 'none: pip install "napari-sam21\\[gui]"')
    table.add_row("execution providers", ", ".join(report.providers))
    for model in report.models:
        state = "[green]ready[/]" if model.ready else "[yellow]not here[/]"
        table.add_row(f"model {model.name}", f"{state}: {model.where}")
    state = "[green]passed[/]" if report.self_test.passed else "[red]failed[/]"
    table.add_row("self-test", f"{state}: {report.self_test.message}")
    Console().print(table)


if __name__ == "__main__":
    app()
