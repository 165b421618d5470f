"""From a name of the table, or a path, to a loaded model. Never fetches."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_sam21.core.errors import ModelError
from napari_sam21.core.runtime import DEFAULT_PROVIDERS, Graph
from napari_sam21.core.sam2 import Model
from napari_sam21.models.archive import find_files
from napari_sam21.models.table import MODELS

PACKAGE_FOLDER = Path(__file__).parent


def model_path(name: str) -> Path:
    """Return the folder of a model of the table.

    Raises
    ------
    ModelError
        If the name is unknown, or the files are not there.
    """
    row = MODELS.get(name)
    if row is None:
        raise ModelError(
            f"there is no model named {name!r}; the table has: {', '.join(MODELS)}. "
            "For files of your own pass a pathlib.Path"
        )
    folder = PACKAGE_FOLDER / (row.folder or name)
    if not folder.is_dir():
        raise ModelError(
            f"the files of model {name!r} are missing from {folder}; install "
            "napari-sam21 again"
        )
    return folder


def load_model(
    model: str | Path,
    providers: Sequence[str] | None = DEFAULT_PROVIDERS,
) -> Model:
    """Load a model that is on this machine; nothing is ever fetched.

    Parameters
    ----------
    model : str or Path
        A name of `MODELS`, or the path of a folder, ``.dtmodel`` or ``.zip`` that
        holds an encoder and a decoder.
    providers : sequence of str, optional
        Execution providers of onnxruntime in order of preference. None is the best
        that passed its test on this machine; so far that is the CPU.

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
    chosen = DEFAULT_PROVIDERS if providers is None else tuple(providers)
    encoder = Graph(files.encoder, f"encoder of model {files.name!r}", chosen)
    decoder = Graph(files.decoder, f"decoder of model {files.name!r}", chosen)
    return Model(files.name, encoder, decoder)
