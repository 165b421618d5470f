"""``napari-sam21 doctor``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from napari_sam21.cli.words import USER_ERROR, say_json

if TYPE_CHECKING:
    from napari_sam21.doctor import Report

COLOURS = {"ready": "green", "absent": "yellow", "broken": "red"}


def run_doctor(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, for a bug report.")
    ] = False,
) -> None:
    """Show versions, execution providers and models, and test a few clicks."""
    from napari_sam21 import doctor

    report = doctor.examine()
    if as_json:
        say_json(report.as_dict())
    else:
        _print_report(report)
    if not report.self_test.passed:
        raise typer.Exit(USER_ERROR)


def _print_report(report: Report) -> None:
    table = Table(show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in (report.system | report.packages | report.places).items():
        table.add_row(name, escape(value))
    qt = " ".join(f"{name} {found}" for name, found in report.qt.items())
    table.add_row("Qt binding", qt or 'none: pip install "napari-sam21\\[gui]"')
    table.add_row("execution providers", ", ".join(report.providers))
    found = ", ".join(f"{name} {number}" for name, number in report.plugins.items())
    table.add_row("provider plugins", found or "none")
    table.add_row("runs on", escape(report.runs_on))
    for model in report.models:
        state = f"[{COLOURS[model.state]}]{model.state}[/]"
        table.add_row(f"model {model.name}", f"{state} {escape(model.where)}".strip())
    state = "[green]passed[/]" if report.self_test.passed else "[red]failed[/]"
    table.add_row("self-test", f"{state}: {escape(report.self_test.message)}")
    Console().print(table)
