"""The objects in the making on one image, at most one on each of its planes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from napari_sam21.annotation import Draft
from napari_sam21.layers.field import Field
from napari_sam21.layers.planes import Plane
from napari_sam21.layers.prompts import Mark, prompts_on

REMEMBERED = 16
"""Objects that were let go, and may come back by undo."""


class Drafts:
    """What is known of each plane's object; its prompts are what the points say.

    Parameters
    ----------
    field : Field
        Chooses regions.
    """

    def __init__(self, field: Field) -> None:
        self._field = field
        self._of: dict[Plane, Draft] = {}
        # What the user made of objects whose prompts have gone, newest last.
        self._gone: deque[tuple[Plane, Draft]] = deque(maxlen=REMEMBERED)

    def now(self, plane: Plane, marks: Sequence[Mark]) -> Draft:
        """Return a plane's object as its points are now: they alone decide."""
        prompts = prompts_on(marks, plane)
        draft = self._of.get(plane, Draft()).ask(prompts)
        if not prompts:
            return draft
        region = self._field.region(plane, prompts.corners_rc, draft.region)
        return draft.within(region)

    def settle(self, plane: Plane, marks: Sequence[Mark]) -> Draft:
        """Keep a plane's object as its points are now, and return it."""
        before, draft = self._of.get(plane), self.now(plane, marks)
        if before is not None and not draft.prompts and _is_worked_on(before):
            self._gone.append((plane, before))
        self._of[plane] = draft
        return draft

    def come_back(self, plane: Plane, marks: Sequence[Mark]) -> None:
        """Give prompts that undo brought back what else belonged to their object.

        Strokes, and the mask that it began with; answers are asked for anew.
        """
        if self._of.get(plane, Draft()).prompts:
            return
        prompts = prompts_on(marks, plane)
        for place, draft in reversed(self._gone):
            if place == plane and prompts and draft.prompts == prompts:
                self._of[plane] = _unanswered(draft)
                return

    def put(self, plane: Plane, draft: Draft) -> None:
        """Replace what is known of a plane's object."""
        self._of[plane] = draft

    def worked_on(self) -> dict[Plane, Draft]:
        """Return what answers alone would not bring back: strokes, masks given."""
        return {
            plane: _unanswered(draft)
            for plane, draft in self._of.items()
            if _is_worked_on(draft)
        }

    def drop(self, plane: Plane) -> None:
        """Forget a plane's object: it is a label now."""
        self._of.pop(plane, None)

    def change_all(self, change: Callable[[Draft], Draft]) -> None:
        """Do the same to every object."""
        self._of = {plane: change(draft) for plane, draft in self._of.items()}


def _unanswered(draft: Draft) -> Draft:
    return Draft(draft.prompts, given=draft.given, retouch=draft.retouch)


def _is_worked_on(draft: Draft) -> bool:
    return draft.retouch is not None or draft.given is not None
