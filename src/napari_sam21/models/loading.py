"""The model in use: loaded once, warm, in whatever thread needs it first."""

from __future__ import annotations

import logging
from pathlib import Path
from threading import Lock

from napari_sam21.core.sam2 import Model
from napari_sam21.models.weights import load_model

LOG = logging.getLogger(__name__)


class Loader:
    """Holds one model, that of the newest choice."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._held: tuple[int, Model] | None = None

    def load(self, choice: int, name: str | Path) -> Model:
        """Return the model of a choice, by its number; loaded unless it is held.

        Raises
        ------
        ModelError
            If it cannot be loaded.
        """
        with self._lock:
            if self._held is None or self._held[0] != choice:
                self._held = (choice, warm_model(name))
            return self._held[1]

    def hold(self, choice: int, model: Model) -> None:
        """Hold another model for a choice: it runs in another way."""
        self._held = (choice, model)

    def let_go(self) -> None:
        """Hold nothing: what is not in use need not stay in memory."""
        self._held = None


def warm_model(name: str | Path) -> Model:
    """Load a model as the user wishes it, and ask it something: the first is slow.

    Raises
    ------
    ModelError
        If it cannot be loaded.
    """
    model = load_model(name, providers=None)
    model.warm()
    return model


def told_when_asked(error: BaseException) -> None:
    """Note what is wrong with a model that nobody asked: who does is told."""
    LOG.info("the model could not be loaded ahead: %s", error)
