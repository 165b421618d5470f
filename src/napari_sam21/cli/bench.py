"""``napari-sam21 bench``: which provider runs a model fastest on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from napari_sam21.cli.setup import AsJson
from napari_sam21.cli.words import progress_bar, say, say_json, user_errors

if TYPE_CHECKING:
    from napari_sam21.models.choosing.result import Findings, Pair, Trial


def run_bench(
    model: Annotated[
        str | None,
        typer.Argument(help="Name of a model, or path [default: the last one used]."),
    ] = None,
    anew: Annotated[
        bool, typer.Option("--anew/--known", help="Forget what was found before.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Try every way to run a model on this machine, and remember the fastest.

    Each is tried in a process of its own, and must agree with exact float32 on the CPU
    on a bundled image. Nothing leaves this machine.
    """
    from napari_sam21.core.runtime import Cancellation
    from napari_sam21.models.choosing.choose import Chooser
    from napari_sam21.models.choosing.pick import pick, why_cpu
    from napari_sam21.models.choosing.wish import wished
    from napari_sam21.models.last import last_model

    with user_errors():
        chosen = _named(model or last_model())
        chooser = Chooser(chosen)
        if anew:
            chooser.memory.forget()
        with progress_bar(lambda done, total: f"{done} of {total}") as show:
            findings = chooser.run(Cancellation(), show)
        wish = wished()
        pair, problem = pick(findings, wish), why_cpu(findings, wish)
        if as_json:
            say_json(_plain(findings, pair))
        else:
            _print(findings, pair)
        if problem:
            say(problem, error=True)


def _named(model: str) -> str | Path:
    from napari_sam21.models.library import own_names
    from napari_sam21.models.table import MODELS

    known = model in (*MODELS, *own_names())
    return Path(model) if not known and Path(model).exists() else model


def _plain(findings: Findings, pair: Pair) -> dict[str, Any]:
    return {
        "chosen": pair.as_dict(),
        "trials": [
            each.as_dict() | {"part": each.part, "passed": each.passed}
            for each in findings.trials
        ],
        "faults": dict(findings.faults),
    }


def _print(findings: Findings, pair: Pair) -> None:
    table = Table("part", "way", "time", "CPU", "load", "mask IoU", "correlation", "")
    for trial in findings.trials:
        table.add_row(*map(escape, _row(trial)))
    if findings.trials:
        Console().print(table)
    for name, why in findings.faults:
        say(f"{name} is set aside: {why}")
    if not findings.trials and not findings.faults:
        say("There is no other way than the CPU on this machine.")
    say(f"The model runs on: {pair}")


def _row(trial: Trial) -> list[str]:
    timing, agreement = trial.timing, trial.agreement
    way = str(trial.pair if trial.part == "both" else getattr(trial.pair, trial.part))
    times = ["", "", ""]
    if timing is not None:
        seconds = (timing.seconds, timing.cpu_seconds, timing.load_seconds)
        times = [f"{each * 1e3:.0f} ms" for each in seconds]
    iou = "" if agreement is None or agreement.iou is None else f"{agreement.iou:.4f}"
    correlation = "" if agreement is None else f"{agreement.correlation:.6f}"
    verdict = f"set aside: {trial.problem}" if trial.problem else "passed"
    return [trial.part, way, *times, iou, correlation, verdict]
