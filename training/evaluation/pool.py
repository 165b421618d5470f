"""Images shared out to processes, each on a core of its own."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing.queues import Queue
from pathlib import Path

from training.evaluation.cache import LOG, Cache, Entry
from training.evaluation.protocols import PROTOCOLS
from training.evaluation.scenes import Scene
from training.evaluation.segmenters import fingerprint, open_segmenter
from training.evaluation.sitting import Found, Sitting

TOLD_EVERY = 10


@dataclass(frozen=True)
class Job:
    """Some protocols on one image."""

    model: str
    scene: Scene
    digest: str
    protocols: tuple[str, ...]


def work(job: Job) -> list[Entry]:
    """Encode an image once and run the protocols on it."""
    image, labels = job.scene.read()
    segmenter = open_segmenter(job.model)
    sitting = Sitting.of(segmenter, image, labels, job.scene.name)
    chosen = [PROTOCOLS[name] for name in job.protocols]
    return [Entry(job.digest, each.key, each.run(sitting)) for each in chosen]


def measure(
    model: str,
    scenes: Sequence[Scene],
    protocols: Sequence[str],
    cache: Cache,
    jobs: int,
) -> list[tuple[Scene, dict[str, Found]]]:
    """Measure what the cache does not hold yet; return all, by protocol's name."""
    digests = [scene.digest for scene in scenes]
    known = cache.load()
    missing = [
        Job(model, scene, digest, names)
        for scene, digest in zip(scenes, digests, strict=True)
        if (names := tuple(n for n in protocols
                           if (digest, PROTOCOLS[n].key) not in known))
    ]  # fmt: skip
    LOG.info("%s: %d of %d images to do", model, len(missing), len(scenes))
    for entry in run(missing, jobs):
        cache.add(entry)
        known[entry.image, entry.protocol] = entry.found
    return [
        (scene, {name: known[digest, PROTOCOLS[name].key] for name in protocols})
        for scene, digest in zip(scenes, digests, strict=True)
    ]


def run(todo: Sequence[Job], jobs: int) -> Iterator[Entry]:
    """Yield what is found as it comes."""
    context = multiprocessing.get_context("spawn")
    cores: Queue[int] = context.Queue()
    for number in range(jobs):
        cores.put(number)
    started = time.monotonic()
    with ProcessPoolExecutor(jobs, context, take_core, (cores,)) as pool:
        # The largest first, so that no process is left alone with one at the end.
        order = sorted(todo, key=lambda job: -job.scene.labels.stat().st_size)
        futures = [pool.submit(work, job) for job in order]
        for number, future in enumerate(as_completed(futures), 1):
            yield from future.result()
            if number % TOLD_EVERY == 0 or number == len(todo):
                minutes = (time.monotonic() - started) / 60
                LOG.info("%d of %d images, %.1f min", number, len(todo), minutes)


def take_core(cores: Queue[int]) -> None:
    """Keep this process on one core, so that processes do not wait for each other."""
    if hasattr(os, "sched_setaffinity"):
        mine = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {mine[cores.get() % len(mine)]})


def cache_of(model: str, folder: Path) -> Cache:
    """Return the file that keeps what a segmenter did."""
    return Cache(folder, fingerprint(model))
