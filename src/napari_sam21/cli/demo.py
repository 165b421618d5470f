"""``napari-sam21 demo``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from napari_sam21.cli.words import say, user_errors

if TYPE_CHECKING:
    from napari_sam21.demo import Result


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
        say(f"wrote {path}")
