"""Measure a model on whole images, through the package's public interface.

Every object of at least 30 pixels is clicked at the maximum of its distance
transform, then as RITM's simulated user would, with the logits of the answer's best
candidate fed back. Nothing here imports torch.
"""

import argparse
import csv
import json
import logging
import multiprocessing
import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing.queues import Queue
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.io import imread

import napari_sam21 as sam
from training.clicks import iou, next_click

LOG = logging.getLogger("training")
MIN_PIXELS = 30
GROUPS = {
    "fluor": "fluorescence",
    "he_purple_white": "H&E",
    "he_pink_purple": "H&E",
    "bright_gray": "brightfield",
}
SAME = 0.01  # candidates whose IoU differ by less are equally good


@dataclass(frozen=True)
class Scene:
    """An image file, its label file and the group it counts for."""

    image: Path
    labels: Path
    group: str


@dataclass(frozen=True)
class Result:
    """Figures of one image: IoU [objects, clicks] and what the first click said.

    ``first`` [objects, 3] is predicted IoU, IoU, IoU of the truly best candidate.
    """

    group: str
    ious: NDArray[np.float64]
    first: NDArray[np.float64]


def scenes(root: Path, split: str) -> Iterator[Scene]:
    """Yield the images of one split of a folder with an ``index.csv``."""
    with (root / "index.csv").open(newline="") as handle:
        for row in csv.DictReader(handle):
            if row["split"] == split:
                file = f"{row['name']}.png"
                group = GROUPS.get(row["modality"], row["modality"])
                yield Scene(root / "images" / file, root / "labels" / file, group)


@cache
def model_of(name: str) -> sam.Model:
    """Load a model of the table by name, or any model by its path; once a process."""
    return sam.load_model(name if name in sam.MODELS else Path(name))


def measure(scene: Scene, name: str, clicks: int) -> Result:
    """Click every object of one image."""
    model = model_of(name)
    labels = imread(scene.labels)
    embedding = model.encode(imread(scene.image))
    numbers, counts = np.unique(labels, return_counts=True)
    wanted = numbers[(numbers > 0) & (counts >= MIN_PIXELS)]
    found = [click(model, embedding, labels == n, clicks) for n in wanted]
    ious = np.array([each for each, _ in found]).reshape(-1, clicks)
    first = np.array([facts for _, facts in found]).reshape(-1, 3)
    return Result(scene.group, ious, first)


def click(
    model: sam.Model, embedding: sam.Embedding, truth: NDArray[np.bool_], clicks: int
) -> tuple[list[float], tuple[float, float, float]]:
    """IoU after each click on one object, and the facts of the first."""
    points: list[tuple[int, int]] = []
    signs: list[int] = []
    predicted, answer = np.zeros_like(truth), None
    reached, facts = [], (0.0, 0.0, 0.0)
    for _ in range(clicks):
        point, sign = next_click(predicted, truth)
        points.append(point)
        signs.append(sign)
        answer = model.decode(embedding, sam.Prompts(points, signs), previous=answer)
        predicted = answer.mask()
        reached.append(iou(predicted, truth))
        if len(reached) == 1:
            every = [iou(answer.mask(i), truth) for i in range(3)]
            facts = (float(answer.scores[answer.best]), reached[0], max(every))
    return reached, facts


def latency(name: str, image: NDArray[Any]) -> dict[str, float]:
    """Median times in milliseconds of encoding and of decoding one click."""
    model = model_of(name)
    embedding = model.encode(image)
    middle = sam.Prompts([(image.shape[0] / 2, image.shape[1] / 2)], [1])
    answer = model.decode(embedding, middle)
    return {
        "encode_ms": median_ms(lambda: model.encode(image), 9),
        "decode_ms": median_ms(lambda: model.decode(embedding, middle, answer), 25),
    }


def median_ms(call: Any, repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return round(float(np.median(times)) * 1000, 1)


def summary(results: list[Result], clicks: int) -> dict[str, Any]:
    """Mean IoU over objects, by group and macro, and how well scores rank."""
    shown = [n for n in (1, 3, 5) if n <= clicks]
    groups = sorted({result.group for result in results})
    table = {"all": figures(results, shown)}
    for group in groups:
        table[group] = figures([r for r in results if r.group == group], shown)
    macro = {
        f"iou_{n}": round(float(np.mean([table[g][f"iou_{n}"] for g in groups])), 4)
        for n in shown
    }
    first = np.concatenate([result.first for result in results])
    score, reached, best = first.T
    return {
        "groups": table,
        "macro": macro,
        "best_is_best": round(float((best - reached < SAME).mean()), 4),
        "predicted_iou_error": round(float(np.abs(score - reached).mean()), 4),
        "iou_1_of_best_candidate": round(float(best.mean()), 4),
    }


def figures(results: list[Result], shown: list[int]) -> dict[str, float]:
    ious = np.concatenate([result.ious for result in results])
    means = {f"iou_{n}": round(float(ious[:, n - 1].mean()), 4) for n in shown}
    return {"images": len(results), "objects": len(ious), **means}


def markdown(found: dict[str, Any]) -> str:
    """Lay the figures out as a table."""
    shown = sorted(found["macro"])
    head = ["images of", "images", "objects", *(f"IoU@{n[4:]}" for n in shown)]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for group, row in found["groups"].items():
        cells = [group, str(row["images"]), str(row["objects"])]
        lines.append(" | ".join(["|", *cells, *(f"{row[n]:.3f}" for n in shown), "|"]))
    macro = (f"{found['macro'][n]:.3f}" for n in shown)
    lines.append(" | ".join(["|", "macro average", "", "", *macro, "|"]))
    table = "\n".join(line.replace("| |", "|").strip() for line in lines)
    return (
        f"# {found['model']} on the {found['split']} images\n\n"
        "Mean IoU over objects of at least 30 pixels after 1, 3 and 5 simulated "
        "clicks (RITM), whole images, logits fed back. Written by "
        "`python -m training.evaluate`.\n\n"
        f"{table}\n\n"
        f"- The best-scored candidate of the first click was the best, or within "
        f"{SAME} of it: {found['best_is_best']:.1%}. Had it always been the best: "
        f"IoU@1 {found['iou_1_of_best_candidate']:.3f}.\n"
        f"- Mean absolute error of its predicted IoU: "
        f"{found['predicted_iou_error']:.3f}.\n"
        f"- Median times through the public interface on {found['cores']} cores: "
        f"encode {found['encode_ms']:.0f} ms, decode {found['decode_ms']:.0f} ms.\n"
    )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="starter", help="name, folder or archive")
    parser.add_argument("--split", default="val")
    parser.add_argument("--clicks", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--every", type=int, default=1, help="only each n-th image")
    parser.add_argument("--json", type=Path, help="write figures here, and a .md")
    return parser.parse_args()


def take_core(cores: "Queue[int]") -> None:
    """Keep this process on one core, so that processes do not wait for each other."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {cores.get()})


def evaluate(args: argparse.Namespace) -> dict[str, Any]:
    """Run the whole evaluation in ``jobs`` processes."""
    every = list(scenes(args.data, args.split))[:: args.every]
    found = {"model": args.model, "split": args.split, "cores": os.cpu_count()}
    found |= latency(args.model, imread(every[0].image))
    context = multiprocessing.get_context("spawn")
    cores = context.Queue()
    for number in range(args.jobs):
        cores.put(number % (os.cpu_count() or 1))
    with ProcessPoolExecutor(args.jobs, context, take_core, (cores,)) as pool:
        asked = [pool.submit(measure, s, args.model, args.clicks) for s in every]
        results = []
        for number, answer in enumerate(asked, 1):
            results.append(answer.result())
            if number % 20 == 0:
                LOG.info("%d of %d images", number, len(every))
    return found | summary(results, args.clicks)


def main() -> None:
    args = arguments()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    found = evaluate(args)
    text = markdown(found)
    LOG.info("%s", text)
    if args.json:
        args.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        table = args.json.with_name(args.json.stem.upper() + ".md")
        table.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
