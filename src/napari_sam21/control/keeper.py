"""Nothing is lost: the history, the journal, and what a crash left behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from napari_sam21.control.ledger import Followed, Ledger
from napari_sam21.control.ports import Host
from napari_sam21.control.recorder import Recorder, Say
from napari_sam21.control.restoring import Restorer
from napari_sam21.core.witness import Witness
from napari_sam21.layers.prompts import Mark
from napari_sam21.layers.revive import open_marks, revived
from napari_sam21.models import preferences
from napari_sam21.models.home import sessions_folder
from napari_sam21.session.journal import Session
from napari_sam21.session.objects import Told, last_settings

if TYPE_CHECKING:
    from napari.layers import Image, Labels

Back = Callable[["Image", "Labels", tuple[Mark, ...], Told], None]


class Keeper:
    """Keeps what is done to labels, in memory and on disk.

    Parameters
    ----------
    host : Host
    witness : Witness
        Knows how embeddings were made.
    say, failed : callable
        Tell the user.
    followed : callable
        See `ledger.Ledger`.
    back : callable
        Gets an image, its labels, prompts and settings that a session brought back.

    Attributes
    ----------
    ledger : Ledger
    reader : callable
        Gets labels that were restored, and their session.
    """

    def __init__(
        self,
        host: Host,
        witness: Witness,
        say: Say,
        failed: Callable[[BaseException], None],
        followed: Followed,
        back: Back,
    ) -> None:
        shelf = sessions_folder() if preferences.chosen().journal else None
        self._recorder = Recorder(shelf, say, host.deliver)
        self.ledger = Ledger(self._recorder, witness, followed)
        self._restorer = Restorer(shelf, host, self._restore, failed)
        self._back = back
        self.reader: Callable[[Labels, Session], None] = _unread

    def enter(self, image: Image, labels: Labels | None) -> None:
        """Watch an image's labels, and look for what was left of an earlier session."""
        self.ledger.watch(image, labels)
        self._restorer.look_for(image)

    def saved(self, labels: Labels, path: Path) -> None:
        """Note that labels are in a file."""
        self._recorder.note(labels, "saved", path=str(path))

    def close(self) -> None:
        """Stop; what is open can be restored."""
        self.ledger.close()
        self._restorer.close()
        self._recorder.close()

    def _restore(self, image: Image, session: Session) -> None:
        labels = revived(session, image)
        self._recorder.go_on(labels, session.folder)
        self.reader(labels, session)
        self._back(image, labels, open_marks(session), last_settings(session))


def _unread(labels: Labels, session: Session) -> None:
    pass
