"""One ONNX file, loaded and run by onnxruntime; `providers` knows in which ways."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_sam21.core.contract import ANY, Tensor
from napari_sam21.core.errors import Cancelled, ModelError, ProviderError
from napari_sam21.core.providers.compiled import Compiled
from napari_sam21.core.providers.library import onnxruntime
from napari_sam21.core.providers.plugins import faults
from napari_sam21.core.providers.sessions import (
    open_session,
    session_options,
    version_of,
)
from napari_sam21.core.providers.way import CPU, EXACT, FAST, Way

DEFAULT_PROVIDERS = (CPU.provider,)

WRITTEN = {EXACT: "float32", FAST: "fast"}
"""The precisions in a signature."""

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
    way : Way
        How it is run.
    beside : sequence of Path
        Files that hold weights of this one, in order.
    compiled : Compiled, optional
        Where what is made of the file is kept, to load it quickly. Default: nowhere.
    on_fault : callable, optional
        Gets the message if the provider cannot run it, now or later: then the CPU
        does, exactly. Default: that is an error.
    digest : str
        Of all these files, where it is known already.
    threads : int
        Of a run; 0 is one for each core.

    Attributes
    ----------
    inputs, outputs : dict of str to Tensor
    digest : str
        SHA-256 of the file, and of those that hold weights of it; hexadecimal.

    Raises
    ------
    ModelError
        If the file is missing, damaged, or not ONNX.
    ProviderError
        If the provider cannot run it, and nobody is to be told.
    """

    def __init__(
        self,
        source: Path | bytes,
        where: str,
        way: Way = CPU,
        beside: Sequence[Path] = (),
        compiled: Compiled | None = None,
        on_fault: Callable[[str], object] | None = None,
        digest: str = "",
        threads: int = 0,
    ) -> None:
        self.where = where
        self.digest = digest or digest_of((source, *beside), where)
        self._source, self._on_fault = source, on_fault
        self._threads = threads
        # What lies in several files is not kept as one.
        self._compiled = None if beside else compiled
        self._changing = threading.Lock()
        try:
            self._open = self._opened(way)
        except ProviderError as error:
            self._open = self._fallen_back(str(error))
        if self._open.way == CPU:
            self._source = b""  # an archive's content is not held for a fallback
        self.inputs = _tensors(self._open.session.get_inputs())
        self.outputs = _tensors(self._open.session.get_outputs())

    @property
    def way(self) -> Way:
        """How it is run now."""
        return self._open.way

    @property
    def signature(self) -> str:
        """How it runs: provider, version, precision."""
        return self._open.signature

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
        return self.run_signed(feeds, outputs, cancel)[0]

    def run_signed(
        self,
        feeds: Mapping[str, Float32],
        outputs: Sequence[str],
        cancel: Cancellation | None = None,
    ) -> tuple[list[Float32], str]:
        """Run as `run` does, and tell by which `signature`: it may be another one now.

        A provider that fails, or gives numbers that are none, is given up for the CPU.
        """
        used = self._open
        try:
            results = _run(used, self.where, feeds, outputs, cancel)
            if used.way == CPU or all(np.isfinite(each).all() for each in results):
                return results, used.signature
            fault = f"{used.way.place} gave numbers that are none for the {self.where}"
        except ModelError as error:
            if self._on_fault is None or used.way == CPU:
                raise
            fault = str(error)
        exact = self._given_up(used, fault)
        return _run(exact, self.where, feeds, outputs, cancel), exact.signature

    def _given_up(self, used: _Open, fault: str) -> _Open:
        """Run it by the CPU from now on; once, whichever thread met the fault."""
        with self._changing:
            if self._open is used:
                self._open = self._fallen_back(fault)
            return self._open

    def _fallen_back(self, fault: str) -> _Open:
        if self._on_fault is None:
            raise ProviderError(f"{fault}; choose another provider, or the CPU")
        exact = self._opened(CPU)
        self._on_fault(fault)
        return exact

    def _opened(self, way: Way) -> _Open:
        if self._compiled is None:
            options = session_options(way, self._threads)
            session = open_session(self._source, self.where, way, options)
        else:
            kept = replace(self._compiled, threads=self._threads)
            session = kept.open(self._source, self.digest, self.where, way)
        return _Open(session, way)


@dataclass(frozen=True)
class _Open:
    """A session, and how it runs."""

    session: Any
    way: Way

    @property
    def signature(self) -> str:
        used = self.session.get_providers()[0] if not self.way.plugin else self.way.code
        precision = WRITTEN[self.way.precision]
        return f"{used}/{version_of(self.way)}/{precision}"


def _run(
    used: _Open,
    where: str,
    feeds: Mapping[str, Float32],
    outputs: Sequence[str],
    cancel: Cancellation | None,
) -> list[Float32]:
    ort = onnxruntime()

    options = ort.RunOptions()
    # What fails is raised; onnxruntime would also print it, a wish to stop too.
    options.log_severity_level = 4
    if cancel is not None:
        cancel.attach(lambda: setattr(options, "terminate", True))
    try:
        results: list[Float32] = used.session.run(list(outputs), dict(feeds), options)
    except faults() as error:
        if cancel is not None:
            cancel.raise_if_wished()
        raise ModelError(f"{where} failed to run: {error}") from error
    return results


def digest_of(sources: Sequence[Path | bytes], where: str) -> str:
    """Digest of one file; of several, the digest of their digests."""
    try:
        found = [_file_digest(source) for source in sources]
    except OSError as error:
        raise ModelError(
            f"{where} cannot be read ({error.strerror}); check the path and its "
            "permissions, or import the model again"
        ) from error
    if len(found) == 1:
        return found[0]
    return hashlib.sha256("".join(found).encode()).hexdigest()


def _file_digest(source: Path | bytes) -> str:
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    with source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _tensors(nodes: Sequence[Any]) -> dict[str, Tensor]:
    return {
        node.name: Tensor(
            "float32" if node.type == "tensor(float)" else str(node.type),
            tuple(size if isinstance(size, int) else ANY for size in node.shape),
        )
        for node in nodes
    }
