"""Writes to labels, one after the other, in turns with the window if they are large."""

from __future__ import annotations

from collections.abc import Callable

from napari_sam21.control.ledger import Ledger
from napari_sam21.control.ports import Host
from napari_sam21.control.turns import Turns
from napari_sam21.layers.target import OutputTarget
from napari_sam21.layers.writing import Steps

NO_ROOM = (
    "The labels could not be written to the end ({error}). Undo, make room where they "
    "are kept, then commit again"
)


class Doing:
    """Does writes of ours: neither the history nor the count of labels wonders.

    Parameters
    ----------
    host : Host
    target : OutputTarget
    ledger : Ledger
    """

    def __init__(self, host: Host, target: OutputTarget, ledger: Ledger) -> None:
        self._target, self._ledger = target, ledger
        self._work = Turns(host.soon)

    @property
    def busy(self) -> bool:
        """Whether a write is under way."""
        return self._work.busy

    def finish(self) -> None:
        """Write what is half written."""
        self._work.finish()

    def carry_out(self, steps: Steps, done: Callable[[str], None]) -> None:
        """Do a write after those that are under way.

        Parameters
        ----------
        steps : iterator of bool
        done : callable
            Gets what went wrong; an empty text if nothing did.
        """
        self._work.finish()
        self._do(self._target.quietly(steps), done)

    def _do(self, steps: Steps, done: Callable[[str], None]) -> None:
        problems: list[str] = []

        def guarded() -> Steps:
            try:
                while True:
                    with self._ledger.ours():
                        written = next(steps)
                    yield written
            except StopIteration:
                return
            except OSError as error:
                problems.append(NO_ROOM.format(error=error))

        self._work.start(guarded(), lambda: done("".join(problems)))
