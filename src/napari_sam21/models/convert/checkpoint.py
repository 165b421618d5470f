"""A checkpoint, read without running any code that may hide in it."""

from __future__ import annotations

import hashlib
import pickle
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_sam21.core.errors import ModelError
from napari_sam21.models.convert.architectures import PATCHES, State

CONTAINERS = ("model", "state_dict", "model_state", "model_state_dict", "ema")
"""Where training programs put the weights, in the order in which they are tried."""

COMPILED = "_orig_mod."
"""What ``torch.compile`` puts into the names of the modules it has compiled."""

DAMAGED = (
    RuntimeError, EOFError, OSError, ValueError, LookupError, AttributeError, TypeError,
    AssertionError, struct.error,
)  # fmt: skip
"""What ``torch.load`` raised for some thousand files with random bytes in them."""

NAMED = 5
"""How many tensors a message names."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """The weights of one file.

    Attributes
    ----------
    name : str
        File name, without its folder.
    sha256 : str
        Digest of the file, hexadecimal.
    nbytes : int
        Size of the file.
    state : dict of str to torch.Tensor
        Weights under sam2's own names.
    left_out : tuple of str
        Tensors beside the model (of other heads, say) that are not used.
    """

    name: str
    sha256: str
    nbytes: int
    state: State
    left_out: tuple[str, ...]


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a ``.pt`` or ``.pth`` file of Meta's, or of a fine-tuning.

    Raises
    ------
    ModelError
        If the file cannot be read, is no checkpoint, asks to run code, or holds no
        SAM 2 weights.
    """
    digest = _digest(path)
    state, left_out = find_state(_load(path), path.name)
    return Checkpoint(path.name, digest, path.stat().st_size, state, left_out)


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(
            f"checkpoint {path} cannot be read ({error.strerror}); pass the path of "
            "a .pt or .pth file"
        ) from error


def _load(path: Path) -> Any:
    """Load with ``weights_only``: tensors and plain containers, nothing that runs."""
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if "GLOBAL" in str(error):
            raise _refusal(path) from error
        # What torch says here advises to load the file without the safeguard.
        raise _unreadable(path, "torch's reader of weights cannot read it") from error
    except DAMAGED as error:
        reason = (str(error).splitlines() or ["it ends too early"])[0][:120]
        raise _unreadable(path, reason) from error


def _refusal(path: Path) -> ModelError:
    """For a pickle that wants more than weights."""
    wanted = name_some(_unsafe_names(path)) or "functions of its own"
    return ModelError(
        f"{path.name} was refused: besides weights it asks Python to load {wanted}, "
        "and loading code from a file could run anything. Whoever trained it can save "
        'the weights alone: torch.save({"model": model.state_dict()}, path)'
    )


def _unsafe_names(path: Path) -> list[str]:
    """Names that the pickle asks for beyond the allowed ones; none if unreadable."""
    import torch

    try:
        return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    except (pickle.UnpicklingError, *DAMAGED):
        return []


def _unreadable(path: Path, reason: str) -> ModelError:
    return ModelError(
        f"{path.name} is not a readable torch checkpoint ({reason}); it may be cut "
        "off, or of another kind: compare its size and digest with the publisher's, "
        "and fetch it again"
    )


def find_state(content: Any, where: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Find the weights in what a checkpoint holds, under sam2's own names.

    Containers such as ``{"model": …}`` are opened; whatever stands before
    ``image_encoder`` in all names (``module.``, ``model.``, ``sam2.``) is removed.

    Parameters
    ----------
    content : any
        What ``torch.load`` returned.
    where : str
        What to call it in messages.

    Returns
    -------
    state : dict of str to tensor
    left_out : tuple of str
        Names of tensors outside the prefix, which belong to something else.

    Raises
    ------
    ModelError
        If no weights of SAM 2 are in it.
    """
    for candidate in _candidates(content):
        tensors = _tensors(candidate)
        prefixes = [name[: -len(PATCHES)] for name in tensors if name.endswith(PATCHES)]
        if prefixes:
            prefix = min(prefixes, key=len)
            inside = {name for name in tensors if name.startswith(prefix)}
            state = {name[len(prefix) :]: tensors[name] for name in sorted(inside)}
            return state, tuple(sorted(set(tensors) - inside))
    raise _no_weights(content, where)


def _candidates(content: Any) -> list[Any]:
    """Where the weights may be: the likely containers first, then the whole."""
    if not isinstance(content, Mapping):
        return []
    return [*(content[key] for key in CONTAINERS if key in content), content]


def _tensors(content: Any) -> dict[str, Any]:
    """Return the named tensors of a mapping, without what torch.compile adds."""
    if not isinstance(content, Mapping):
        return {}
    return {
        name.replace(COMPILED, ""): value
        for name, value in content.items()
        if isinstance(name, str) and hasattr(value, "shape")
    }


def _no_weights(content: Any, where: str) -> ModelError:
    found = type(content).__name__
    if isinstance(content, Mapping):
        found = name_some([str(key) for key in content]) or "nothing"
    return ModelError(
        f"{where} holds no weights of SAM 2: nothing in it is named …{PATCHES}. It "
        f"holds: {found}. Pass a checkpoint as the sam2 package saves it (a model of "
        "another family, or of the transformers package, cannot be converted)"
    )


def check_names(state: State, expected: State, where: str) -> None:
    """Compare names and shapes of a state with those of the network.

    Parameters
    ----------
    state, expected : mapping of str to tensor
        What the checkpoint holds, and what the network has.
    where : str
        What to call it in messages.

    Raises
    ------
    ModelError
        Naming the first few that are missing, unexpected, or of another shape.
    """
    problems = {
        "missing": [name for name in expected if name not in state],
        "unexpected": [name for name in state if name not in expected],
        "of another shape": [
            f"{name} {tuple(state[name].shape)}, expected {tuple(tensor.shape)}"
            for name, tensor in expected.items()
            if name in state and tuple(state[name].shape) != tuple(tensor.shape)
        ],
    }
    found = [
        f"{len(names)} {kind}: {name_some(names)}"
        for kind, names in problems.items()
        if names
    ]
    if found:
        raise ModelError(
            f"{where} does not fit the network. Tensors {'; '.join(found)}. Adapters "
            "(LoRA) must be merged into the weights, and other heads saved apart, "
            "before conversion"
        )


def name_some(names: list[str]) -> str:
    """Name the first few of a list."""
    rest = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {rest} more" if rest > 0 else "")
