"""What is known of each embedding by its key: which model made it, and of what look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from cachetools import LRUCache

LOOKS = 10_000
"""Looks that are remembered at most; each is a few numbers."""


class Origin(NamedTuple):
    """Which model, and how it runs.

    Attributes
    ----------
    name : str
    encoder, decoder : str
        SHA-256 of the files; hexadecimal.
    provider, runtime, precision : str
        Execution provider, version of onnxruntime, kind of numbers.
    """

    name: str
    encoder: str
    decoder: str
    provider: str
    runtime: str
    precision: str


class _Model(Protocol):
    @property
    def origin(self) -> Origin:
        """Which model."""


class Witness:
    """Remembers which models were asked, and how the pixels of a key were seen.

    A key is a digest of the encoder and of its exact input: whatever look led to it,
    does so again.
    """

    def __init__(self) -> None:
        self._looks: LRUCache[str, Mapping[str, Any]] = LRUCache(LOOKS)
        self._models: dict[str, Origin] = {}

    def met(self, model: _Model) -> None:
        """Remember a model that was loaded."""
        self._models[model.origin.encoder] = model.origin

    def saw(self, key: str, look: Mapping[str, Any]) -> None:
        """Remember how pixels were seen; plain values."""
        self._looks[key] = look

    def look_of(self, key: str) -> Mapping[str, Any] | None:
        """Return how the pixels of an embedding were seen; None if that is unknown."""
        return self._looks.get(key)

    def model_of(self, key: str) -> Origin | None:
        """Return the model that made an embedding; None if it is unknown."""
        return self._models.get(key.partition("-")[0])

    @property
    def last_model(self) -> Origin | None:
        """The model that was loaded last."""
        return next(reversed(self._models.values()), None)
