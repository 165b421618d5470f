"""Masks cut out of their logits; large ones off the thread that owns the layers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from napari_sam21.control.editor import Crop
from napari_sam21.core.embedding import Answer
from napari_sam21.core.lanes import Deliver, Lane
from napari_sam21.layers.writing import NAPARI_PIXELS


class Cutter:
    """Cuts masks out, and keeps the last one.

    Parameters
    ----------
    deliver : callable
        Runs a call in the thread that owns the layers.
    """

    def __init__(self, deliver: Deliver) -> None:
        self._lane = Lane("sam21-cut", deliver)
        self._last: tuple[Answer, Crop] | None = None

    def at_once(self, answer: Answer) -> bool:
        """Whether `crop` would take no time worth speaking of."""
        return self._known(answer) is not None or _pixels(answer) <= NAPARI_PIXELS

    def crop(self, answer: Answer) -> Crop:
        """Return the mask of the chosen candidate, and its origin."""
        found = self._known(answer)
        if found is None:
            found = answer.crop()
            self._last = (answer, found)
        return found

    def begin(
        self,
        answer: Answer,
        done: Callable[[], None],
        failed: Callable[[BaseException], None],
    ) -> None:
        """Cut a large mask out in another thread; `crop` has it then."""

        def keep(crop: Crop) -> None:
            self._last = (answer, crop)
            done()

        self._lane.submit(lambda _: answer.crop(), keep, failed)

    def forget(self) -> None:
        """Let go of the last mask, and of what is being cut."""
        self._lane.cancel()
        self._last = None

    def close(self) -> None:
        """Stop, and let the thread end."""
        self._lane.close()

    def _known(self, answer: Answer) -> Crop | None:
        last = self._last
        return last[1] if last is not None and last[0] is answer else None


def _pixels(answer: Answer) -> int:
    """About how many pixels of the plane a mask covers."""
    logits = answer.logits[answer.index]
    share = np.count_nonzero(logits > 0) / logits.size
    return int(share * answer.region.height * answer.region.width)
