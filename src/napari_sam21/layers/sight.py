"""What the model sees of one image: as shown, stretched, or one of several channels."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any

from napari_sam21.core.geometry import Region
from napari_sam21.layers.composite import (
    Channels,
    check_channels,
    members_of,
    problem_of,
    propose,
)
from napari_sam21.layers.look import COMPOSITE, SHOWN, STRETCHED, Look, Looks
from napari_sam21.layers.planes import Plane
from napari_sam21.layers.source import CompositeSource, Source, snapshot
from napari_sam21.layers.watch import LayerWatch

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer

NONE: Channels = (None, None, None)


class Sight:
    """Shows an image to the model, and hears of every layer that takes part.

    Parameters
    ----------
    viewer : napari.Viewer
    image : Image
    looks : Looks
        Where choices are remembered.
    soon : callable
        Runs a call after what runs now: layers that are linked change one by one.
    seen : callable
        Called when another channel has another contrast or name.
    edited : callable
        Called when pixels of another channel may have changed, and when a composite
        has come to an end.
    chosen : callable
        Called when the user chose otherwise.
    say : callable
        Gets a word to the user.

    Attributes
    ----------
    mode : str
        A key of `layers.look.MODES`.
    channels : tuple of three (Image or None)
        Red, green and blue of the composite, or of the last one.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        image: Image,
        looks: Looks,
        soon: Callable[[Callable[[], None]], object],
        seen: Callable[[], object],
        edited: Callable[[], object],
        chosen: Callable[[], object],
        say: Callable[[str], object],
    ) -> None:
        self.image = image
        self._viewer, self._looks, self._soon = viewer, looks, soon
        self._on_seen, self._on_edited = seen, edited
        self._on_chosen, self._say = chosen, say
        self._watches: dict[Hashable, LayerWatch] = {}
        self._lost = False
        self._removed = viewer.layers.events.removed
        self._removed.connect(self._doubt)
        self._open = True
        self._remember(looks.of(image))

    def close(self) -> None:
        """Stop listening."""
        self._open = False
        self._removed.disconnect(self._doubt)
        self._watch(())

    def holds(self, layer: Layer) -> bool:
        """Whether a layer is a channel of what the model sees now."""
        return self.mode == COMPOSITE and layer in members_of(self.channels)

    def choose(self, mode: str, channels: Channels | None = None) -> None:
        """Show the image otherwise from now on.

        Parameters
        ----------
        mode : str
            A key of `layers.look.MODES`.
        channels : tuple of three (Image or None), optional
            Red, green and blue of a composite. Default: those it had before, else
            what `layers.composite.propose` finds.

        Raises
        ------
        LayerError
            If the layers cannot be shown as one picture; then nothing changes.
        """
        if channels is None:
            channels = self._proposal() if mode == COMPOSITE else self.channels
        if mode == COMPOSITE:
            check_channels(channels, self.image)
        self._use(mode, channels)
        self._looks.keep(self.image, self._look())
        self._on_chosen()

    def source(self, plane: Plane, version: int, region: Region) -> Source:
        """Freeze how a region is seen now.

        Parameters
        ----------
        plane : Plane
            Of the image, and so of every channel: they lie on one grid.
        version : int
            Counts the changes of the image's pixels.
        region : Region
        """
        if self.mode != COMPOSITE or self._problem():
            stretch = self.mode == STRETCHED
            return snapshot(self.image, plane, version, region, stretch)
        versions = {name: watch.version for name, watch in self._watches.items()}
        sources = {
            each: snapshot(each, plane, versions[each.unique_id], region)
            for each in members_of(self.channels)
        }
        channels = tuple(None if c is None else sources[c] for c in self.channels)
        return CompositeSource(channels, plane, region)

    def _remember(self, look: Look) -> None:
        """Take up what was chosen for this image before."""
        there = {layer.unique_id: layer for layer in self._viewer.layers}
        found = [there.get(name) for name in look.channels]
        self._use(look.mode, tuple(found))
        self._lost = look.mode == COMPOSITE and self._look() != look
        self._doubt()

    def _proposal(self) -> Channels:
        before = members_of(self.channels)
        usable = before and all(each in self._viewer.layers for each in before)
        if usable and not any(problem_of(each, self.image) for each in before):
            return self.channels
        return propose(self._viewer.layers, self.image)

    def _use(self, mode: str, channels: Channels) -> None:
        self.mode, self.channels, self._lost = mode, channels, False
        members = members_of(channels) if mode == COMPOSITE else []
        self._watch(members)

    def _look(self) -> Look:
        """What is remembered of the choice."""
        names = (None if each is None else each.unique_id for each in self.channels)
        return Look(self.mode, tuple(names))

    def _watch(self, members: Sequence[Image]) -> None:
        """Hear of these layers, and of the image whose grid they share."""
        for watch in self._watches.values():
            watch.close()
        self._watches = {each.unique_id: self._watch_of(each) for each in members}
        if members and self.image not in members:
            self._watches[self.image.unique_id] = self._watch_of(self.image)

    def _watch_of(self, layer: Image) -> LayerWatch:
        dims, doubt = self._viewer.dims, self._doubt
        if layer == self.image:  # the editor hears of it anyway
            return LayerWatch(dims, layer, seen=_nothing, edited=doubt, placed=doubt)
        return LayerWatch(
            dims, layer, seen=self._on_seen, edited=self._channel_edited, placed=doubt
        )

    def _channel_edited(self) -> None:
        self._doubt()
        self._on_edited()

    def _doubt(self, event: Any = None) -> None:
        """Something happened after which the channels may not fit any more."""
        if self.mode == COMPOSITE:
            self._soon(self._check)

    def _check(self) -> None:
        """End a composite whose channels do not fit any more, and say so."""
        problem = self._problem() if self._open and self.mode == COMPOSITE else ""
        if problem:
            self._use(SHOWN, NONE)
            self._looks.keep(self.image, self._look())
            self._say(f"{problem}. The model sees {self.image.name!r} as shown again.")
            self._on_edited()

    def _problem(self) -> str:
        """What keeps the channels from being one picture now; often nothing."""
        if self._lost:
            return "A channel of the composite was removed"
        for layer in members_of(self.channels):
            if layer not in self._viewer.layers:
                return f"{layer.name!r}, a channel of the composite, was removed"
            problem = problem_of(layer, self.image)
            if problem:
                return f"The channel {layer.name!r} {problem}"
        return ""


def _nothing() -> None:
    """For a watch of which only a part is of use."""
