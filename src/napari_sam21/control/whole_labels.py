"""What the user does to labels that are there already, with the mouse over them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from napari_sam21.control.editor import ImageEditor
from napari_sam21.control.objects import Objects
from napari_sam21.control.voice import Voice
from napari_sam21.core.errors import LayerError
from napari_sam21.layers.spotting import label_at
from napari_sam21.layers.target import OutputTarget

if TYPE_CHECKING:
    from napari.components import ViewerModel

NONE_HERE = "There is no label under the mouse."


class WholeLabels(Voice):
    """Gestures over a label; without one they only say so."""

    editor: ImageEditor | None
    objects: Objects
    target: OutputTarget
    _viewer: ViewerModel

    def delete(self) -> None:
        """Delete the selected points, if there are any; else the label under it."""
        editor = self.editor
        if editor is None:
            return
        points = editor.scene.prompts.layer
        if points.selected_data and self._viewer.layers.selection.active == points:
            points.remove_selected()
            return
        self._with_label(lambda label: self.objects.delete(editor.image, [label]))

    def merge(self) -> None:
        """Make the label under the mouse a part of the selected one."""
        editor, labels = self.editor, self.target.labels
        if editor is None or labels is None:
            self.say("There are no labels yet: commit an object first.")
            return
        into = int(labels.selected_label)

        def merge(label: int) -> None:
            if label == into:
                self.say(f"Label {label} is the selected one: point at another.")
            else:
                self.objects.merge(editor.image, [label], into)

        self._with_label(merge)

    def pick(self) -> None:
        """Select the label under the mouse."""
        labels = self.target.labels

        def select(label: int) -> None:
            if labels is not None:
                labels.selected_label = label
                self.say(f"Label {label} of {labels.name!r} is selected.")

        self._with_label(select)

    def _with_label(self, call: Callable[[int], None]) -> None:
        editor, labels = self.editor, self.target.labels
        if editor is None or labels is None:
            self.say("There are no labels yet: commit an object first.")
            return
        try:
            found = label_at(
                labels, editor.image, editor.plane(), self._viewer.cursor.position
            )
        except LayerError as error:
            self.say(str(error))
            return
        if found is None:
            self.say(NONE_HERE)
        else:
            call(found[0])
