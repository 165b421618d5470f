"""From a name, or a path, to a loaded model. Never fetches."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_sam21.core.errors import ModelError
from napari_sam21.core.providers.sessions import way_of
from napari_sam21.core.runtime import DEFAULT_PROVIDERS, Graph
from napari_sam21.core.sam2 import Model
from napari_sam21.models.choosing.result import Pair
from napari_sam21.models.choosing.wish import wished
from napari_sam21.models.library import ABSENT, state_of
from napari_sam21.models.parts import Part, Parts, parts_of


def model_path(name: str) -> Path:
    """Return the folder of a model that is on this machine.

    Parameters
    ----------
    name : str
        Of the table, or of a model that was imported.

    Raises
    ------
    ModelError
        If the name is unknown, or the files are not there or damaged.
    """
    state = state_of(name)
    if state.state == ABSENT:
        raise ModelError(
            f"model {name!r} is not on this machine ({state.size / 1e6:.0f} MB). Fetch "
            f'it with napari_sam21.fetch_model("{name}"), napari-sam21 setup {name} or '
            "in the dock, or import a file of it (napari-sam21 models import FILE)"
        )
    if state.folder is None or not state.ready:
        raise ModelError(state.problem)
    return state.folder


def load_model(
    model: str | Path,
    providers: Sequence[str] | None = DEFAULT_PROVIDERS,
    threads: int = 0,
) -> Model:
    """Load a model that is on this machine; nothing is ever fetched.

    Parameters
    ----------
    model : str or Path
        A name of `MODELS` or of an imported model, or the path of a folder,
        ``.dtmodel`` or ``.zip`` that holds an encoder and a decoder.
    providers : sequence of str, optional
        Execution providers of onnxruntime in order of preference; they run it exactly
        where they can. None is the fastest that passed its test on this machine, as
        the user wishes it (``NAPARI_SAM21_PROVIDER``), and the CPU before any was
        tried; ``napari-sam21 bench`` tries them.
    threads : int
        Of each run. 0 is one for each core that this process may use.

    Returns
    -------
    Model

    Raises
    ------
    ModelError
        If the model is unknown, missing, damaged, or of another contract.
    ProviderError
        If a provider that was named cannot run it.

    Examples
    --------
    >>> import napari_sam21 as sam
    >>> model = sam.load_model("starter")
    """
    parts = model_parts(model).with_threads(threads)
    if providers is None:
        return parts.open_best(wished())
    way = way_of(tuple(providers))
    return parts.open(Pair(way, way))


def model_parts(model: str | Path) -> Parts:
    """Return the two files of a model that is on this machine.

    Raises
    ------
    ModelError
        If it is unknown, missing or damaged.
    """
    if isinstance(model, str):
        return parts_of(model, model_path(model))
    return parts_of("", Path(model))


def load_part(source: Path | bytes, where: str) -> Graph:
    """Load one file, unless it would read others than those beside it.

    Raises
    ------
    ModelError
        If it would, or is no ONNX file.
    """
    part = Part(source, where)
    return Graph(source, where, beside=part.beside)
