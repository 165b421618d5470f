"""A process of its own for what may raise, hang, or end its process.

The child reads a request from a file and writes its answer to another: providers print
what they like. It ends with its parent: it watches its standard input.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any

from napari_sam21.core.errors import ProviderError
from napari_sam21.core.runtime import Cancellation

MODULE = "napari_sam21.models.choosing.trial"
LIMIT = 180.0
"""Seconds that one way may take; compiling for a card takes minutes, once."""

TOLD = 300
"""Characters of what a child said last, in a message."""


def ask(
    request: dict[str, Any], cancel: Cancellation, limit: float = LIMIT
) -> dict[str, Any]:
    """Have a request answered by a child.

    Parameters
    ----------
    request : dict
        Plain values; see `trial`.
    cancel : Cancellation
        Ends the child at once.
    limit : float
        Seconds after which it is ended.

    Raises
    ------
    ProviderError
        If there is no answer: it says why.
    Cancelled
        If ``cancel`` was called.
    """
    with tempfile.TemporaryDirectory(prefix="napari-sam21-trial-") as name:
        folder = Path(name)
        (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
        with (folder / "said").open("w+b") as said:
            why = _run(folder, said, cancel, limit)
            if why:
                raise ProviderError(why)
        try:
            answer: dict[str, Any] = json.loads(
                (folder / "answer.json").read_text(encoding="utf-8")
            )
        except (OSError, ValueError) as error:
            raise ProviderError(f"its process gave no answer ({error})") from error
    if "error" in answer:
        raise ProviderError(str(answer["error"]))
    return answer


def _run(folder: Path, said: IO[bytes], cancel: Cancellation, limit: float) -> str:
    """Run a child to its end; return what went wrong."""
    if not sys.executable:
        return "there is no Python to try it with in a process of its own"
    # The child finds the packages that this process found, wherever they are.
    paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
    try:
        child = subprocess.Popen(
            [sys.executable, "-m", MODULE, str(folder)],
            stdin=subprocess.PIPE,
            stdout=said,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONPATH": paths},
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except OSError as error:
        return f"no process can be started to try it ({error.strerror})"
    with child:
        try:
            cancel.attach(child.kill)
            child.wait(limit)
        except subprocess.TimeoutExpired:
            return f"it did not answer within {limit:.0f} s"
        finally:
            child.kill()
    cancel.raise_if_wished()
    return "" if child.returncode == 0 else _end_in_words(child.returncode, said)


def _end_in_words(code: int, said: IO[bytes]) -> str:
    said.seek(0)
    lines = said.read().decode("utf-8", "replace").strip().splitlines()
    last = f": {lines[-1][:TOLD]}" if lines else ""
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return f"its process ended ({how}){last}"
