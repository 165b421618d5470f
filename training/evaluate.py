"""Measure models on labelled images, through the package's public interface.

``--model`` takes names of the package's table, folders, ``.dtmodel`` and ``.zip``
files of the SAM 2.1 contract, and the baselines ``watershed`` and ``flood``. One JSON
file for each goes to ``--out``; `python -m training.figures` lays them out. What is
measured is kept image by image: a run that was killed goes on where it stopped. No
PyTorch is used.
"""

import argparse
import json
import logging
import math
import re
from pathlib import Path
from typing import Any

from training.evaluation.cache import LOG
from training.evaluation.pool import cache_of, measure
from training.evaluation.protocols import PROTOCOLS, QUICK, STANDARD
from training.evaluation.scenes import Scene, find_scenes, has_splits
from training.evaluation.segmenters import model_files
from training.evaluation.speed import compared, memory
from training.evaluation.summary import summarise

RUNS = Path(__file__).parent / "runs" / "evaluation"
FIGURES = Path(__file__).parent / "figures"


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--data", type=Path, required=True, help="folder with images/ and labels/")
    add("--split", default="val", help="of the folder's index.csv, if it has splits")
    add("--model", nargs="+", default=["starter"], help="names or paths")
    add("--label", nargs="+", help="what to call each model in tables")
    add("--data-name", help="what to call the data in tables")
    add("--protocols", nargs="+", choices=PROTOCOLS, default=list(STANDARD))
    add("--quick", action="store_true", help=f"only {', '.join(QUICK)}; no times")
    add("--every", type=int, default=1, help="only each n-th image")
    add("--minutes", type=float, default=math.inf, help="take up no image after these")
    add("--jobs", type=int, default=2, help="processes, each on a core of its own")
    add("--reference", help="model to time in turns, say true SAM 2.1 files")
    add("--no-speed", action="store_true", help="take no times and no memory")
    add("--cache", type=Path, default=RUNS, help="folder that keeps what was measured")
    add("--out", type=Path, default=FIGURES, help="folder of the JSON files")
    args = parser.parse_args(given)
    if args.label and len(args.label) != len(args.model):
        parser.error(f"{len(args.model)} models but {len(args.label)} labels")
    return args


def evaluate(args: argparse.Namespace, model: str, label: str) -> Path:
    """Measure one model and write its figures; return the file.

    Raises
    ------
    TimeoutError
        If no image was measured within the minutes given.
    """
    scenes = find_scenes(args.data, args.split, args.every)
    protocols = QUICK if args.quick else tuple(args.protocols)
    # Times first: afterwards other processes are busy with the images.
    costs = {} if args.quick or args.no_speed else cost(model, args.reference, scenes)
    cache = cache_of(model, args.cache)
    found = measure(model, scenes, protocols, cache, args.jobs, args.minutes)
    if not found:
        raise TimeoutError(
            f"no image was measured in {args.minutes} minutes; give more"
        )
    data = data_name(args)
    if len(found) < len(scenes):
        data += f", {len(found)} of {len(scenes)} images"
    facts = {
        "model": label,
        "data": data,
        "protocols": list(protocols),
        "cost": costs,
    }
    file: Path = args.out / f"{slug(data)}.{slug(label)}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(facts | summarise(found), indent=1, ensure_ascii=False)
    file.write_text(text + "\n", encoding="utf-8")
    return file


def data_name(args: argparse.Namespace) -> str:
    """Name what was measured, so that a part of it is never taken for the whole."""
    split = f" {args.split}" if has_splits(args.data) else ""
    name: str = args.data_name or args.data.resolve().name + split
    part = f", 1 in {args.every} images" if args.every > 1 else ""
    return name + part + (", quick" if args.quick else "")


def cost(model: str, reference: str | None, scenes: list[Scene]) -> dict[str, Any]:
    """Return times on the first image, memory, and the size of the files."""
    image, _ = scenes[0].read()
    sizes = [path.stat().st_size for path in model_files(model)]
    times = compared(model, reference, image)
    return times | memory(model) | {"files_mb": round(sum(sizes) / 1e6, 2)}


def slug(text: str) -> str:
    """Return a name for a file."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def main() -> None:
    """Measure every model asked for."""
    args = arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    labels = args.label or [Path(model).stem for model in args.model]
    for model, label in zip(args.model, labels, strict=True):
        LOG.info("wrote %s", evaluate(args, model, label))


if __name__ == "__main__":
    main()
