"""The model in use: loaded once, warm, in whatever thread needs it first."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from threading import Lock

from napari_sam21.core.sam2 import Model
from napari_sam21.models import preferences
from napari_sam21.models.weights import load_model

LOG = logging.getLogger(__name__)


class Loader:
    """Holds one model, that of the newest choice.

    Parameters
    ----------
    met : callable
        Gets each model that is loaded.
    """

    def __init__(self, met: Callable[[Model], object]) -> None:
        self._met = met
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
            found = self.held(choice)
            if found is None:
                found = warm_model(name)
                self.hold(choice, found)
            return found

    def held(self, choice: int) -> Model | None:
        """Return the model of a choice, if it is held."""
        held = self._held
        return held[1] if held is not None and held[0] == choice else None

    def hold(self, choice: int, model: Model) -> None:
        """Hold another model for a choice: it runs in another way."""
        self._met(model)
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
    threads = preferences.chosen().threads
    model = load_model(name, providers=None, threads=threads)
    model.warm()
    return model


def told_when_asked(error: BaseException) -> None:
    """Note what is wrong with a model that nobody asked: who does is told."""
    LOG.info("the model could not be loaded ahead: %s", error)
