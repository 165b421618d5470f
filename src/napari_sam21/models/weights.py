"""From a name, or a path, to a loaded model. Never fetches."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_sam21.core.errors import ModelError
from napari_sam21.core.runtime import DEFAULT_PROVIDERS, Graph
from napari_sam21.core.sam2 import Model
from napari_sam21.models.archive import find_files
from napari_sam21.models.external import is_file_beside, references
from napari_sam21.models.library import ABSENT, state_of


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
        Execution providers of onnxruntime in order of preference. None is the best
        that passed its test on this machine; so far that is the CPU.
    threads : int
        Of each run. 0 is one for each core that this process may use.

    Returns
    -------
    Model

    Raises
    ------
    ModelError
        If the model is unknown, missing, damaged, or of another contract.

    Examples
    --------
    >>> import napari_sam21 as sam
    >>> model = sam.load_model("starter")
    """
    files = find_files(model_path(model) if isinstance(model, str) else Path(model))
    name = model if isinstance(model, str) else files.name
    chosen = DEFAULT_PROVIDERS if providers is None else tuple(providers)
    encoder = load_part(files.encoder, f"encoder of model {name!r}", chosen, threads)
    decoder = load_part(files.decoder, f"decoder of model {name!r}", chosen, threads)
    return Model(name, encoder, decoder)


def load_part(
    source: Path | bytes,
    where: str,
    providers: Sequence[str] = DEFAULT_PROVIDERS,
    threads: int = 0,
) -> Graph:
    """Load one file, unless it would read others than those beside it.

    Raises
    ------
    ModelError
        If it would, or is no ONNX file.
    """

    def has(name: str) -> bool:
        return isinstance(source, Path) and is_file_beside(source, name)

    names = references(source, where, has)
    beside = [source.with_name(name) for name in names if isinstance(source, Path)]
    return Graph(source, where, providers, beside, threads)
