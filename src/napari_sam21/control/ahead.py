"""Embeds neighbours of what is on show, while nobody does anything. Knows no Qt.

The user rests for a second → the next and previous slices, then the regions beside the
one on show, are embedded one by one, in the encode lane, below everything that is asked
for → any click, key or move of the view stops it at once, and the user's rest is
waited for again. Once the neighbours are there, nothing runs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterable
from typing import TYPE_CHECKING, Any

from psygnal import Signal

from napari_sam21.control.ports import Host
from napari_sam21.inference import Inference
from napari_sam21.layers.ahead import neighbours
from napari_sam21.layers.navigate import camera_of
from napari_sam21.layers.planes import level_shape
from napari_sam21.layers.source import Source

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_sam21.control.editor import ImageEditor

LOG = logging.getLogger(__name__)

REST_MS = 1000
"""The user must rest this long before anything is embedded on the off chance."""


class Ahead:
    """Embeds what the user may look at next.

    Parameters
    ----------
    viewer : napari.Viewer
    inference : Inference
    host : Host
    editor : callable
        Returns the editor of the image in work, if there is one.
    held_back : callable
        Whether something more important uses the idle time.

    Attributes
    ----------
    enabled : bool
        The off-switch.
    stirred : Signal
        Somebody did something.
    """

    stirred = Signal()

    def __init__(
        self,
        viewer: ViewerModel,
        inference: Inference,
        host: Host,
        editor: Callable[[], ImageEditor | None],
        held_back: Callable[[], bool],
    ) -> None:
        self.enabled = True
        self._viewer, self._inference = viewer, inference
        self._editor, self._held_back = editor, held_back
        self._running = False
        self._tried: set[Hashable] = set()
        self._rested = host.debounced(self._begin, REST_MS)
        camera = camera_of(viewer)
        dims = viewer.dims.events
        self._connections: list[tuple[Any, Callable[..., None]]] = [
            (emitter, self.stir)
            for emitter in (
                dims.point,
                dims.order,
                dims.ndisplay,
                camera.events.zoom,
                camera.events.center,
                viewer.layers.selection.events.active,
                inference.asked,
            )
        ]
        for emitter, call in self._connections:
            emitter.connect(call)
        viewer.mouse_drag_callbacks.append(self._pressed)

    def close(self) -> None:
        """Stop, and listen no more."""
        for emitter, call in self._connections:
            emitter.disconnect(call)
        self._connections.clear()
        self.stirred.disconnect()
        if self._pressed in self._viewer.mouse_drag_callbacks:
            self._viewer.mouse_drag_callbacks.remove(self._pressed)
        self._stop()

    def switch(self, enabled: bool) -> None:
        """Embed neighbours from now on, or do not."""
        self.enabled = enabled
        self.stir()

    def stir(self, event: Any = None) -> None:
        """Somebody does something: stop at once, and wait for the next rest."""
        self._stop()
        self._tried.clear()
        if self.enabled and self._connections:
            self._rested()
        self.stirred.emit()

    def stirring(self, call: Callable[[], None]) -> Callable[[], None]:
        """Return a call of the user's that stirs first."""

        def stirred() -> None:
            self.stir()
            call()

        return stirred

    def _pressed(self, viewer: Any, event: Any) -> None:
        self.stir()

    def _stop(self) -> None:
        if self._running and not self._held_back():
            self._inference.stop_quiet()
        self._running = False

    def _begin(self) -> None:
        """Embed the next neighbour that is not there, if there is one."""
        if not (self.enabled and self._connections) or self._held_back():
            return
        if self._inference.encoding or self._inference.decoding:
            self._rested()
            return
        for source in self._missing():
            self._tried.add(source.token)
            self._running = self._inference.prepare_quietly(
                source, self._embedded, self._failed
            )
            return

    def _missing(self) -> Iterable[Source]:
        """Neighbours of what is on show now, without those that were tried."""
        editor = self._editor()
        plane = None if editor is None else editor.shown()
        if editor is None or plane is None or not editor.is_ready():
            return
        region = editor.region()
        near = (
            []
            if region is None
            else neighbours(plane, level_shape(editor.image), region)
        )
        for target in near[: self._inference.store.room_aside]:
            source = editor.source(*target)
            if source.token not in self._tried and not self._inference.ready(source):
                yield source

    def _embedded(self) -> None:
        self._running = False
        self._begin()

    def _failed(self, error: BaseException) -> None:
        """Nobody asked for it: when somebody does, they are told."""
        LOG.info("a neighbour could not be embedded ahead: %s", error)
        self._embedded()
