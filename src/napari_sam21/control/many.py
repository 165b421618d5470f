"""Many objects at once: what the user asks for → a job in a thread of its own → a tray.

A job looks at what was on show when it was given. It rests between two batches while
the user waits for a click, so clicks are answered first. What it finds is a preview;
nothing is written before the user accepts it. Knows no Qt.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from napari_sam21.annotation import Draft
from napari_sam21.control import many_jobs as jobs
from napari_sam21.control.editor import ImageEditor
from napari_sam21.control.many_slices import Course, carried
from napari_sam21.control.ports import Host
from napari_sam21.control.telling import how_found
from napari_sam21.control.tray import Desk, Finding, Tray, marks_on
from napari_sam21.control.words import objects
from napari_sam21.core.automatic.options import PRESETS, Filters
from napari_sam21.core.crops import Crop
from napari_sam21.core.errors import LayerError
from napari_sam21.core.framing import region_about
from napari_sam21.core.lanes import Lane
from napari_sam21.core.propagation import StopRules
from napari_sam21.core.runtime import Cancellation
from napari_sam21.layers.batch import Batch, PlaneLabels
from napari_sam21.layers.label_array import LabelArray
from napari_sam21.layers.output import check_grid
from napari_sam21.layers.planes import Plane
from napari_sam21.layers.seeds import add_seeds, points_on

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Labels, Layer, Points

T = TypeVar("T")

TELL_SECONDS = 0.3
"""Progress is told so often."""

DIAMETER = 25.0
"""Of seeds, in pixels, until the user says otherwise."""


MADE_BY: dict[Callable[..., Batch], str] = {
    jobs.everything_here: "everything",
    jobs.everything_on_plane: "tiles",
    jobs.one_for_each_point: "points",
    jobs.refined: "labels",
}
"""What the journal calls a job."""


class Many:
    """Jobs on the image in work, one at a time.

    Parameters
    ----------
    viewer : napari.Viewer
    host : Host
    desk : Desk
        The annotation: its model is asked, and a job rests before its clicks.

    Attributes
    ----------
    filters : Filters or None
        Of *everything*; None are those that suit the model.
    rules : StopRules
        Used when an object was carried last.
    diameter : float
        Of the seeds that were looked for last, in pixels.
    tray : Tray
        What was found, until it is accepted or discarded.
    """

    def __init__(self, viewer: ViewerModel, host: Host, desk: Desk) -> None:
        self._viewer, self._host, self._desk = viewer, host, desk
        self._lane = Lane("sam21-many", host.deliver)
        self.tray = Tray(viewer, desk)
        self.filters: Filters | None = None
        self.rules, self.diameter = StopRules(), DIAMETER

    @property
    def running(self) -> bool:
        """Whether a job is under way."""
        return self._lane.busy

    def close(self, gone: bool = False) -> None:
        """Stop; what was found stays on show."""
        self._lane.close()
        self.tray.close(gone)

    def cancel(self) -> bool:
        """Stop the job; return whether there was one."""
        running = self.running
        self._lane.cancel()
        if running:
            self._desk.say("Cancelled; nothing was changed.")
        return running

    def layer_removed(self, layer: Layer) -> None:
        """Let go of a preview that was deleted."""
        self.tray.layer_removed(layer)

    def suited(self) -> Filters:
        """Return the filters that will be used."""
        name = str(self._desk.inference.model_name)
        return self.filters or PRESETS.get(name, Filters())

    # --- on the plane on show ----------------------------------------------------

    def everything(self, whole_plane: bool = False) -> None:
        """Find all objects of the region on show, or of the whole plane."""
        job = jobs.everything_on_plane if whole_plane else jobs.everything_here
        self._find("Segmenting everything", job, self.filters)

    def one_for_each_point(self, points: Points) -> None:
        """Find one object for each point of a layer that lies on the plane on show."""
        editor, plane = self._shown()
        if editor is not None and plane is not None:
            places = points_on(points, editor.image, plane, self._viewer.dims)
            if places:
                self._find("Segmenting points", jobs.one_for_each_point, places)
            else:
                word = f"No point of {points.name!r} lies on what is on show."
                self._desk.say(word, True)

    def refine(self, labels: Labels) -> None:
        """Ask for every label of the plane on show again."""
        editor, plane = self._shown()
        if editor is None or plane is None:
            return
        try:
            check_grid(labels, editor.image)
        except LayerError as error:
            self._desk.say(str(error), True)
            return
        output = self._desk.target.labels
        own = output is not None and bool(labels == output)
        there = PlaneLabels(LabelArray.of(labels), plane)
        self._find("Refining labels", jobs.refined, there, own)

    def seeds(self, diameter: float, method: str, dark: bool) -> None:
        """Find seeds in the region on show, and put them into a Points layer."""
        editor, site, self.diameter = self._desk.editor, self._site(), diameter
        if editor is not None and site is not None:
            find = partial(
                jobs.seeds, site=site, diameter=diameter, method=method, dark=dark
            )
            image, plane = editor.image, site.plane

            def show(places: list[tuple[float, float]]) -> None:
                self._desk.say(add_seeds(self._viewer, image, plane, places))

            self._run("Finding seeds", find, show)

    # --- through the slices ------------------------------------------------------

    def carry(self, course: Course) -> None:
        """Carry the object on show, else the selected label, to other slices."""
        editor, plane = self._shown()
        if editor is None or plane is None:
            return
        try:
            crop, label = self._to_carry(editor, plane)
        except LayerError as error:
            self._desk.say(str(error), True)
            return
        region = region_about(plane.shape, [crop.window])
        site = jobs.Site(plane, region, editor.source(plane, region))
        draft = Draft() if label else editor.draft().last()
        taken = () if label else marks_on(editor, plane)
        image, self.rules = editor.image, course.rules
        how = how_found("slices", site.source, label=label, **asdict(course))
        self._run(
            "Carrying through slices",
            partial(carried, site=site, crop=crop, course=course, label=label),
            lambda found: self.tray.show(
                Finding(image, plane, found.batch, found.words, draft, taken, how)
            ),
        )

    def _to_carry(self, editor: ImageEditor, plane: Plane) -> tuple[Crop, int | None]:
        """The mask to carry, and its label if it has one."""
        answer, labels = editor.draft().answer, self._desk.target.labels
        if answer is not None:
            crop = Crop.of(*editor.brushed(answer.crop(), answer.region))
            if crop:
                return crop, None
        label = 0 if labels is None else int(labels.selected_label)
        if labels is None or label < 1:
            raise LayerError(
                "there is nothing to carry: click an object, or select a label among "
                "the layer controls of the output layer"
            )
        found = PlaneLabels(LabelArray.of(labels), plane).crop(label)
        if not found:
            raise LayerError(
                f"label {label} is not on this slice: go to one where it is, or click "
                "an object"
            )
        return found, label

    # --- how a job runs ----------------------------------------------------------

    def _shown(self) -> tuple[ImageEditor | None, Plane | None]:
        """The image in work and its plane on show; a word where there is none."""
        editor = self._desk.editor
        plane = None if editor is None else editor.shown()
        if plane is None:
            self._desk.say("There is no plane of an image on show.", True)
        return editor, plane

    def _site(self) -> jobs.Site | None:
        """Freeze what is on show; None, with a word, if there is nothing."""
        editor, plane = self._shown()
        region = None if editor is None else editor.region()
        if editor is None or plane is None or region is None:
            return None
        labels, taken = self._desk.target.labels, None
        if labels is not None and self._desk.commits.policy == "keep":
            taken = PlaneLabels(LabelArray.of(labels), plane)
        return jobs.Site(plane, region, editor.source(plane, region), taken)

    def _find(self, word: str, job: Callable[..., Batch], *values: object) -> None:
        editor, site = self._desk.editor, self._site()
        if editor is not None and site is not None:
            image, cleaning = editor.image, editor.scene.preview.cleaning
            how = how_found(MADE_BY[job], site.source, **self._settings(job))

            def clean(work: jobs.Work) -> Batch:
                return job(work, site, *values).cleaned(cleaning)

            def show(batch: Batch) -> None:
                words = f"{objects(len(batch))} found." if len(batch) else ""
                self.tray.show(Finding(image, site.plane, batch, words, how=how))

            self._run(word, clean, show)

    def _settings(self, job: Callable[..., Batch]) -> dict[str, Any]:
        return asdict(self.suited()) if MADE_BY[job] in ("everything", "tiles") else {}

    def _run(
        self, word: str, job: Callable[[jobs.Work], T], done: Callable[[T], None]
    ) -> None:
        inference = self._desk.inference
        load, store = inference.loader(), inference.store

        def held() -> bool:
            return inference.encoding or inference.decoding

        def run(cancel: Cancellation) -> T:
            tell = self._teller(word, cancel)
            return job(jobs.Work(load(), store, cancel, held, tell))

        self.tray.discard()
        inference.stop_quiet()
        self._lane.submit(run, done, self._desk.failed)
        self._desk.say(f"{word}…")

    def _teller(self, word: str, cancel: Cancellation) -> Callable[[int, int], None]:
        last = time.monotonic()

        def told(done: int, total: int) -> None:
            if self.running and not cancel.wished:
                self._desk.say(f"{word}: {done} of {total}…")

        def tell(done: int, total: int) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= TELL_SECONDS:
                last = now
                self._host.deliver(lambda: told(done, total))

        return tell
