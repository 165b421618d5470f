"""Small jobs later, in order; those that wait are done before the interpreter ends."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from napari_sam21.core.background import Background, flush_all

SCRIPT = """
import sys, time
from napari_sam21.core.background import Background

def job():
    time.sleep(0.3)
    open(sys.argv[1], "w").close()

Background("test").submit(job)
"""


def test_jobs_are_done_in_order() -> None:
    done: list[int] = []
    background = Background("test-order", room=50)
    for number in range(50):
        assert background.submit(lambda number=number: done.append(number))
    assert flush_all()
    assert done == list(range(50))


def test_who_flushes_is_told_that_a_job_takes_longer() -> None:
    go = threading.Event()
    background = Background("test-long")
    background.submit(go.wait)
    assert not flush_all(0.01)
    go.set()
    assert flush_all()


def test_the_end_of_the_interpreter_waits_for_a_job(tmp_path: Path) -> None:
    made = tmp_path / "made"
    subprocess.run([sys.executable, "-c", SCRIPT, str(made)], check=True, timeout=60)
    assert made.exists()
