"""Keeps the journal of every Labels layer that objects are written to."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_sam21 import __version__
from napari_sam21.core.arrays import dtype_of
from napari_sam21.core.background import Background
from napari_sam21.core.errors import SessionError
from napari_sam21.core.lanes import Deliver
from napari_sam21.layers.describe import image_identity, labels_in_words, written
from napari_sam21.layers.label_array import levels_of
from napari_sam21.session.change import Change
from napari_sam21.session.journal import Journal
from napari_sam21.session.lines import pack_change
from napari_sam21.session.replay import (
    CHANGED,
    NAMED,
    THERE,
    WIDENED,
    blocks_there,
)
from napari_sam21.session.shelf import new_folder, tidy

if TYPE_CHECKING:
    from napari.layers import Image, Labels

    from napari_sam21.core.delta import Delta

LOG = logging.getLogger(__name__)
ROOM = 10_000
"""Small jobs that wait for the disk at most."""
PATIENCE = 10.0
"""Seconds that closing waits for what is being written."""

Say = Callable[[str, bool], None]
Content = Callable[[], Mapping[str, Any]]
"""Makes the fields of a record, in the journal's thread."""


@dataclass
class _Open:
    """A journal that is being written: its layer, and what it was told of that."""

    labels: Labels
    journal: Journal
    dtype: str
    name: str


class Recorder:
    """Writes down what happens to labels, as it happens.

    A thread packs and writes what it is told, in order: the record of a commit is in
    the file some milliseconds after it. The first fault of the disk ends it for this
    session, and is told once: annotating goes on.

    Parameters
    ----------
    shelf : Path or None
        Folder of all sessions; None keeps none.
    say : callable
        Tells the user.
    deliver : callable
        Runs a call in the thread that owns the layers.
    """

    def __init__(self, shelf: Path | None, say: Say, deliver: Deliver) -> None:
        self._shelf, self._say, self._deliver = shelf, say, deliver
        self._open: dict[Any, _Open] = {}
        self._later = Background("sam21-journal", ROOM)
        # What was there before may take long to note: no commit waits behind it.
        self._slow = Background("sam21-journal-before", ROOM)
        self._lines: deque[tuple[Journal, str, Content]] = deque()
        self._is_called = self._is_broken = False

    def begin(self, image: Image, labels: Labels, is_new: bool) -> None:
        """Begin a session on a layer, unless there is one; before the first write.

        Parameters
        ----------
        image : Image
            Whose objects are written.
        labels : Labels
        is_new : bool
            Whether nothing is in it yet: else what is there is noted, off this thread.
        """
        if self._shelf is None or labels.unique_id in self._open:
            return
        told = labels_in_words(labels)
        known = image_identity(image).in_json()
        header = {"plugin": __version__, "image": known, "labels": told}
        try:
            journal = Journal(new_folder(self._shelf), header)
        except SessionError as error:
            self.give_up(str(error))
            return
        self._open[labels.unique_id] = _Open(
            labels, journal, told["dtype"], told["name"]
        )
        self._slow.submit(partial(tidy, self._shelf))
        if not is_new:
            self._slow.submit(partial(_note_blocks, journal, levels_of(labels)[0]))

    def go_on(self, labels: Labels, folder: Path) -> None:
        """Go on with a session that was left, on the layer made of it."""
        try:
            journal = Journal(folder)
        except SessionError as error:
            self._say(str(error), True)
            return
        dtype = str(dtype_of(levels_of(labels)[0]))
        self._open[labels.unique_id] = _Open(labels, journal, dtype, labels.name)

    def wrote(
        self, labels: Labels, delta: Delta, cause: str, told: Mapping[str, Any]
    ) -> None:
        """Note a write of ours, a part of which may have left pixels alone.

        Parameters
        ----------
        labels : Labels
        delta : Delta
            Which elements it was about.
        cause : str
            "commit", "undo", "redo", …
        told : mapping
            What is known of the object; plain values of JSON.
        """
        self._add(labels, written(labels, delta), cause, told)

    def heard(
        self,
        labels: Labels,
        change: Change,
        cause: str,
        told: Mapping[str, Any] | None = None,
    ) -> None:
        """Note what napari's own tools did; of its undo, to which object."""
        self._add(labels, change, cause, told or {})

    def note(self, labels: Labels, kind: str, **content: Any) -> None:
        """Add a record of another kind, if there is a session on the layer."""
        found = self._open.get(labels.unique_id)
        if found is not None:
            self._write(found, kind, lambda: content)

    def end(self, labels: Labels) -> None:
        """Close the session of a layer: its labels are safe, or wanted no more."""
        found = self._open.pop(labels.unique_id, None)
        if found is not None:
            self._write(found, "closed", dict)
            self._let_go(found.journal)

    def close(self) -> None:
        """Let go of all journals; they stay to be restored."""
        for found in self._open.values():
            self._let_go(found.journal)
        self._open.clear()
        self._slow.close(PATIENCE)
        self._later.close(PATIENCE)

    def _let_go(self, journal: Journal) -> None:
        """Close a journal once all is in it."""
        self._slow.submit(partial(self._later.submit, journal.close))

    def _add(
        self, labels: Labels, change: Change, cause: str, told: Mapping[str, Any]
    ) -> None:
        found = self._open.get(labels.unique_id)
        if found is None:
            return
        dtype = str(dtype_of(levels_of(labels)[0]))
        if dtype != found.dtype:
            found.dtype = dtype
            self._write(found, WIDENED, partial(dict, dtype=dtype))
        if labels.name != found.name:
            found.name = str(labels.name)
            self._write(found, NAMED, partial(dict, name=found.name))
        about = {"object": dict(told)} if told else {}
        self._write(found, CHANGED, partial(_content, cause, about, change))

    def _write(self, found: _Open, kind: str, content: Content) -> None:
        self._lines.append((found.journal, kind, content))
        if not self._is_called:
            self._is_called = True
            self._later.submit(self._put_down)

    def _put_down(self) -> None:
        """Write what waits, then see it to the disk; runs in the journal's thread."""
        self._is_called = False  # first of all: what comes now calls again
        written: dict[int, Journal] = {}
        try:
            while self._lines and not self._is_broken:
                journal, kind, content = self._lines.popleft()
                journal.add(kind, **content())
                written[id(journal)] = journal
        except SessionError as error:
            # A journal with a gap would tell of other labels: nothing more goes in.
            self._is_broken = True
            self._deliver(partial(self.give_up, str(error)))
        for journal in written.values():
            journal.sync()

    def give_up(self, word: str) -> None:
        """Keep nothing any more, and say why."""
        self._shelf, self._is_broken = None, True
        self._lines.clear()
        for found in self._open.values():
            found.journal.close()
        self._open.clear()
        self._say(word, True)


def _content(cause: str, about: dict[str, Any], change: Change) -> dict[str, Any]:
    return {"cause": cause, **about, **pack_change(change)}


def _note_blocks(journal: Journal, data: Any) -> None:
    """Note what was there before; the next change tells the user if the disk fails."""
    try:
        for block in blocks_there(data):
            journal.add(THERE, **block)
    except SessionError as error:
        LOG.warning("what was in the labels before is not all noted: %s", error)
