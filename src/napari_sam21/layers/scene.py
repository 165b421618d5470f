"""Our two layers for one image in one viewer: held by reference, never by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from napari_sam21.core.prompts import BOX, NEGATIVE, POSITIVE
from napari_sam21.core.retouch import Retouch
from napari_sam21.layers.box import BoxDrag
from napari_sam21.layers.placement import transforms_of
from napari_sam21.layers.preview import PreviewLayer, make_preview
from napari_sam21.layers.prompts import Mark, PromptsLayer, make_points
from napari_sam21.layers.scribble import ScribbleDrag

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Layer, Points

OURS = "napari-sam21"
"""Key in a layer's metadata by which a reopened dock knows its prompts again."""

RIGHT_BUTTON = 2

FRAME_MS = 100
"""Between two layers taken out. Where OpenGL is software (Mesa), napari 0.9 crashes the
process when Labels and Points go within one frame and others come: vispy's next draw
reads the buffers of both. With a frame drawn between, it does not."""


class Soon(Protocol):
    """Runs a call a moment later, in the thread that owns the layers."""

    def __call__(self, call: Callable[[], None], milliseconds: int = 0) -> object:
        """Run it after what runs now, and after a while at the earliest."""


def is_ours(layer: Layer) -> bool:
    """Whether a layer is a prompts or preview layer of this plugin."""
    return bool(layer.metadata.get(OURS, {}).get("layer") == layer.unique_id)


def sign(layer: Layer, image: Image) -> None:
    """Mark a layer as ours; a duplicate has the mark too, but another id."""
    layer.metadata[OURS] = {"layer": layer.unique_id, "image": image.unique_id}


class Scene:
    """Prompts and preview, made, watched and removed together.

    Parameters
    ----------
    viewer : napari.Viewer
    image : Image
        Whose transforms both layers copy.
    on_edit, on_paint : callable
        After the user edited the prompts, or brushed the preview; see `PreviewLayer`.
    keys : mapping of key to callable
        Bound on both layers, and on them only.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        image: Image,
        on_edit: Callable[[], None],
        on_paint: Callable[[Retouch | None], None],
        keys: Mapping[Any, Callable[[], None]],
    ) -> None:
        self._viewer = viewer
        self.image = image
        preview = make_preview(image)
        sign(preview, image)
        points = _left_behind(viewer, image)
        viewer.add_layer(preview)
        if points is None:
            points = make_points(image)
            sign(points, image)
            viewer.add_layer(points)
        self.prompts = PromptsLayer(points, on_edit)
        self.preview = PreviewLayer(preview, image, on_paint)
        self._keys = tuple(keys)
        for layer in (points, preview):
            for key, call in keys.items():
                layer.bind_key(key, _ignoring_layer(call), overwrite=True)
        viewer.mouse_drag_callbacks.append(self._press)
        drags = (BoxDrag, ScribbleDrag)
        self._drags = [
            drag(
                viewer,
                image,
                self.prompts,
                lambda: self.clickable,
                lambda layer: sign(layer, image),
            )
            for drag in drags
        ]

    def holds(self, layer: Layer) -> bool:
        """Whether a layer is one of ours."""
        return bool(layer == self.prompts.layer or layer == self.preview.layer)

    @property
    def clickable(self) -> bool:
        """Whether a click on the canvas adds a prompt now."""
        points = self.prompts.layer
        active = self._viewer.layers.selection.active
        return bool(active == points and str(points.mode) == "add")

    def activate(self) -> None:
        """Select the prompts layer, ready for a click."""
        self._viewer.layers.selection.active = self.prompts.layer
        self.prompts.layer.mode = "add"

    def stop(self) -> None:
        """Stop listening, to keys as well."""
        self.prompts.close()
        self.preview.close()
        for drag in self._drags:
            drag.close()
        for layer in (self.prompts.layer, self.preview.layer):
            for key in self._keys:
                layer.bind_key(key, None, overwrite=True)
        if self._press in self._viewer.mouse_drag_callbacks:
            self._viewer.mouse_drag_callbacks.remove(self._press)

    def remove(self, soon: Soon, keep_prompts: bool = False) -> None:
        """Remove our layers from the viewer, one in a frame.

        Parameters
        ----------
        soon : Soon
            Runs the removal a moment later: napari may be busy removing layers itself.
        keep_prompts : bool
            Leave a prompts layer that holds points: uncommitted work is not lost.
        """
        leave = keep_prompts and len(self.prompts.layer.data) > 0
        drawn = [layer for drag in self._drags for layer in drag.layers]
        ours = [self.preview.layer, *drawn]
        layers = ours + [self.prompts.layer] * (not leave)
        for layer in layers:
            layer.metadata.pop(OURS, None)  # so that nobody takes it up meanwhile
        soon(lambda: self._take_out(layers, soon))

    def _take_out(self, layers: Sequence[Layer], soon: Soon) -> None:
        there = [layer for layer in layers if layer in self._viewer.layers]
        for layer in there[:1]:
            self._viewer.layers.remove(layer)
        if rest := there[1:]:
            soon(lambda: self._take_out(rest, soon), FRAME_MS)

    def follow_image(self) -> None:
        """Lie where the image lies now."""
        for name, value in transforms_of(self.image).items():
            setattr(self.prompts.layer, name, value)
        for drag in self._drags:
            drag.lie_anew()
        self.preview.lie_anew()

    def _press(self, viewer: Any, event: Any) -> None:
        """Polarity of the point that the release of this button will add."""
        prompts = self.prompts
        if viewer.layers.selection.active != prompts.layer:
            return
        negative = "Shift" in event.modifiers or event.button == RIGHT_BUTTON
        wanted = POSITIVE if prompts.next_label == BOX else prompts.next_label
        prompts.set_default(NEGATIVE if negative else wanted)


def _left_behind(viewer: ViewerModel, image: Image) -> Points | None:
    """Find prompts that an earlier dock left for this image."""
    from napari.layers import Points

    for layer in viewer.layers:
        ours = isinstance(layer, Points) and is_ours(layer)
        if ours and layer.metadata[OURS]["image"] == image.unique_id:
            return layer
    return None


def leave_prompts(viewer: ViewerModel, image: Image, marks: Sequence[Mark]) -> None:
    """Leave prompts of an image in the viewer, for a dock that is opened later."""
    points = make_points(image)
    sign(points, image)
    kept = PromptsLayer(points, lambda: None)
    kept.show(marks)
    kept.close()
    viewer.add_layer(points)


def _ignoring_layer(call: Callable[[], None]) -> Callable[[Any], None]:
    def bound(layer: Any) -> None:
        call()

    return bound
