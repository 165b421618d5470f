"""The named classes of a session, and which one objects get."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from napari_sam21.core.errors import LayerError


class ClassBook:
    """Names and ids of classes; ids count from 1, in the order of naming.

    Attributes
    ----------
    chosen : str
        The class of what is committed; empty is none.
    """

    def __init__(self) -> None:
        self._ids: dict[str, int] = {}
        self.chosen = ""

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in order of their ids."""
        return tuple(self._ids)

    def choose(self, name: str) -> None:
        """Give this class to what is committed from now on; a new name is noted."""
        self.chosen = self.note(name)

    def note(self, name: str) -> str:
        """Take a name in, in one line and without spaces around it; return it so."""
        clean = " ".join(name.split())
        if clean:
            self._ids.setdefault(clean, max(self._ids.values(), default=0) + 1)
        return clean

    @property
    def ids(self) -> dict[str, int]:
        """All ids by name."""
        return dict(self._ids)

    def restore(self, ids: Any) -> None:
        """Take in the ids of an earlier session, where name and id are free.

        Parameters
        ----------
        ids : dict of str to int
            As a journal tells them; what is none of that is left out.
        """
        for name, number in ids.items() if isinstance(ids, dict) else ():
            taken = name in self._ids or number in self._ids.values()
            if isinstance(number, int) and number > 0 and not taken:
                self._ids[str(name)] = number

    def note_all(self, names: Iterable[str]) -> None:
        """Take names in."""
        for name in names:
            self.note(name)

    def chosen_id(self) -> int:
        """Return the id of the chosen class.

        Raises
        ------
        LayerError
            If none is chosen.
        """
        if not self.chosen:
            raise LayerError(
                "no class is chosen: name one under “Class” in the dock, then commit"
            )
        return self._ids[self.chosen]
