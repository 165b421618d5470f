"""Train the starter model on clicks simulated on crops; export it at the end.

The schedule follows the clock, not a step count, so that a busy machine trains
less but always ends annealed. Then the head that predicts IoU is fitted to whole
images, with the rest frozen.
"""

import argparse
import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import multiprocessing
from torch.utils.data import DataLoader

from training.calibrate import calibrate
from training.data import Batch, Crops, Sample, load
from training.export import export
from training.network import Starter
from training.run import Run, Team, keep_memory
from training.watch import table

LOG = logging.getLogger("training")
# Until which part of the time the views of ``data.VIEWS`` are drawn by which odds.
PHASES = {0.55: (0.78, 0.18, 0.04), 0.85: (0.55, 0.35, 0.10), 1.0: (0.35, 0.45, 0.20)}
LOG_SECONDS = 30
SAVE_SECONDS = 180
WATCH_SECONDS = 1500
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


def stream(
    run: Run, samples: list[Sample], args: argparse.Namespace, rank: int
) -> Iterator[Batch]:
    """Batches of this process; wider views as the run nears its end."""
    reached = json.loads(args.hardness.read_text()) if args.hardness else {}
    for until, odds in PHASES.items():
        seed = args.seed + run.steps
        source = Crops(samples, odds, seed, rank, reached)
        loader = DataLoader(source, batch_size=None, num_workers=1, prefetch_factor=4)
        batches = iter(loader)
        while run.progress < until:
            yield next(batches)
        del batches


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
    for batch in source:
        history.append(run.step(batch, team, time.monotonic() - clock))
        if leads and log.rings(run.elapsed):
            report(run, history)
            history = []
        if leads and save.rings(run.elapsed):
            run.save()
        if leads and watch.rings(run.elapsed):
            look(run.average, dev[::WATCH_EVERY], most=5)
    if leads:
        run.save()


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


def look(model: Starter, samples: list[Sample], most: int) -> None:
    """Log figures on whole held-out images."""
    for line in table(model, samples, 3, most):
        LOG.info("dev %s", line)


def finish(run: Run, args: argparse.Namespace) -> None:
    """Fit the predicted IoU to whole images, export, look at dev."""
    samples = load(args.data, "train")
    calibrate(run.average, samples, args.calibrate * 60, args.seed, args.processes)
    torch.save({"average": run.average.state_dict()}, args.out / "calibrated.pt")
    export(run.average, args.export)
    look(run.average, load(args.data, "dev"), most=15)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=80)
    parser.add_argument("--out", type=Path, default=Path("training/runs/last"))
    parser.add_argument("--export", type=Path, default=PACKAGED)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--rate", type=float, default=1e-3, help="peak, learning")
    parser.add_argument("--warm", type=Path, help="last.pt of an older network")
    parser.add_argument("--hardness", type=Path, help="of training.hardness")
    parser.add_argument("--calibrate", type=float, default=6, help="minutes")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def member(team: Team, args: argparse.Namespace) -> Run:
    """Run one process of the team to the end."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    keep_memory()
    torch.set_num_threads(1)
    run = Run(args.out, args.minutes, args.rate, args.seed)
    if args.resume:
        run.resume()
    elif args.warm:
        run.warm(args.warm)
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
    finish(run, args)


if __name__ == "__main__":
    main()
