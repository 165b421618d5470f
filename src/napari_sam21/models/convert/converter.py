"""The conversion, step by step."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_sam21.core.runtime import Cancellation, Graph
from napari_sam21.core.sam2 import Model
from napari_sam21.models.convert.architectures import (
    Architecture,
    check_told,
    named,
    published_as,
    recognise,
)
from napari_sam21.models.convert.checkpoint import Checkpoint, read_checkpoint
from napari_sam21.models.convert.compare import compare
from napari_sam21.models.convert.describe import (
    Facts,
    gather,
    list_files,
    metadata,
    write_config,
)
from napari_sam21.models.convert.export import FILE_LIMIT, check, save, to_onnx
from napari_sam21.models.convert.needs import require, versions
from napari_sam21.models.convert.report import ConversionReport, TensorError
from napari_sam21.models.convert.signature import (
    Shapes,
    decoder_inputs,
    decoder_outputs,
    encoder_inputs,
    encoder_outputs,
)
from napari_sam21.models.convert.workshop import check_free, new_folder

STEPS = (
    "read the checkpoint",
    "build the network",
    "export the encoder",
    "export the decoder",
    "compare with torch",
)

Progress = Callable[[str, int, int], None]
"""Called with the step that begins, how many are done, and how many there are."""


@dataclass(frozen=True)
class _Options:
    """What the caller wants of the files."""

    objects: bool
    fourth_token: bool
    external_from: int


def convert(
    checkpoint: Path | str,
    folder: Path | str,
    *,
    architecture: str | None = None,
    objects: bool = True,
    fourth_token: bool = False,
    licence: str | None = None,
    name: str | None = None,
    overwrite: bool = False,
    external_from: int = FILE_LIMIT,
    progress: Progress | None = None,
    cancel: Cancellation | None = None,
) -> ConversionReport:
    """Convert a SAM 2.1 checkpoint into a folder that `load_model` takes.

    The folder gets ``encoder.onnx``, ``decoder.onnx`` and ``config.json``. It appears
    whole at the end, after the files were checked and compared with torch on a real
    image; after a failure or a cancellation nothing is left behind.

    Parameters
    ----------
    checkpoint : Path or str
        ``.pt`` or ``.pth``: Meta's file, or that of a fine-tuning. It is read
        without running any code in it.
    folder : Path or str
        Where to put the files.
    architecture : str, optional
        A name of `ARCHITECTURES`. Default: recognised from the weights.
    objects : bool
        Give the decoder a dynamic object axis: several objects in one run.
    fourth_token : bool
        Add the outputs ``single_mask_low_res`` (B, 1, 256, 256), clamped to ± 32,
        and ``single_mask_iou`` (B, 1): the token behind upstream's
        ``multimask_output=False``, before its fallback to one of the three.
    licence : str, optional
        Of the weights, as SPDX identifier. Default: that of Meta's files is known,
        of others it is not stated.
    name : str, optional
        What people call the model. Default: the checkpoint's file name.
    overwrite : bool
        Replace a folder that is there.
    external_from : int
        From this many bytes of weights on, they are stored in ``<file>.data``. ONNX
        files cannot hold 2 GiB.
    progress : callable, optional
        Called as ``progress(step, done, total)`` when a step begins, and once more
        when all are done.
    cancel : Cancellation, optional
        Stops before the next step; the longest takes about ten seconds.

    Returns
    -------
    ConversionReport
        ``str(report)`` is a table of the errors.

    Raises
    ------
    ModelError
        If torch or sam2 is missing, the checkpoint is not one of SAM 2.1 or is not
        safe to read, the folder is taken, or the result disagrees with torch.
    Cancelled
        If ``cancel`` was called.

    Examples
    --------
    >>> from napari_sam21.models.convert import convert
    >>> report = convert("sam2.1_hiera_tiny.pt", "sam2.1-tiny")  # doctest: +SKIP
    """
    began = time.monotonic()
    path, target = Path(checkpoint), Path(folder)
    told = None if architecture is None else named(architecture)
    require()
    check_free(target, overwrite)
    steps = _Steps(progress, cancel)
    steps.begin()
    weights = read_checkpoint(path)
    found = _recognise(weights, told)
    facts = gather(
        weights, found, versions(), name=name, licence=licence, objects=objects,
        fourth_token=fourth_token,
    )  # fmt: skip
    options = _Options(objects, fourth_token, external_from)
    with new_folder(target, overwrite) as temporary:
        nodes, errors = _fill(temporary, weights, facts, options, steps)
        files = list_files(temporary)
    steps.finish()
    return ConversionReport(
        target, found.name, weights.name, weights.sha256,
        published_as(weights.sha256), facts.licence, files, nodes, weights.left_out,
        errors, time.monotonic() - began,
    )  # fmt: skip


def _recognise(weights: Checkpoint, told: Architecture | None) -> Architecture:
    if told is not None:
        check_told(told, weights.state, weights.name)
        return told
    return recognise(weights.state, weights.name)


class _Steps:
    """Tells of each step of `STEPS` as it begins, and stops before one if wished."""

    def __init__(self, progress: Progress | None, cancel: Cancellation | None) -> None:
        self._progress = progress or (lambda step, done, total: None)
        self._cancel = cancel or Cancellation()
        self._done = 0

    def begin(self) -> None:
        self._cancel.raise_if_wished()
        self._progress(STEPS[self._done], self._done, len(STEPS))
        self._done += 1

    def finish(self) -> None:
        self._progress("done", len(STEPS), len(STEPS))


def _fill(
    folder: Path,
    weights: Checkpoint,
    facts: Facts,
    options: _Options,
    steps: _Steps,
) -> tuple[dict[str, int], tuple[TensorError, ...]]:
    """Write the files into a folder, check them, and compare them with torch."""
    from napari_sam21.models.convert.network import build, load

    steps.begin()
    model = build(facts.architecture)
    load(model, weights)
    nodes = {}
    for part, module, inputs, outputs in _parts(model, options):
        steps.begin()
        path = folder / f"{part}.onnx"
        graph = to_onnx(module, inputs, outputs)
        save(graph, path, metadata(facts, part), options.external_from)
        nodes[path.name] = check(path, inputs, outputs)
    write_config(folder, facts)
    steps.begin()
    encoder, decoder = (_graph(folder, part) for part in ("encoder", "decoder"))
    Model(facts.name, encoder, decoder)  # keeps the contract that the plugin reads
    return nodes, compare(model, encoder, decoder, options.fourth_token)


def _parts(model: Any, options: _Options) -> list[tuple[str, Any, Shapes, Shapes]]:
    """Name, module, inputs and outputs of both files."""
    from napari_sam21.models.convert.network import Decoder, Encoder

    objects, fourth = options.objects, options.fourth_token
    return [
        (
            "encoder",
            Encoder(model),
            encoder_inputs(),
            encoder_outputs(),
        ),
        (
            "decoder",
            Decoder(model, fourth),
            decoder_inputs(objects),
            decoder_outputs(objects, fourth),
        ),
    ]


def _graph(folder: Path, part: str) -> Graph:
    return Graph(folder / f"{part}.onnx", f"converted {part}")
