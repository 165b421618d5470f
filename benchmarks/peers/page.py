"""Write docs/performance.md and its figures from what was measured.

python -m benchmarks.peers.page [--peers FILE] [--runs FILE ...]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.limits import LIMITS
from benchmarks.peers.chart import FLOOR, OTHERS, OURS, Bar, chart, in_words
from benchmarks.peers.measure import OUT, ROOT

DOCS = ROOT / "docs"
COLORS = {"bare": FLOOR, "ours": OURS, "starter": OURS}
FIGURES = {
    "encode": (
        "Looking at an image, once",
        "from pixels to embedding, 1024 × 1024 grey; shorter is better",
    ),
    "click": (
        "Answering a click",
        "from one point to a mask, embedding ready; shorter is better",
    ),
}
HEAD = """# Performance

<!-- Written by `python -m benchmarks.peers.page`; do not edit. -->

What costs time: the model looks at an image **once** (it is *encoded*; going back
finds the embedding ready), then answers **each click**. The wait before the first
click is the first figure, every later wait is the second.

![Time to encode an image](images/performance-encode.svg)

![Time to answer a click](images/performance-click.svg)

The thin line spans the middle half of the rounds. Blue is this plugin, light grey the
least that is possible on this runtime. *starter* is another network than the others:
small, made for cells, and part of the wheel.

"""
HOW = """
All sides ran in turns, in processes of their own, on the same image with {threads}
threads: {machine}, {system}, Python {python}, {versions}; load at the start {load}.
Times of one machine say little of another; their ratios say more. The networks of the
peers have seeded or untrained weights: as fast or slow as trained ones, so **nothing
here is about how good masks are** ([starter](starter.md) tells that of the one whose
weights can be had here).
"""


def peers_table(found: dict[str, Any]) -> str:
    """Return a table of all peers."""
    rows = found["peers"]
    floor = rows.get("bare")
    lines = [
        "| | encode (quartiles) | of bare | click (quartiles) | of bare | load |"
        " peak |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for row in rows.values():
        cells = [row["title"]]
        for part in ("encode_ms", "click_ms"):
            cells += [_spread(row[part]), _over(row[part], floor and floor[part])]
        cells += [in_words(row["load_ms"]), f"{row['peak_megabytes']:,.0f} MB"]
        lines.append("| " + " | ".join(cells) + " |")
    notes = [
        f"- {row['title']}: {row['note']}." for row in rows.values() if row["note"]
    ]
    missing = [
        f"- Not measured: {name} ({why})."
        for name, why in found["not measured"].items()
    ]
    return "\n".join([*lines, "", *notes, *missing, ""])


def _spread(spread: dict[str, float]) -> str:
    low, high = in_words(spread["q1"]), in_words(spread["q3"])
    return f"{in_words(spread['median'])} ({low} – {high})"


def _over(spread: dict[str, float], floor: dict[str, float] | None) -> str:
    return "–" if floor is None else f"{spread['median'] / floor['median']:.2f} ×"


def run_table(found: dict[str, Any]) -> str:
    """Return a table of one run of `benchmarks.run`."""
    lines = [
        f"### Model: {found['model']}",
        "",
        f"{found['time'][:10]}, load {found['load']} at the start.",
        "",
        "| measurement | value | quartiles | limit | |",
        "|---|--:|--:|--:|---|",
    ]
    verdicts = {True: "kept", False: "**broken**", None: ""}
    for row in found["results"]:
        limit = LIMITS.get(row["key"])
        if limit is None:
            continue
        quartiles = f"{row['spread']['q1']:.2f} – {row['spread']['q3']:.2f}"
        cells = (limit.title, limit.text(row["value"]), quartiles)
        last = (limit.text(limit.most), verdicts[limit.keeps(row["value"])])
        lines.append("| " + " | ".join((*cells, *last)) + " |")
    return "\n".join([*lines, ""])


def figures(found: dict[str, Any]) -> dict[str, str]:
    """Return the SVGs by name."""
    made = {}
    for part, (title, subtitle) in FIGURES.items():
        bars = [
            Bar(
                row["title"],
                *(row[f"{part}_ms"][name] for name in ("median", "q1", "q3")),
                COLORS.get(key, OTHERS),
            )
            for key, row in found["peers"].items()
        ]
        made[part] = chart(title, subtitle, bars)
    return made


def page(found: dict[str, Any], runs: Sequence[dict[str, Any]]) -> str:
    """Return the whole page."""
    versions = ", ".join(f"{name} {v}" for name, v in found["versions"].items())
    how = HOW.format(**{**found, "versions": versions})
    parts = [HEAD, peers_table(found), how]
    if runs:
        parts += ["\n## In napari\n\n", RUNS, *(run_table(run) + "\n" for run in runs)]
    return "".join(parts)


RUNS = """What the plugin adds to the bare tools under it, in a real window: measured by
`python -m benchmarks.run`, explained in `benchmarks/README.md`. Ratios are of medians,
taken in turns in one run.

"""


def main() -> None:
    """Write the page and its figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--peers", type=Path, default=OUT)
    parser.add_argument("--runs", type=Path, nargs="*", default=[])
    options = parser.parse_args()
    found = json.loads(options.peers.read_text(encoding="utf-8"))
    runs = [json.loads(path.read_text(encoding="utf-8")) for path in options.runs]
    for name, svg in figures(found).items():
        path = DOCS / "images" / f"performance-{name}.svg"
        path.write_text(svg, encoding="utf-8")
    (DOCS / "performance.md").write_text(page(found, runs), encoding="utf-8")


if __name__ == "__main__":
    main()
