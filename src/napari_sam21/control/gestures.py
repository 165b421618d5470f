"""What the user does to the object in the making, apart from committing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sam21.control.commits import Committer
from napari_sam21.control.editor import ImageEditor
from napari_sam21.control.guesses import begin_with_another
from napari_sam21.control.hover import Hover
from napari_sam21.control.objects import Objects
from napari_sam21.control.reopening import take_up
from napari_sam21.control.steps import BrushStep
from napari_sam21.control.voice import Voice
from napari_sam21.core.cleaning import Cleaning
from napari_sam21.core.errors import Sam21Error
from napari_sam21.core.prompts import BOX, NEGATIVE, POSITIVE
from napari_sam21.core.retouch import Retouch
from napari_sam21.core.swatches import by_size
from napari_sam21.layers.composite import Channels
from napari_sam21.layers.planes import Plane
from napari_sam21.layers.prompts import Mark

if TYPE_CHECKING:
    from napari.components import ViewerModel


class Gestures(Voice):
    """Choices about the object on show; without one, nothing happens."""

    cleaning = Cleaning()

    editor: ImageEditor | None
    hover: Hover
    commits: Committer
    objects: Objects
    _viewer: ViewerModel

    def prompts_edited(
        self, before: tuple[Mark, ...], after: tuple[Mark, ...], word: str
    ) -> None:
        """Remember a change of the points."""
        raise NotImplementedError

    def choose(self, index: int) -> None:
        """Choose a candidate by its number."""
        if self.editor is not None:
            self.editor.choose(index)

    def next_candidate(self) -> None:
        """Choose the next larger candidate; after the whole comes the part again."""
        self._step_candidate(1)

    def previous_candidate(self) -> None:
        """Choose the next smaller candidate."""
        self._step_candidate(-1)

    def _step_candidate(self, step: int) -> None:
        answer = None if self.editor is None else self.editor.draft().answer
        if answer is not None:
            order = by_size(answer)
            place = order.index(answer.index) + step
            self.choose(order[place % len(order)])

    def set_polarity(self, label: int) -> None:
        """Set what the next prompt is: a point on the object, one off it, or a box."""
        if self.editor is not None:
            prompts = self.editor.scene.prompts
            prompts.next_label = label
            prompts.scribbles = prompts.scribbles and label != BOX
            self.editor_changed()

    def switch_polarity(self) -> None:
        """Switch the label of the next point."""
        if self.editor is not None:
            positive = self.editor.scene.prompts.next_label == POSITIVE
            self.set_polarity(NEGATIVE if positive else POSITIVE)

    def draw_box(self) -> None:
        """Make the next drag a box; a second call makes clicks points again."""
        if self.editor is not None:
            armed = self.editor.scene.prompts.next_label == BOX
            self.set_polarity(POSITIVE if armed else BOX)

    def scribble(self) -> None:
        """Make drags draw strokes, of the sign on show, until this is called again."""
        if self.editor is not None:
            prompts = self.editor.scene.prompts
            prompts.scribbles = not prompts.scribbles
            label = prompts.next_label
            self.set_polarity(POSITIVE if label == BOX else label)

    def preview_brushed(
        self, plane: Plane, before: Retouch | None, after: Retouch
    ) -> None:
        """Remember a stroke on the preview."""
        if self.editor is not None:
            marks = self.editor.marks
            step = BrushStep(marks, marks, plane, before, after)
            self.commits.history.push(step)
            self.say("")

    def set_cleaning(self, largest_piece: bool, fill_holes: bool) -> None:
        """Choose what is done to every mask that is shown and committed."""
        self.cleaning = Cleaning(largest_piece, fill_holes)
        if self.editor is not None:
            self.editor.clean(self.cleaning)

    def flip_selected(self) -> None:
        """Flip the selected points between positive and negative."""
        if self.editor is not None:
            self.editor.scene.prompts.flip_selected()

    def clear(self) -> None:
        """Take the prompts of the object on show away."""
        editor = self.editor
        if editor is not None:
            self.commits.stop_waiting()
            self.commits.target.reserve(None, 0)  # what was taken up stays deleted
            before, rest = editor.marks, editor.marks_elsewhere()
            self.prompts_edited(before, rest, "")
            editor.set_marks(rest)

    def take_up(self) -> None:
        """Make the label under the mouse an object in the making.

        Of the output layer: it is taken up again. Of another one: it is the first guess
        of a new object.
        """
        editor, place = self.editor, self._viewer.cursor.position
        if editor is None:
            return
        where = editor, self.commits, self._viewer, place
        try:
            if not begin_with_another(*where, self.say):
                recall = self.objects.marks_of
                take_up(editor, self.commits, place, recall, self.say)
        except Sam21Error as error:
            self.say(str(error))

    def toggle_hover(self) -> None:
        """Show the mask that a click would give under the mouse, or do not."""
        self.hover.switch(not self.hover.enabled)
        self.editor_changed()

    def toggle_preview(self) -> None:
        """Hide the preview, or show it again."""
        if self.editor is not None:
            layer = self.editor.scene.preview.layer
            layer.visible = not layer.visible

    def set_field(self, mode: str) -> None:
        """Choose the region that the model sees otherwise; see `layers.field.MODES`."""
        if self.editor is not None:
            self.editor.set_field(mode)

    def set_look(self, mode: str, channels: Channels | None = None) -> None:
        """Show the image to the model otherwise; see `layers.sight.Sight.choose`."""
        self.say("")
        try:
            if self.editor is not None:
                self.editor.sight.choose(mode, channels)
        except Sam21Error as error:
            self.say(str(error), problem=True)
