"""Lay out what `python -m training.evaluate` measured; nothing is measured here.

Reads the JSON files of training/figures/, writes training/FIGURES.md, and the tables of
the model card between its two marks.
"""

import argparse
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from training.evaluation.bootstrap import ALL
from training.evaluation.report import (
    asked,
    by_group,
    costs,
    overview,
    ranking,
    sections,
)
from training.evaluation.result import Result, read

HERE = Path(__file__).parent
CARD = HERE.parent / "docs" / "starter.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
MAIN = "bbbc038 val"
"""The images that the project's demands are about."""
INTRODUCTION = """# Figures

Written by `python -m training.figures` from the files in `figures/`, which
`python -m training.evaluate` wrote; do not edit. Whole images, every object of at least
30 pixels, through the public interface.

- **IoU@n**: mean over objects of intersection over union after n clicks. The first
  falls on the deepest point of the object, each next one on the deepest point of the
  larger error (RITM); the best-scored candidate is taken, and its logits are fed back.
- **NoC@t**: mean clicks until IoU is t %, at most 20; in brackets the share of objects
  that never got there (each counts 20).
- **jitter**: the first click is displaced by a Gaussian of a quarter of the object's
  radius, and stays inside it.
- **box**: the exact bounding box, no click.
- **mSA**: the masks of all objects of an image, largest first, in one label image;
  TP / (TP + FP + FN), mean over IoU .50 … .95; mean over images (micro-sam).
- **grid allows**: IoU of the true masks after they went through the 256 × 256 grid that
  every model of this contract answers on.
- **macro average**: mean of the groups' means. **Intervals** hold 95 % of 2,000 sets of
  images, drawn with replacement within each group; for a group of a few images they say
  little.
"""


def by_data(results: Sequence[Result]) -> Iterator[tuple[str, list[Result]]]:
    """Yield results by set of images, the project's own first."""

    def key(result: Result) -> tuple[bool, str]:
        return not result.data.startswith(MAIN), result.data

    for (_, data), mine in groupby(sorted(results, key=key), key=key):
        yield data, sorted(mine, key=best_first)


def best_first(result: Result) -> tuple[float, str]:
    """Sort by IoU after one click, best first."""
    return -(result.mean("iou_1") or 0.0), result.model


def document(results: Sequence[Result]) -> str:
    """Return FIGURES.md."""
    parts = [INTRODUCTION.strip()]
    for data, mine in by_data(results):
        count = mine[0].facts["counts"][ALL]
        size = f"{count['images']} images, {count['objects']} objects"
        parts += [f"## {data}: {size}", *sections(mine, depth=3)]
    return "\n\n".join(parts) + "\n"


def card_part(results: Sequence[Result], model: str) -> str:
    """Return the tables of the card: the model against demands and against others.

    Raises
    ------
    ValueError
        If the model was not measured on any images.
    """
    if model not in {result.model for result in results}:
        known = ", ".join(sorted({result.model for result in results})) or "none"
        raise ValueError(
            f"there are no figures of {model!r} (there are: {known}); run "
            f"python -m training.evaluate --model … --label {model!r} first"
        )
    parts = []
    for data, every in by_data(results):
        parts += [f"### On {data}", overview(every)]
        for mine in (result for result in every if result.model == model):
            demands = [asked(mine)] if data.startswith(MAIN) else []
            parts += [*demands, by_group(mine)]
            if mine.facts["cost"]:
                parts += [ranking([mine]), costs([mine])]
    return "\n\n".join(parts)


def fill(text: str, part: str) -> str:
    """Replace what stands between the marks.

    Raises
    ------
    ValueError
        If the text does not have both marks once.
    """
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError(f"the card must hold {BEGIN} and {END} once each")
    pattern = re.compile(re.escape(BEGIN) + ".*" + re.escape(END), re.DOTALL)
    return pattern.sub(lambda _: f"{BEGIN}\n\n{part}\n\n{END}", text)


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--figures", type=Path, default=HERE / "figures", help="folder of JSON files")
    add("--out", type=Path, default=HERE / "FIGURES.md")
    add("--card", type=Path, default=CARD)
    add("--model", default="starter", help="the card's model, as it was labelled")
    return parser.parse_args(given)


def main(given: list[str] | None = None) -> None:
    """Write the tables, and fill the card."""
    args = arguments(given)
    results = read(sorted(args.figures.glob("*.json")))
    args.out.write_text(document(results), encoding="utf-8")
    text = args.card.read_text("utf-8")
    args.card.write_text(fill(text, card_part(results, args.model)), encoding="utf-8")


if __name__ == "__main__":
    main()
