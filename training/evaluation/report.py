"""Figures of all models, laid out as Markdown; nothing is measured here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from training.evaluation.bootstrap import ALL, MACRO
from training.evaluation.result import MOST, NONE, Result, drop
from training.evaluation.tallies import GOALS
from training.evaluation.targets import TARGETS

Cells = list[str]


def number(value: float | None, form: str = ".3f") -> str:
    """Write a number, or a dash for what was not measured."""
    return NONE if value is None else format(value, form)


def reached(result: Result, goal: int, group: str = ALL) -> str:
    """Write NoC and, in brackets, the share that never got there."""
    clicks = result.mean(f"noc_{goal}", group)
    never = result.mean(f"never_{goal}", group)
    return NONE if clicks is None else f"{clicks:.2f} ({number(never, '.1%')})"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay rows out, the first column as text, the others as numbers; "" if none."""
    lines_below = [*rows]
    if not lines_below:
        return ""
    rule = ["---", *["--:"] * (len(head) - 1)]
    lines = (f"| {' | '.join(cells)} |" for cells in (head, rule, *lines_below))
    return "\n".join(lines)


def overview(results: Sequence[Result]) -> str:
    """Return a row for each model: the figures that matter most."""
    head = [
        "model", "IoU@1", "IoU@3", "IoU@5", "macro IoU@1",
        *(f"NoC@{goal} (never)" for goal in GOALS),
        "jitter costs", "box", "mSA@1", "mSA box",
    ]  # fmt: skip
    return table(head, (_overview_row(result) for result in results))


def _overview_row(result: Result) -> Cells:
    ious = [number(result.mean(f"iou_{n}")) for n in (1, 3, 5)]
    macro = number(result.mean("iou_1", MACRO))
    clicks = [reached(result, goal) for goal in GOALS]
    names = ("jitter_cost", "box", "msa_1", "msa_box")
    others = [number(result.mean(name)) for name in names]
    return [result.model, *ious, macro, *clicks, *others]


def costs(results: Sequence[Result]) -> str:
    """Return times, memory and size of each model."""
    head = [
        "model", "encode ms", "decode ms", "encode / reference", "decode / reference",
        "working set MB", "files MB", "load before",
    ]  # fmt: skip
    names = {
        "encode_ms": ".0f", "decode_ms": ".1f", "encode_of_reference": ".3f",
        "decode_of_reference": ".3f", "working_set_mb": ".0f", "files_mb": ".1f",
        "load": ".1f",
    }  # fmt: skip
    measured = [result for result in results if result.facts["cost"]]
    return table(
        head,
        (
            [result.model, *(number(result.cost(n), form) for n, form in names.items())]
            for result in measured
        ),
    )


def by_group(result: Result) -> str:
    """Return a row for each group of images, all, and the macro average."""
    head = [
        "images of", "images", "objects", "IoU@1 (95 %)", "IoU@3", "IoU@5",
        "grid allows", "NoC@80 (never)", "NoC@90 (never)", "jittered", "box", "mSA@1",
        "mSA@3", "mSA box",
    ]  # fmt: skip
    return table(head, (_group_row(result, group) for group in result.groups))


def _group_row(result: Result, group: str) -> Cells:
    count = result.facts["counts"].get(group, {})

    def mean(name: str) -> str:
        return number(result.mean(name, group))

    return [
        group,
        str(count.get("images", "")),
        str(count.get("objects", "")),
        result.ends("iou_1", group),
        *(mean(name) for name in ("iou_3", "iou_5", "grid")),
        *(reached(result, goal, group) for goal in (80, 90)),
        *(mean(name) for name in ("jitter_1", "box", "msa_1", "msa_3", "msa_box")),
    ]


def curves(results: Sequence[Result]) -> str:
    """Return mean IoU after each click, and the largest loss between two."""
    head = ["model", *(str(n) for n in range(1, MOST + 1)), "largest drop"]
    return table(head, (_curve_row(result) for result in results))


def _curve_row(result: Result) -> Cells:
    curve = result.curve("iou", MOST)
    cells = [number(value) for value in curve] + [NONE] * (MOST - len(curve))
    return [result.model, *cells, number(drop(curve), ".4f")]


def scattered(results: Sequence[Result]) -> str:
    """Return what many random clicks do to one object of each image."""
    head = [
        "model", "after 1", "after 5", "after 20", "lowest on the way", "collapsed",
        "20 at once",
    ]  # fmt: skip
    measured = [result for result in results if result.mean("scatter_1") is not None]
    return table(head, (_scatter_row(result) for result in measured))


def _scatter_row(result: Result) -> Cells:
    curve = result.curve("scatter", 20)
    means = [number(result.mean(f"scatter_{n}")) for n in (1, 5, 20)]
    collapsed = number(result.mean("scatter_collapsed"), ".1%")
    together = number(result.mean("scatter_at_once"))
    return [result.model, *means, number(min(curve)), collapsed, together]


def ranking(results: Sequence[Result]) -> str:
    """Return how well predicted IoU of the first click chooses and tells."""
    head = [
        "model", "best is best", "IoU@1", "IoU@1 of the best candidate",
        "error of predicted IoU", "bias", "error, all candidates",
    ]  # fmt: skip
    names = {
        "agreement": ".1%", "iou_1": ".3f", "ideal_1": ".3f", "score_error": ".3f",
        "score_bias": "+.3f", "score_error_all": ".3f",
    }  # fmt: skip
    scored = [result for result in results if result.scored]
    return table(
        head,
        (
            [result.model, *(number(result.mean(n), form) for n, form in names.items())]
            for result in scored
        ),
    )


def calibration(results: Sequence[Result]) -> str:
    """Return reached IoU (and how many objects) by predicted IoU, a column a model."""
    scored = [result for result in results if result.scored]
    if not scored:
        return ""
    columns = [
        [f"{number(row['reached'])} ({row['count']})" for row in r.facts["calibration"]]
        for r in scored
    ]
    bins = [f"{r['low']:.1f} … {r['high']:.1f}" for r in scored[0].facts["calibration"]]
    head = ["predicted", *(result.model for result in scored)]
    return table(head, zip(bins, *columns, strict=True))


def asked(result: Result) -> str:
    """Return what the project asks of its model, and whether it got that."""
    rows = [
        [t.text, t.wanted, number(value, t.form), "yes" if t.met(value) else "**no**"]
        for t in TARGETS
        if (value := t.value(result)) is not None
    ]
    return table(["asked", "wanted", "measured", "met"], rows)


Section = tuple[str, str, Callable[[Sequence[Result]], str]]
SECTIONS: tuple[Section, ...] = (
    ("All models", "", overview),
    (
        "Click by click",
        "Mean IoU over all objects; every object gets every click.",
        curves,
    ),
    (
        "Twenty random clicks",
        "One object of each image, three positive clicks in four, the others just "
        "outside. Collapsed: ends below half of the best IoU it had had.",
        scattered,
    ),
    (
        "Predicted IoU",
        "Of the first click. Best is best: no candidate is more than .01 better than "
        "the chosen one.",
        ranking,
    ),
    (
        "Calibration",
        "IoU reached (and the number of objects) by the IoU predicted for the first "
        "click.",
        calibration,
    ),
    (
        "Time and memory",
        "Medians through the public interface, and what load, encode and three "
        "decodes add to a process's peak memory. Ratios are to the model given by "
        "`--reference`, timed in turns in the same run. The last column is the "
        "machine's load in the minute before: above .5, times are too long.",
        costs,
    ),
)


def sections(results: Sequence[Result], depth: int) -> Iterator[str]:
    """Yield the tables of one set of images under headings of a depth."""
    for title, note, lay_out in SECTIONS:
        if found := lay_out(results):
            heading = f"{'#' * depth} {title}"
            yield "\n\n".join(part for part in (heading, note, found) if part)
    for result in results:
        yield f"{'#' * depth} {result.model}\n\n{by_group(result)}"
