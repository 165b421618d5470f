"""Objects in the making on images that are not being annotated: put aside, not lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari_sam21.annotation import Draft
from napari_sam21.control.editor import ImageEditor
from napari_sam21.layers.planes import Plane
from napari_sam21.layers.prompts import Mark
from napari_sam21.layers.scene import leave_prompts

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

Marks = tuple[Mark, ...]


class PutAside:
    """Points of each image, and what else belongs to their objects.

    That is strokes over the preview, and a mask that an object began with. Answers are
    asked for anew.
    """

    def __init__(self) -> None:
        self._marks: dict[Any, Marks] = {}
        self._drafts: dict[Any, dict[Plane, Draft]] = {}

    def __len__(self) -> int:
        """How many images have open points."""
        return sum(1 for marks in self._marks.values() if marks)

    def put(self, editor: ImageEditor) -> None:
        """Put aside what an editor holds, which is about to close."""
        if editor.marks:
            key = editor.image.unique_id
            self._marks[key] = editor.marks
            self._drafts[key] = editor.drafts.worked_on()

    def give_back(self, editor: ImageEditor) -> None:
        """Give an editor what was put aside of its image, or have it begin."""
        key = editor.image.unique_id
        for plane, draft in self._drafts.pop(key, {}).items():
            editor.drafts.put(plane, draft)
        editor.set_marks(self._marks.pop(key, editor.marks))

    def change(self, image: Image, change: Callable[[Marks], Marks]) -> None:
        """Change the points of an image."""
        self._marks[image.unique_id] = change(self._marks.get(image.unique_id, ()))

    def forget(self, key: Any) -> None:
        """Forget what belongs to an image that is gone."""
        self._marks.pop(key, None)
        self._drafts.pop(key, None)

    def leave_in(self, viewer: ViewerModel) -> None:
        """Leave the points in the viewer, for a dock that is opened later."""
        for layer in list(viewer.layers):
            marks = self._marks.pop(layer.unique_id, ())
            if marks:
                leave_prompts(viewer, layer, marks)
