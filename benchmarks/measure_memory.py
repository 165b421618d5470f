"""Peak memory of a fresh process that loads, encodes and decodes, ours over bare.

Run as a module with ``ours`` or ``bare`` and a folder, it is that process, and prints
its peak in MB.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

from benchmarks.timing import Outcome, interleaved, ratio

STATUS = Path("/proc/self/status")


def peak_mb() -> float:
    """Return this process's own peak of resident memory.

    On Linux `ru_maxrss` starts from what the parent had when it forked, so the
    kernel's high-water mark of this program is read instead.
    """
    if STATUS.exists():
        lines = STATUS.read_text(encoding="ascii").splitlines()
        return next(int(x.split()[1]) for x in lines if x.startswith("VmHWM")) / 1024
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def run_ours(folder: Path) -> None:
    """Load, encode and decode by the public API."""
    import napari_sam21 as sam
    from benchmarks.subject import rgb_image

    model = sam.load_model(folder)
    embedding = model.encode(rgb_image())
    model.decode(embedding, sam.Prompts([(512.0, 512.0)], [1])).mask()


def run_bare(folder: Path) -> None:
    """Do the same with bare sessions on ready tensors."""
    from benchmarks.subject import (
        bare_session,
        decoder_feeds,
        decoder_outputs,
        ready_tensor,
        run_encoder,
    )

    encoder, decoder = (bare_session(folder, part) for part in ("encoder", "decoder"))
    feeds = decoder_feeds(run_encoder(encoder, ready_tensor()))
    decoder.run(decoder_outputs(decoder), feeds)


def child(side: str, folder: Path) -> float:
    """Run one side in a fresh process; return its peak in MB."""
    command = [sys.executable, "-m", "benchmarks.measure_memory", side, str(folder)]
    root = Path(__file__).parent.parent
    done = subprocess.run(
        command, cwd=root, check=True, stdout=subprocess.PIPE, text=True
    )
    return float(done.stdout)


def measure(folder: Path, rounds: int) -> list[Outcome]:
    """Compare the peaks."""
    folder = folder.resolve()
    sides = {
        "ours": lambda: child("ours", folder),
        "bare": lambda: child("bare", folder),
    }
    peaks = interleaved(sides, rounds, warm_up=0)
    return [ratio("memory", peaks["ours"], peaks["bare"], unit="MB")]


if __name__ == "__main__":
    {"ours": run_ours, "bare": run_bare}[sys.argv[1]](Path(sys.argv[2]))
    sys.stdout.write(f"{peak_mb()}\n")
