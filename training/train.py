"""Train the starter model on clicks simulated on crops; export it at the end.

The schedule follows the clock, not a step count, so that a busy machine trains
less but always ends annealed.
"""

import argparse
import logging
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import multiprocessing
from torch.utils.data import DataLoader

from training.data import Batch, Crops, Sample, load
from training.export import export
from training.network import Starter
from training.rounds import whole_image_ious
from training.run import Run, Team, keep_memory

LOG = logging.getLogger("training")
SIDE_EARLY, SIDE_LATE = 256, 384  # of crops
LATE = 0.85  # part of the time after which crops are larger, and fewer
LOG_SECONDS = 30
SAVE_SECONDS = 180
WATCH_SECONDS = 900
WATCH_EVERY = 3  # of the held-out images: whole images are slow to click on
PACKAGED = Path(__file__).parents[1] / "src" / "napari_sam21" / "models" / "starter"

History = list[tuple[float, list[float]]]


class Timer:
    """Rings every so many seconds of a run's own time."""

    def __init__(self, seconds: float, now: float) -> None:
        self.seconds, self.last = seconds, now

    def rings(self, now: float) -> bool:
        if now - self.last < self.seconds:
            return False
        self.last = now
        return True


def batches(
    samples: list[Sample], side: int, crops: int, objects: int, seed: int
) -> Iterator[Batch]:
    source = Crops(samples, side, crops, objects, seed)
    return iter(DataLoader(source, batch_size=None, num_workers=1, prefetch_factor=4))


def stream(
    run: Run, samples: list[Sample], args: argparse.Namespace, rank: int
) -> Iterator[Batch]:
    """Batches of this process; larger and fewer crops when the run nears its end."""
    crops, seed = args.crops // args.processes, args.seed + 1000 * rank + run.steps
    if run.progress < LATE:
        small = batches(samples, SIDE_EARLY, crops, args.objects, seed)
        while run.progress < LATE:
            yield next(small)
    yield from batches(samples, SIDE_LATE, max(crops // 2, 1), args.objects, seed + 1)


def train(run: Run, team: Team, args: argparse.Namespace) -> None:
    """Train until the time is up; the first process logs, saves and watches."""
    leads = team.rank == 0
    dev = load(args.data, "dev") if leads else []
    source = stream(run, load(args.data, "train"), args, team.rank)
    history: History = []
    start = run.elapsed
    log, save, watch = (
        Timer(s, start) for s in (LOG_SECONDS, SAVE_SECONDS, WATCH_SECONDS)
    )
    clock = time.monotonic() - start
    while run.progress < 1:
        history.append(run.step(next(source), team, time.monotonic() - clock))
        if leads and log.rings(run.elapsed):
            report(run, history)
            history = []
        if leads and save.rings(run.elapsed):
            run.save()
        if leads and watch.rings(run.elapsed):
            look(run.average, dev[::WATCH_EVERY])
    if leads:
        run.save()
        look(run.average, dev)


def report(run: Run, history: History) -> None:
    firsts = np.mean([reached[0] for _, reached in history])
    thirds = [reached[2] for _, reached in history if len(reached) > 2]
    LOG.info(
        "%5.1f min, step %d (%d), loss %.3f, IoU@1 %.3f, IoU@3 %.3f",
        run.elapsed / 60,
        run.steps,
        len(history),
        np.mean([loss for loss, _ in history]),
        firsts,
        np.mean(thirds) if thirds else np.nan,
    )


def look(model: Starter, samples: list[Sample]) -> None:
    """Log the IoU after 1, 2 and 3 clicks on whole held-out images."""
    groups = defaultdict(list)
    for sample in samples:
        ious = whole_image_ious(model, sample, clicks=3, most=5)
        groups[sample.modality].append(ious)
        groups["all"].append(ious)
    for name, found in sorted(groups.items()):
        joined = np.concatenate(found)
        figures = " / ".join(f"{x:.3f}" for x in joined.mean(0))
        LOG.info("dev %s (%d objects): %s", name, len(joined), figures)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=80)
    parser.add_argument("--out", type=Path, default=Path("training/runs/last"))
    parser.add_argument("--export", type=Path, default=PACKAGED)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--crops", type=int, default=8, help="a step, of all processes")
    parser.add_argument("--objects", type=int, default=5, help="a crop")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def member(team: Team, args: argparse.Namespace) -> Run:
    """Run one process of the team to the end."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    keep_memory()
    torch.set_num_threads(1)
    run = Run(args.out, args.minutes, args.seed)
    if args.resume:
        run.resume()
    train(run, team, args)
    return run


def main() -> None:
    args = arguments()
    args.out.mkdir(parents=True, exist_ok=True)
    context = multiprocessing.get_context("spawn")
    size = sum(p.numel() for p in Starter().parameters()) + 1
    shared = torch.zeros(args.processes, size).share_memory_()
    barrier = context.Barrier(args.processes)
    others = [
        context.Process(target=member, args=(Team(shared, barrier, rank), args))
        for rank in range(1, args.processes)
    ]
    for process in others:
        process.start()
    run = member(Team(shared, barrier, 0), args)
    for process in others:
        process.join()
    export(run.average, args.export)


if __name__ == "__main__":
    main()
