"""What the user wants → what happens. Holds the layers, knows no Qt.

The editor turns the prompts of one image into a preview; the committer makes labels of
them, and takes either back; here is decided which image, and what the user is told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_sam21.control.ahead import Ahead
from napari_sam21.control.aside import PutAside
from napari_sam21.control.commits import Committer
from napari_sam21.control.editor import ImageEditor
from napari_sam21.control.exporting import Exporting
from napari_sam21.control.gestures import Gestures
from napari_sam21.control.habits import Habits
from napari_sam21.control.hover import Hover
from napari_sam21.control.keeper import Keeper
from napari_sam21.control.keyboard import Keyboard
from napari_sam21.control.keys import KEYS
from napari_sam21.control.label_files import LabelFiles
from napari_sam21.control.ledger import UNDONE
from napari_sam21.control.many import Many
from napari_sam21.control.objects import Objects
from napari_sam21.control.outputs import Outputs
from napari_sam21.control.ports import Host
from napari_sam21.control.precompute import Precompute
from napari_sam21.control.steps import AnyStep
from napari_sam21.control.tuning import Tuner
from napari_sam21.control.view import View, view_of
from napari_sam21.control.welcome import Welcome
from napari_sam21.control.whole_labels import WholeLabels
from napari_sam21.core.errors import Sam21Error
from napari_sam21.core.lanes import Lane
from napari_sam21.inference import Inference
from napari_sam21.layers.navigate import go_to, planes_with, waiting
from napari_sam21.layers.output import is_dask
from napari_sam21.layers.prompts import Mark
from napari_sam21.layers.target import OutputTarget, add_below
from napari_sam21.models.keeping import shared_store
from napari_sam21.shelf import ModelShelf

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image, Labels

QUIET_MS = 10
"""Nothing has happened for so long: there is time to prepare what comes next."""


class Controller(Gestures, Keyboard, WholeLabels, Exporting):
    """One annotation in one viewer.

    Parameters
    ----------
    viewer : napari.Viewer
    host : Host
        The thread that owns the layers.
    inference : Inference, optional
        Default: one that shares the embeddings of the process.
    """

    def __init__(
        self, viewer: ViewerModel, host: Host, inference: Inference | None = None
    ) -> None:
        self._viewer = viewer
        self._host = host
        self._quiet = host.debounced(
            lambda: self.commits.foresee(self.editor), QUIET_MS
        )
        self.changed.connect(lambda: self._quiet())
        self.inference = inference or Inference(host.deliver, shared_store())
        self.shelf = ModelShelf(
            host.deliver, self.editor_changed, self.set_model, self.failed
        )
        if inference is None:
            self.inference.use(self.shelf.first())
            self.inference.load_soon()
        self.inference.listen(lambda message: self.say(message, problem=True))
        self.precompute = Precompute(
            self.inference, host, self.editor_changed, self.say
        )
        self.ahead = Ahead(
            viewer,
            self.inference,
            host,
            lambda: self.editor,
            lambda: self.precompute.running or self.many.running or self.tuner.running,
        )
        self.tuner = Tuner(
            self.inference,
            host,
            self.ahead.stirred,
            lambda: self.precompute.running or self.many.running,
            self.editor_changed,
            self.say,
        )
        self.hover = Hover(viewer, self.inference, lambda: self.editor)
        self._counting = Lane("sam21-count", host.deliver)
        self.target = OutputTarget(viewer, self._counting, self._counted, self.failed)
        self._put_aside = PutAside()
        self._outputs = Outputs()
        self._keeper = Keeper(
            host,
            self.inference.witness,
            self.say,
            self.failed,
            self._followed,
            self._restored,
        )
        self.commits = Committer(
            viewer, host, self.target, self._keeper.ledger, self._put_aside, self.say
        )
        self.objects = Objects(viewer, host, self.commits, self.say, self.failed)
        self._keeper.reader = self.objects.restore
        self.files = LabelFiles(host, self.say, self.failed, self._keeper.saved)
        self.many = Many(viewer, host, self)
        self.editor: ImageEditor | None = None
        self.image: Image | None = None
        self.pinned = False
        self._connections: list[tuple[Any, Callable[..., None]]] = [
            (viewer.layers.selection.events.active, self._active_changed),
            (viewer.layers.events.removed, self._layer_removed),
        ]
        for emitter, call in self._connections:
            emitter.connect(call)
        self.habits = Habits(self)
        self._welcome = Welcome(viewer, self.habits)
        self.changed.connect(self.habits.follow)

    def close(self, gone: bool = False) -> None:
        """Leave the viewer as the user made it: labels and open prompts stay.

        Parameters
        ----------
        gone : bool
            The window is gone already: only stop, and touch nothing.
        """
        self.changed.disconnect()
        self.habits.close()
        if not gone:
            self._welcome.end()
        self.tuner.close()
        self.ahead.close()
        self.hover.close()
        self.precompute.close()
        for emitter, call in self._connections:
            emitter.disconnect(call)
        self._connections.clear()
        editor, self.editor = self.editor, None
        if editor is not None:
            editor.close(keep_prompts=True, gone=gone)
        if not gone:
            self._put_aside.leave_in(self._viewer)
        self.many.close(gone)
        self.commits.close(gone)
        self.objects.close()
        self._keeper.close()
        self.target.close()
        self._counting.close()
        self.files.close()
        self.inference.close()
        self.shelf.close()

    # --- what is annotated -------------------------------------------------------

    def set_image(self, image: Image | None) -> None:
        """Annotate another image; open prompts are put aside until its return."""
        if image is None or self.image is None or image != self.image:
            self._leave_image()
            self.image = image
            self.say("")
            self._enter_image()

    def start(self) -> None:
        """Bring our layers back if they are gone, and make them ready for a click."""
        if self.editor is None:
            self._enter_image()
        if self.editor is not None:
            self.editor.scene.activate()

    def set_model(self, name: str | Path) -> None:
        """Ask another model; prompts stay, answers and embeddings go."""
        self.inference.use(name)
        self.say("")
        if self.editor is not None:
            self.editor.ask_again()

    def set_output(self, labels: Labels | None) -> None:
        """Write objects to a layer from now on; None makes a new one on commit."""
        self.say("")
        self.commits.stop_waiting()
        self.target.use(labels)
        try:
            self._outputs.pick(labels, self.image)
        except Sam21Error as error:
            self.say(str(error), problem=True)
        self.commits.ledger.watch(self.image, self.target.labels)
        if labels is not None and is_dask(labels):
            self.files.offer_copy(labels, self.editor_changed)

    def open_objects(self) -> int:
        """Count the objects that are not committed."""
        others = len(self._put_aside)
        if self.editor is None:
            return others
        plane = self.editor.shown()
        marks = self.editor.marks
        here = bool(marks) if plane is None else len(planes_with(marks, plane))
        return others + here

    def _enter_image(self) -> None:
        image = self.image
        if image is None:
            return
        active = self._viewer.layers.selection.active
        stirring = self.ahead.stirring
        keys = {key.binding: stirring(getattr(self, key.action)) for key in KEYS}
        self.editor = ImageEditor(
            self._viewer, image, self.inference, self._host, self, keys
        )
        self.editor.clean(self.cleaning)
        # Do not take the layer list out of the user's hands while they use it.
        if active is None or active == image:
            self.editor.scene.activate()
        else:
            self._viewer.layers.selection.active = active
        self._put_aside.give_back(self.editor)
        self.target.use(self._outputs.of(image))
        self._keeper.enter(image, self.target.labels)
        self._welcome.begin()

    def _leave_image(self) -> None:
        editor, self.editor = self.editor, None
        self.commits.image_left()
        if self.image is not None:
            self._outputs.keep(self.image, self.target.labels)
        if editor is not None:
            self._put_aside.put(editor)
            editor.close()

    def _active_changed(self, event: Any) -> None:
        from napari.layers import Image

        # Who sets the contrast of a composite's channel has to select that layer.
        channel = self.editor is not None and self.editor.sight.holds(event.value)
        if isinstance(event.value, Image) and not (self.pinned or channel):
            self.set_image(event.value)
        self.editor_changed()

    def _layer_removed(self, event: Any) -> None:
        layer = event.value
        self.commits.layer_removed(layer)
        self.objects.forget(layer)
        self.many.layer_removed(layer)
        self._outputs.forget(layer)
        if self.target.forget(layer):
            self.commits.stop_waiting()
            self.say("The output layer was removed; the next commit makes a new one.")
        if self.image is not None and layer == self.image:
            self._leave_image()
            self.image, self.pinned = None, False
            self.say("The image was removed.")
        elif self.editor is not None and self.editor.scene.holds(layer):
            self._leave_image()
            self.say("The prompts or preview layer was removed: press Start clicking.")
        self._put_aside.forget(layer.unique_id)  # no image, no open objects on it
        self.editor_changed()

    # --- what the user does ------------------------------------------------------

    def commit(self) -> None:
        """Make the mask on show a label."""
        if self.commits.commit(self.editor):
            self._welcome.learnt()

    def undo(self) -> None:
        """Take the last step back: a point, or a commit."""
        self.commits.undo(self.editor)

    def redo(self) -> None:
        """Do again what was undone last."""
        self.commits.redo(self.editor)

    def next_object(self) -> None:
        """Commit what is shown, then go to an object that waits on another plane."""
        editor = self.editor
        if editor is None:
            return
        if editor.draft().answer is not None and not self.commits.commit(editor):
            return
        plane = editor.shown()
        others = [] if plane is None else waiting(editor.marks, plane)
        if others:
            go_to(self._viewer, editor.image, others[0])

    def cancel(self) -> None:
        """Stop what runs; the next click or move of the view starts it again."""
        if self.files.cancel() or self.many.cancel():
            return
        self.inference.cancel()
        self.say("Cancelled. The next click, or a move of the view, tries again.")

    # --- what is heard and said --------------------------------------------------

    def prompts_edited(
        self, before: tuple[Mark, ...], after: tuple[Mark, ...], word: str
    ) -> None:
        """Remember a change of the points."""
        self.commits.prompts_edited(before, after)
        self._keeper.ledger.prompts(after)
        self.say(word)

    def _followed(self, step: AnyStep, what: str) -> None:
        self.commits.follow(self.editor, step, what == UNDONE)

    def _restored(
        self,
        image: Image,
        labels: Labels,
        marks: tuple[Mark, ...],
        settings: Mapping[str, Any],
    ) -> None:
        """Go on with what an earlier session left."""
        add_below(self._viewer, image, labels)
        if self.image is not None and image == self.image and self.editor is not None:
            self.set_output(labels)
            self.habits.restore(settings)
            self.editor.set_marks((*self.editor.marks, *marks))
        self.say(f"{labels.name!r} is as it was left.")

    def _counted(self) -> None:
        self.commits.counted(self.editor)
        self.many.tray.counted()

    def view(self) -> View:
        """Return what the dock shows."""
        return view_of(
            self.editor,
            self.commits.history,
            self.inference,
            self.word,
            self.files.busy or self.many.running,
        )
