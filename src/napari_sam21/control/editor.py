"""Prompts of one image in, a preview out: the cycle of a click. Knows no Qt.

The Points layer reports an edit → its marks on the shown plane become prompts → a
ready embedding is asked, or one is made first → the answer joins the plane's draft,
unless newer prompts came meanwhile → the chosen candidate is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_sam21.annotation import Draft
from napari_sam21.control.drafts import Drafts
from napari_sam21.control.marks import Marks
from napari_sam21.control.ports import Host, Listener
from napari_sam21.core.cleaning import Cleaning
from napari_sam21.core.embedding import Answer, Embedding
from napari_sam21.core.errors import LayerError
from napari_sam21.core.geometry import Region
from napari_sam21.core.prompts import Prompts
from napari_sam21.core.retouch import Retouch
from napari_sam21.inference import Inference
from napari_sam21.layers.field import Field
from napari_sam21.layers.look import session_looks
from napari_sam21.layers.planes import Plane, displayed_plane
from napari_sam21.layers.prompts import Mark
from napari_sam21.layers.scene import Scene
from napari_sam21.layers.sight import Sight
from napari_sam21.layers.source import Source
from napari_sam21.layers.watch import Watch

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Image

SETTLE_MS = 150
"""The view must rest this long before it is embedded ahead of a click."""

NOTHING_TO_BRUSH = "Click an object first: strokes on the preview change its mask."

Crop = tuple[npt.NDArray[np.bool_], tuple[int, int]]


class ImageEditor:
    """Objects in the making on one image: at most one on each of its planes.

    Parameters
    ----------
    viewer : napari.Viewer
    image : Image
    inference : Inference
    host : Host
    listener : Listener
    keys : mapping of key to callable
        Bound on our layers.

    Attributes
    ----------
    drafts : Drafts
        The object on each plane.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        image: Image,
        inference: Inference,
        host: Host,
        listener: Listener,
        keys: Mapping[Any, Callable[[], None]],
    ) -> None:
        self.image = image
        self._viewer = viewer
        self._inference = inference
        self._listener = listener
        self._soon = host.soon
        self._settled = host.debounced(self._embed_ahead, SETTLE_MS)
        self.field = Field(image, viewer)
        self.drafts = Drafts(self.field)
        self.scene = Scene(viewer, image, self._edited, self._painted, keys)
        self._marks = Marks(self.scene.prompts)
        self._watch = Watch(
            viewer,
            image,
            seen=self._view_moved,
            edited=self._settled,
            placed=self._image_placed,
            zoomed=self._settled,
        )
        self.sight = Sight(
            viewer,
            image,
            session_looks(),
            host.soon,
            seen=self._view_moved,
            edited=self._settled,
            chosen=self.ask_again,
            say=listener.say,
        )

    def close(self, keep_prompts: bool = False, gone: bool = False) -> None:
        """Stop, and take our layers away.

        Parameters
        ----------
        keep_prompts : bool
            Leave points that are not committed in the viewer.
        gone : bool
            The window is gone already: touch no layer.
        """
        self._inference.cancel()
        self._watch.close()
        self.sight.close()
        self.scene.stop()
        if not gone:
            self._marks.catch_up()
            self.scene.remove(self._soon, keep_prompts)

    # --- what is there -----------------------------------------------------------

    @property
    def marks(self) -> tuple[Mark, ...]:
        """All points, on whatever plane."""
        return self._marks.now

    def plane(self) -> Plane:
        """Return the plane on show.

        Raises
        ------
        LayerError
            If there is none to click on; the message says why.
        """
        return displayed_plane(self.image, self._viewer.dims)

    def shown(self) -> Plane | None:
        """Return the plane on show, or None."""
        try:
            return self.plane()
        except LayerError:
            return None

    def draft(self) -> Draft:
        """Return the object in the making on the plane on show."""
        plane = self.shown()
        return Draft() if plane is None else self.draft_on(plane)

    def draft_on(self, plane: Plane) -> Draft:
        """Return the object in the making on a plane."""
        return self.drafts.now(plane, self.marks)

    def region(self) -> Region | None:
        """Return the region of the plane on show that a click would be asked in."""
        plane = self.shown()
        return None if plane is None else self.region_on(plane)

    def region_on(self, plane: Plane) -> Region:
        """Return the region of a plane that a click would be asked in."""
        return self.draft_on(plane).region or self.field.region(plane)

    def set_field(self, mode: str) -> None:
        """Choose regions otherwise from now on; an object begun is asked anew."""
        self.field.set_mode(mode, self.region())
        self.drafts.change_all(Draft.without_region)
        self.sync()

    def is_ready(self) -> bool:
        """Whether a click would be answered at once."""
        plane = self.shown()
        if plane is None:
            return False
        source = self.source(plane, self.region_on(plane))
        ready = self._inference.ready(source) is not None
        return ready or self.draft_on(plane).embedding is not None

    def brushed(self, crop: Crop, region: Region) -> Crop:
        """Make of an answer's mask what is on show: cleaned, and with the strokes."""
        return self.scene.preview.edited(crop, region)

    def marks_elsewhere(self) -> tuple[Mark, ...]:
        """Return the points that are not on the plane on show."""
        return self._marks.elsewhere(self.shown())

    # --- what the user does ------------------------------------------------------

    def set_marks(self, marks: tuple[Mark, ...], draft: Draft | None = None) -> None:
        """Replace the points, as undo and commit do.

        Parameters
        ----------
        marks : tuple of Mark
        draft : Draft, optional
            Answers to them that are known already, for the plane on show.
        """
        plane = self.shown()
        if draft is not None and plane is not None:
            self.drafts.put(plane, draft)
        elif plane is not None:
            self.drafts.come_back(plane, marks)
        self._marks.show(marks)
        self.sync()

    def drop_object(self) -> None:
        """Let go of the object on show, which is a label now.

        What is known changes at once. Our layers follow in a moment: removing points
        takes napari longer than writing the label, and nobody waits for it.
        """
        plane = self.shown()
        if plane is not None:
            self._marks.leave(self.marks_elsewhere())
            self.drafts.drop(plane)
            self._soon(self.catch_up)

    def catch_up(self) -> None:
        """Bring our layers in line after `drop_object`."""
        if self._watch.open and self._marks.catch_up():
            self.sync()

    def choose(self, index: int) -> None:
        """Choose another candidate."""
        plane, draft = self.shown(), self.draft()
        if plane is not None and draft.answer is not None:
            self.drafts.put(plane, draft.choose(index))
            self._draw(plane)
            self._listener.editor_changed()

    def ask_again(self) -> None:
        """Forget all answers: another model is asked, or it sees something else."""
        self.drafts.change_all(Draft.without_answers)
        self.sync()

    def retouch(self, retouch: Retouch | None) -> None:
        """Replace what was brushed over the mask on show, as undo does."""
        plane = self.shown()
        if plane is not None:
            self.drafts.put(plane, self.draft_on(plane).retouched(retouch))
            self._draw(plane)
            self._listener.editor_changed()

    def clean(self, cleaning: Cleaning) -> None:
        """Clean every mask in this way from now on."""
        self.scene.preview.clean(cleaning)
        plane = self.shown()
        if plane is not None:
            self._draw(plane)
        self._listener.editor_changed()

    # --- from prompts to a preview -----------------------------------------------

    def sync(self) -> None:
        """Bring the shown plane's draft in line with its prompts, then ask or draw."""
        plane = self.shown()
        if plane is not None:
            draft = self.drafts.settle(plane, self.marks)
            self._inference.forget_question()
            self._draw(plane)
            if draft.waits:
                self._ask(plane, draft)
            else:
                self._settled()
        self._listener.editor_changed()

    def _edited(self) -> None:
        """The user added, moved, flipped or deleted points."""
        if self.scene.clickable:
            self._soon(self.scene.prompts.deselect)
        before = self.marks
        word = self._marks.read(self.image, self.shown())
        if self.marks != before or word:
            self._listener.prompts_edited(before, self.marks, word)
        self.sync()

    def _painted(self, retouch: Retouch | None) -> None:
        """The user brushed the preview."""
        plane = self.shown()
        if retouch is None or plane is None:
            self._listener.say(NOTHING_TO_BRUSH)
            return
        draft = self.draft_on(plane)
        self.drafts.put(plane, draft.retouched(retouch))
        self._listener.preview_brushed(plane, draft.retouch, retouch)

    def _ask(self, plane: Plane, draft: Draft) -> None:
        source = self.source(plane, self.region_on(plane))
        embedding = draft.embedding or self._inference.ready(source)
        if embedding is None:
            self._embed(source)
            return
        done = partial(self._answered, plane, draft.prompts, embedding)
        previous = draft.feedback_for(embedding)
        self._inference.ask(
            embedding, draft.prompts, previous, done, self._listener.failed
        )

    def _answered(
        self, plane: Plane, prompts: Prompts, embedding: Embedding, answer: Answer
    ) -> None:
        draft = self.draft_on(plane)
        self.drafts.put(plane, draft.answered(prompts, answer, embedding))
        if plane == self.shown():
            self._draw(plane)
        self._listener.editor_changed()

    def _embed(self, source: Source) -> None:
        self._inference.prepare(source, lambda _: self.sync(), self._listener.failed)

    def _embed_ahead(self) -> None:
        """Embed what is shown before anybody clicks on it."""
        plane = self.shown()
        if plane is not None and self._watch.open:
            source = self.source(plane, self.region_on(plane))
            self.scene.preview.lie_over(plane, source.region)
            if self._inference.ready(source) is None:
                self._embed(source)
            elif self.draft_on(plane).waits:
                self.sync()
        self._listener.editor_changed()

    def _draw(self, plane: Plane) -> None:
        """Show the answer to these prompts; while one is coming, the last one."""
        draft = self.draft_on(plane)
        if answer := draft.answer or draft.feedback:
            self.scene.preview.draw(answer, plane, draft.retouch)
        else:
            self.scene.preview.clear()

    def source(self, plane: Plane, region: Region) -> Source:
        """Return how a region of a plane is seen now, be it on show or not."""
        return self.sight.source(plane, self._watch.version, region)

    def _view_moved(self) -> None:
        """Another slice or contrast: draw what waits there, embed when it rests."""
        plane = self.shown()
        if plane is not None:
            self._draw(plane)
        else:
            self.scene.preview.clear()
        self._listener.view_moved()
        self._settled()

    def _image_placed(self) -> None:
        """The image lies elsewhere now: our layers follow, points keep their pixels."""
        self.scene.follow_image()
        self.sync()
