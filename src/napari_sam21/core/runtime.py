"""One ONNX file, loaded and run by onnxruntime; nothing else here talks to it."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_sam21.core.contract import ANY, Tensor
from napari_sam21.core.errors import Cancelled, ModelError

DEFAULT_PROVIDERS = ("CPUExecutionProvider",)

Float32 = npt.NDArray[np.float32]


class Cancellation:
    """A wish to stop that reaches a run in progress, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stop: Callable[[], object] | None = None
        self._wished = False

    @property
    def wished(self) -> bool:
        """Whether `cancel` was called."""
        return self._wished

    def cancel(self) -> None:
        """Stop what is in progress (within about 0.1 s) and every later run."""
        with self._lock:
            self._wished = True
            if self._stop is not None:
                self._stop()

    def raise_if_wished(self) -> None:
        """Raise `Cancelled` if `cancel` was called."""
        if self._wished:
            raise Cancelled("cancelled")

    def attach(self, stop: Callable[[], object]) -> None:
        """Name what stops the work that begins now; `Cancelled` if it may not begin.

        Parameters
        ----------
        stop : callable
            Called at most once a wish, from the thread that wishes; must not wait.
        """
        with self._lock:
            self._stop = stop
        self.raise_if_wished()


class Graph:
    """A loaded ONNX file.

    Parameters
    ----------
    source : Path or bytes
        The file, or its content (from an archive).
    where : str
        What to call it in messages.
    providers : sequence of str
        Execution providers, in order of preference.
    beside : sequence of Path
        Files that hold weights of this one, in order.
    threads : int
        Of a run; 0 is one for each core that this process may use.

    Attributes
    ----------
    inputs, outputs : dict of str to Tensor
    digest : str
        SHA-256 of the file, and of those that hold weights of it; hexadecimal.
    signature : str
        How it runs: provider, runtime version, precision.

    Raises
    ------
    ModelError
        If the file is missing, damaged, or not ONNX.
    """

    def __init__(
        self,
        source: Path | bytes,
        where: str,
        providers: Sequence[str] = DEFAULT_PROVIDERS,
        beside: Sequence[Path] = (),
        threads: int = 0,
    ) -> None:
        import onnxruntime as ort

        self.where = where
        self.digest = _digest((source, *beside), where)
        self._session = _open_session(source, where, providers, threads or _threads())
        self.inputs = _tensors(self._session.get_inputs())
        self.outputs = _tensors(self._session.get_outputs())
        used = self._session.get_providers()[0]
        self.signature = f"{used}/{ort.__version__}/float32"

    def run(
        self,
        feeds: Mapping[str, Float32],
        outputs: Sequence[str],
        cancel: Cancellation | None = None,
    ) -> list[Float32]:
        """Run the graph and return the named outputs.

        Parameters
        ----------
        feeds : mapping of str to array of float32
        outputs : sequence of str
            Names; what is not named is not kept or copied.
        cancel : Cancellation, optional
            Stops the run from another thread.

        Raises
        ------
        Cancelled
            If ``cancel`` was called before or during the run.
        ModelError
            If the graph fails on these inputs.
        """
        import onnxruntime as ort
        from onnxruntime.capi import onnxruntime_pybind11_state as state

        options = ort.RunOptions()
        # What fails is raised; onnxruntime would also print it, a wish to stop too.
        options.log_severity_level = 4
        if cancel is not None:
            cancel.attach(lambda: setattr(options, "terminate", True))
        try:
            results: list[Float32] = self._session.run(
                list(outputs), dict(feeds), options
            )
        except (state.Fail, state.InvalidArgument, state.RuntimeException) as error:
            if cancel is not None:
                cancel.raise_if_wished()
            raise ModelError(f"{self.where} failed to run: {error}") from error
        return results


def _digest(sources: Sequence[Path | bytes], where: str) -> str:
    """Digest of one file; of several, the digest of their digests."""
    try:
        found = [_digest_of(source) for source in sources]
    except OSError as error:
        raise ModelError(
            f"{where} cannot be read ({error.strerror}); check the path and its "
            "permissions, or import the model again"
        ) from error
    if len(found) == 1:
        return found[0]
    return hashlib.sha256("".join(found).encode()).hexdigest()


def _digest_of(source: Path | bytes) -> str:
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    with source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _open_session(
    source: Path | bytes, where: str, providers: Sequence[str], threads: int
) -> Any:
    import onnxruntime as ort
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    unknown = set(providers) - set(ort.get_available_providers())
    if unknown or not providers:
        raise ModelError(
            f"execution providers {sorted(unknown)} are not in this onnxruntime; "
            f"it has {ort.get_available_providers()}"
        )
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    # Threads may spin within a run, but must sleep after it: napari shares the cores.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.log_severity_level = 3
    content = source if isinstance(source, bytes) else str(source)
    broken = (
        state.Fail, state.InvalidProtobuf, state.InvalidGraph, state.NoModel,
        state.InvalidArgument, state.NotImplemented, state.RuntimeException,
        state.NoSuchFile, UnicodeDecodeError,
    )  # fmt: skip
    try:
        # No fallback to other providers, of which onnxruntime would speak on stderr.
        return ort.InferenceSession(
            content, options, providers=list(providers), enable_fallback=0
        )
    except broken as error:
        raise ModelError(
            f"{where} is not an ONNX model or is damaged ({_first_line(error)}); fetch "
            "or import the model again"
        ) from error


def _first_line(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):  # of a message that names a node
        return "a name in it is no text"
    return (str(error).splitlines() or [""])[0][:200]


def _threads() -> int:
    """All the cores this process may use; 0 would ignore its CPU affinity."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return 0


def _tensors(nodes: Sequence[Any]) -> dict[str, Tensor]:
    return {
        node.name: Tensor(
            "float32" if node.type == "tensor(float)" else str(node.type),
            tuple(size if isinstance(size, int) else ANY for size in node.shape),
        )
        for node in nodes
    }
