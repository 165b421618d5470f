"""Images shared out to processes, each on a core of its own."""

from __future__ import annotations

import math
import multiprocessing
import os
import time
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
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
    minutes: float = math.inf,
) -> list[tuple[Scene, dict[str, Found]]]:
    """Measure what the cache does not hold yet; return all, by protocol's name.

    Images that were not taken up within ``minutes`` are left out.
    """
    digests = [scene.digest for scene in scenes]
    known = cache.load()
    missing = [
        Job(model, scene, digest, names)
        for scene, digest in zip(scenes, digests, strict=True)
        if (names := tuple(n for n in protocols
                           if (digest, PROTOCOLS[n].key) not in known))
    ]  # fmt: skip
    LOG.info("%s: %d of %d images to do", model, len(missing), len(scenes))
    for entry in run(ordered(missing, minutes), jobs, minutes):
        cache.add(entry)
        known[entry.image, entry.protocol] = entry.found
    return [
        (scene, {name: known[digest, PROTOCOLS[name].key] for name in protocols})
        for scene, digest in zip(scenes, digests, strict=True)
        if all((digest, PROTOCOLS[name].key) in known for name in protocols)
    ]


def ordered(todo: Sequence[Job], minutes: float) -> list[Job]:
    """Put large images first, so that no process is left alone with one at the end.

    Where time may run out the order is random: what is done stands for the rest.
    """
    if math.isinf(minutes):
        return sorted(todo, key=lambda job: -job.scene.labels.stat().st_size)
    return sorted(todo, key=lambda job: zlib.crc32(job.digest.encode()))


def run(todo: Sequence[Job], jobs: int, minutes: float) -> Iterator[Entry]:
    """Yield what is found as it comes; take up no image after some minutes."""
    context = multiprocessing.get_context("spawn")
    cores: Queue[int] = context.Queue()
    for number in range(jobs):
        cores.put(number)
    started, done = time.monotonic(), 0
    waiting, running = deque(todo), set[Future[list[Entry]]]()
    with ProcessPoolExecutor(jobs, context, take_core, (cores,)) as pool:
        while True:
            passed = (time.monotonic() - started) / 60
            while waiting and len(running) < jobs and passed < minutes:
                running.add(pool.submit(work, waiting.popleft()))
            if not running:
                break
            ready, running = wait(running, return_when=FIRST_COMPLETED)
            for future in ready:
                yield from future.result()
                done += 1
                if done % TOLD_EVERY == 0 or done == len(todo):
                    LOG.info("%d of %d images, %.1f min", done, len(todo), passed)


def take_core(cores: Queue[int]) -> None:
    """Keep this process on one core, so that processes do not wait for each other."""
    if hasattr(os, "sched_setaffinity"):
        mine = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {mine[cores.get() % len(mine)]})


def cache_of(model: str, folder: Path) -> Cache:
    """Return the file that keeps what a segmenter did."""
    return Cache(folder, fingerprint(model))
