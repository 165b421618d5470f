"""The named classes of a session, and which one objects get."""

from __future__ import annotations

from collections.abc import Iterable

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
            self._ids.setdefault(clean, len(self._ids) + 1)
        return clean

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
