"""What came out of a conversion: files, and how far they are from torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

TOLERANCE = 1e-3
"""Largest difference that counts as agreement, in standard deviations."""


@dataclass(frozen=True)
class TensorError:
    """How far onnxruntime is from torch in one tensor.

    Attributes
    ----------
    case : str
        What was asked: the image, or the prompts.
    tensor : str
        Name of the output.
    max_abs : float
        Largest absolute difference.
    relative : float
        The same, divided by the standard deviation of torch's tensor.
    """

    case: str
    tensor: str
    max_abs: float
    relative: float


@dataclass(frozen=True)
class WrittenFile:
    """One file of the folder.

    Attributes
    ----------
    name : str
    nbytes : int
    sha256 : str
    """

    name: str
    nbytes: int
    sha256: str


@dataclass(frozen=True)
class ConversionReport:
    """What was converted, what was written, and how well it agrees.

    Attributes
    ----------
    folder : Path
        Holds ``encoder.onnx``, ``decoder.onnx`` and ``config.json``.
    architecture : str
        Name in `ARCHITECTURES`.
    source : str
        File name of the checkpoint.
    source_sha256 : str
        Its digest.
    published_as : str or None
        Name of Meta's file of this digest; None for any other checkpoint.
    licence : str or None
        Of the weights, as told or known; None if neither.
    files : tuple of WrittenFile
    nodes : dict of str to int
        Number of graph nodes by file name.
    left_out : tuple of str
        Tensors of the checkpoint that belong to other heads and were not used.
    errors : tuple of TensorError
        onnxruntime against torch, on a real image.
    seconds : float
        Time it took.
    """

    folder: Path
    architecture: str
    source: str
    source_sha256: str
    published_as: str | None
    licence: str | None
    files: tuple[WrittenFile, ...]
    nodes: dict[str, int]
    left_out: tuple[str, ...]
    errors: tuple[TensorError, ...]
    seconds: float

    @property
    def worst(self) -> float:
        """Largest difference of all tensors, in their standard deviations."""
        return max(error.relative for error in self.errors)

    @property
    def agrees(self) -> bool:
        """Whether the largest difference is within `TOLERANCE`."""
        return self.worst <= TOLERANCE

    def __str__(self) -> str:
        return "\n".join((*self._head(), *self._table(), self._verdict()))

    def _head(self) -> list[str]:
        origin = f", Meta's {self.published_as}" if self.published_as else ""
        lines = [
            f"{self.source} (SHA-256 {self.source_sha256[:12]}…{origin})",
            f"architecture {self.architecture}; licence "
            f"{self.licence or 'not stated'}; {self.seconds:.0f} s",
            f"in {self.folder}:",
        ]
        lines += [f"  {file.name}: {file.nbytes:,} bytes" for file in self.files]
        if self.left_out:
            lines.append(f"not used: {len(self.left_out)} tensors of other heads")
        return lines

    def _table(self) -> list[str]:
        header = "onnxruntime against torch: largest difference, and in standard"
        rows = [
            f"  {e.case:<32} {e.tensor:<20} {e.max_abs:8.1e} {e.relative:8.1e}"
            for e in self.errors
        ]
        return [f"{header} deviations", *rows]

    def _verdict(self) -> str:
        verdict = "kept" if self.agrees else "EXCEEDED"
        return f"worst {self.worst:.1e}, tolerance {TOLERANCE:.0e}: {verdict}"
