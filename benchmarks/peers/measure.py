"""Ask every peer in turns: load, encode, click, memory.

python -m benchmarks.peers.measure [--model FOLDER] [--rounds 20] [--only NAME ...]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers.environment import CannotInstall, python_of
from benchmarks.peers.table import NOT_HERE, PEERS, Peer
from benchmarks.report import facts_of
from benchmarks.subject import DEFAULT, find_model, grey_image
from benchmarks.timing import Spread, interleaved

ROOT = Path(__file__).parents[2]
OUT = ROOT / "benchmarks" / "results" / "peers.json"
CLICK_AT = (512.0, 512.0)
CLICKS = 3
"""Clicks for every encode: they are short."""


class Process:
    """A peer that runs, and waits to be asked."""

    def __init__(self, peer: Peer, model: Path, threads: int) -> None:
        command = [str(python_of(peer)), "-m", "benchmarks.peers.serve"]
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": str(threads),
            "PYTHONPATH": str(ROOT),
        }
        self._process = subprocess.Popen(
            [*command, peer.subject, str(model), *peer.options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=ROOT,
            env=environment,
        )
        self.load_ms = float(self._told()["ms"])

    def ask(self, **what: Any) -> dict[str, Any]:
        """Ask, and wait for the answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        return self._told()

    def _told(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise CannotInstall(f"it ended with {self._process.wait()}")
        told: dict[str, Any] = json.loads(line)
        return told

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


def started(
    names: Sequence[str], model: Path, threads: int
) -> tuple[dict[str, Process], dict[str, str]]:
    """Start the peers; return those that run, and why the others do not."""
    running, failed = {}, dict(NOT_HERE)
    for name in names:
        print(f"{PEERS[name].title} …", file=sys.stderr, flush=True)
        try:
            running[name] = Process(PEERS[name], model, threads)
        except CannotInstall as error:
            failed[PEERS[name].title] = str(error)
    return running, failed


def measured(running: dict[str, Process], rounds: int) -> dict[str, Any]:
    """Encode and click in turns; rows of spreads by peer."""
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "image.npy"
        np.save(image, grey_image())

        def asking(name: str, **what: Any) -> Any:
            return lambda: float(running[name].ask(**what)["ms"])

        encode = {n: asking(n, do="encode", image=str(image)) for n in running}
        encoded = interleaved(encode, rounds)
        click = {n: asking(n, do="click", at=CLICK_AT) for n in running}
        clicked = interleaved(click, rounds * CLICKS)
    return {
        name: {
            "title": PEERS[name].title,
            "note": PEERS[name].note,
            "load_ms": process.load_ms,
            "encode_ms": asdict(Spread.of(encoded[name])),
            "click_ms": asdict(Spread.of(clicked[name])),
            "peak_megabytes": process.ask(do="memory")["megabytes"],
        }
        for name, process in running.items()
    }


def main() -> None:
    """Measure and write a JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default=str(DEFAULT))
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--only", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--json", type=Path, default=OUT)
    options = parser.parse_args()
    model = find_model(options.model)
    cores = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))(0)
    facts = facts_of(model, 1.0)
    running, failed = started(options.only, model, len(cores))
    try:
        rows = measured(running, options.rounds)
    finally:
        for process in running.values():
            process.close()
    found = {**facts, "threads": len(cores), "peers": rows, "not measured": failed}
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    print(options.json)


if __name__ == "__main__":
    main()
