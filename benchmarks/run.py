"""Measure everything, print a table with limits and verdicts, keep a JSON.

    python -m benchmarks.run [--model starter|PATH] [--json FILE] [--only NAME ...]

It ends with 1 if a limit is broken. README.md here tells what is measured, and how.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from pathlib import Path

from benchmarks.report import all_kept, facts_of, print_table, write_json
from benchmarks.subject import DEFAULT, find_model
from benchmarks.timing import Outcome

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Part:
    """One measurement: its rounds, and whether it opens a window."""

    rounds: int
    window: bool = True


PARTS = {
    "encode": Part(15, window=False),
    "opening": Part(7),
    "click": Part(30),
    "hover": Part(5),
    "session": Part(1),
    "ahead": Part(12),
    "event_loop": Part(4),
    "commit": Part(30),
    "memory": Part(5, window=False),
    "disk_store": Part(15, window=False),
    "save": Part(3, window=False),
    "growth": Part(3),
    "small_objects": Part(1, window=False),
    "moves": Part(1, window=False),
    "everything": Part(5, window=False),
    "propagation": Part(60, window=False),
}
"""Modules named ``measure_…``, in the order they run."""


def measure(folder: Path, names: Sequence[str], share: float) -> list[Outcome]:
    """Run the parts, with a share of their usual rounds."""
    outcomes: list[Outcome] = []
    for name in names:
        rounds = max(1, round(PARTS[name].rounds * share))
        print(f"{name}: {rounds} rounds …", file=sys.stderr, flush=True)
        module = import_module(f"benchmarks.measure_{name}")
        outcomes += module.measure(folder, rounds)
    return outcomes


def check_display(names: Sequence[str]) -> None:
    """Stop early where no window can be opened."""
    needed = [name for name in names if PARTS[name].window]
    if needed and sys.platform == "linux" and not os.environ.get("DISPLAY"):
        raise SystemExit(
            f"No display for {', '.join(needed)}. Put this before the command: "
            'xvfb-run -a -s "-screen 0 1600x1200x24"'
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write; 1 if a limit is broken."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.run", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--model", default=str(DEFAULT), help="starter, or a folder")
    parser.add_argument("--json", type=Path, help="default: benchmarks/results/<time>")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--data", help="labelled images, for small_objects")
    parser.add_argument("--share", type=float, default=1.0, help="of the usual rounds")
    options = parser.parse_args(arguments)
    folder = find_model(options.model)
    if options.data:
        os.environ["SAM21_DATA"] = options.data
    check_display(options.only)
    facts = facts_of(folder, options.share)
    with tempfile.TemporaryDirectory() as settings:
        # The user's napari settings neither shape the figures nor are changed.
        os.environ["NAPARI_CONFIG"] = str(Path(settings) / "settings.yaml")
        os.environ["NAPARI_SAM21_SESSIONS"] = settings
        outcomes = measure(folder, options.only, options.share)
    name = f"{datetime.now():%Y%m%d-%H%M%S}.json"
    write_json(options.json or RESULTS / name, outcomes, facts)
    print_table(outcomes, facts)
    return 0 if all_kept(outcomes) else 1


if __name__ == "__main__":
    raise SystemExit(main())
