"""Words about providers that were set aside while they served, to whoever listens."""

from __future__ import annotations

import logging
from collections.abc import Callable

LOG = logging.getLogger(__name__)

Tell = Callable[[str], None]
_listeners: list[Tell] = []


def subscribe(tell: Tell) -> Callable[[], None]:
    """Have somebody told, in whatever thread met the fault; returns what ends it."""
    _listeners.append(tell)

    def end() -> None:
        if tell in _listeners:
            _listeners.remove(tell)

    return end


def notice(message: str) -> None:
    """Tell everybody who listens, and the log."""
    LOG.warning(message)
    for tell in tuple(_listeners):
        tell(message)
