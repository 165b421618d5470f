"""An environment for each peer, made once; what cannot be installed is named."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.peers.table import Peer

FOLDER = Path(__file__).parent / "environments"
LINES = 3
"""Of what pip says last that are kept when it fails."""


class CannotInstall(Exception):
    """A peer's environment could not be made; the message says why."""


def python_of(peer: Peer) -> Path:
    """Return the interpreter that a peer runs in; make its environment if need be.

    Raises
    ------
    CannotInstall
    """
    if not peer.environment:
        return Path(sys.executable)
    folder = FOLDER / peer.environment
    python = folder / "bin" / "python"
    done = folder / "installed"
    if done.exists():
        return python
    _run([sys.executable, "-m", "venv", "--clear", str(folder)])
    for step in peer.steps:
        _run([str(python), "-m", "pip", "install", "--quiet", *step])
    done.touch()
    return python


def _run(command: list[str]) -> None:
    environment = {**os.environ, "SAM2_BUILD_CUDA": "0"}
    found = subprocess.run(
        command, capture_output=True, text=True, env=environment, check=False
    )
    if found.returncode:
        said = (found.stderr or found.stdout).strip().splitlines()[-LINES:]
        raise CannotInstall(" ".join(said))
