"""Embeds the slices of a file, as the plugin would once napari has opened it.

An embedding is found by what was fed to the encoder, so everything that has a share
in that comes from napari itself: a layer in a viewer without a window, its contrast
limits, and the same snapshot that the dock makes. Knows no Qt.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sam21 import demo
from napari_sam21.core.disk_store import DiskStore
from napari_sam21.core.errors import Cancelled, ModelError, PlanError, StoreError
from napari_sam21.core.fill import Progress, fill, how_much
from napari_sam21.core.runtime import Cancellation
from napari_sam21.core.sam2 import Model
from napari_sam21.core.store import EmbeddingStore, MemoryStore, Store
from napari_sam21.files.opened import OpenedImage
from napari_sam21.files.read import open_image
from napari_sam21.layers.ahead import (
    Plan,
    Spans,
    level_named,
    make_plan,
    moved,
    regions_of,
)
from napari_sam21.layers.planes import Plane, displayed_plane, level_shape
from napari_sam21.layers.source import PlaneSource, snapshot
from napari_sam21.models import keeping
from napari_sam21.models.last import FIRST, last_model
from napari_sam21.models.library import state_of

if TYPE_CHECKING:
    from napari.layers import Image

ENDS = (ModelError, StoreError)
"""What goes wrong with one would go wrong with all that follow."""

PATIENCE = 0.2
"""Seconds until Ctrl+C is heard; on Windows a longer wait would not hear it."""


@dataclass(frozen=True)
class Bulk:
    """A plan for an image, and what it takes to carry it out.

    Attributes
    ----------
    image : Image
        As napari has it after opening the file.
    plan : Plan
    model : Model
    store : DiskStore
    """

    image: Image
    plan: Plan
    model: Model
    store: DiskStore

    def announcement(self) -> list[str]:
        """Say before what will be done."""
        plan, count = self.plan, len(self.plan.targets)
        low, high = self.image.contrast_limits
        seen = "in colours" if self.image.rgb else f"at contrast {low:g} to {high:g}"
        lines = [f"{count} embeddings ({how_much(count)}), {self.model.name}, {seen}"]
        if plan.is_cut:
            lines.append(
                f"{plan.wanted:,} were asked for, {how_much(plan.wanted)}; there is "
                f"room for {count:,}, and the others are left out. Give embeddings "
                "more room in the dock (⋯ beside Embeddings)."
            )
        return lines

    def run(self, tell: Callable[[Progress], None]) -> Progress:
        """Carry out the plan; one that fails does not stop the rest.

        Raises
        ------
        KeyboardInterrupt
            After Ctrl+C, within about 0.3 s; what was made is kept.
        Sam21Error
            If the model or the disk fails.
        """
        progress = Progress(len(self.plan.targets))
        kept = EmbeddingStore(MemoryStore(0), self.store)
        with ThreadPoolExecutor(1, "sam21-embed") as pool:
            for plane, region in self.plan.targets:
                tell(progress)
                source = snapshot(self.image, plane, 0, region)
                start = time.monotonic()
                made = _interruptible(pool, partial(self._fill, source, kept))
                if isinstance(made, BaseException):
                    progress = progress.without(f"{plane}: {str(made) or repr(made)}")
                else:
                    progress = progress.after(made, time.monotonic() - start)
        tell(progress)
        return progress

    def _fill(self, source: PlaneSource, kept: Store, cancel: Cancellation) -> bool:
        model_input = source.read()
        cancel.raise_if_wished()
        return fill(self.model, model_input, kept, cancel)


def _interruptible(
    pool: ThreadPoolExecutor, job: Callable[[Cancellation], bool]
) -> bool | BaseException:
    """Do a step in another thread, so that Ctrl+C reaches the run that is in progress.

    Whatever reading a file may raise is returned: of what kind it is, nobody knows.
    """
    cancel = Cancellation()
    future = pool.submit(job, cancel)
    try:
        while not future.done():
            wait([future], PATIENCE)
    except KeyboardInterrupt:
        cancel.cancel()
        raise
    error = future.exception()
    if isinstance(error, (*ENDS, Cancelled)):
        raise error
    return future.result() if error is None else error


def bulk_of(
    path: Path,
    slices: str = "all",
    axis: str | None = None,
    regions: str = "whole",
    model: str | None = None,
    channel: int | None = None,
    contrast: tuple[float, float] | None = None,
) -> Bulk:
    """Plan what the command line asks for.

    Parameters
    ----------
    path : Path
        Of the image.
    slices : str
        ``"all"``, a number, or ``"A:B"`` (up to before B), of one axis.
    axis : str, optional
        Which axis: its name in the file, or its number. Default: the last one that has
        a slider and is no axis of channels.
    regions : str
        ``"whole"``, or the side of regions in pixels.
    model : str, optional
        Name or path. Default: the one that the dock begins with.
    channel : int, optional
        Slice of the axis "c". Default: all.
    contrast : (float, float), optional
        Default: what napari gives a layer that it opens.

    Raises
    ------
    Sam21Error
        If any of it cannot be had; the message says what can.
    """
    disk = keeping.disk_store()
    if disk is None:
        why = keeping.environment() or "in the dock"
        raise StoreError(
            f"embeddings are not kept on disk (switched off: {why}), so there is "
            "nothing to fill; switch it on first"
        )
    opened = open_image(path)
    image, plane = as_napari_has_it(as_napari_reads_it(opened, path), contrast)
    sides = [_number(regions, "regions")] if regions != "whole" else []
    level = level_named(plane.shape, sides[0]) if sides else None
    names = _axis_names(image, opened.calibration.axes)
    plane, spans = _spans(image, plane, names, (slices, axis), channel)
    capacity = EmbeddingStore(MemoryStore(0), disk).capacity
    plan = make_plan(plane, spans, regions_of(plane.shape, level), capacity)
    return Bulk(image, plan, demo.load(model or _first_model()), disk)


def as_napari_reads_it(opened: OpenedImage, path: Path) -> list[Any]:
    """Return the arrays that napari's readers pass on.

    Of a TIFF the finest level, in memory; of OME-Zarr all levels, as dask. It matters:
    of arrays in memory napari looks at all pixels for the first contrast limits, of
    others only at a few planes.
    """
    if not path.is_dir():
        with opened:
            return [np.asarray(opened.data)]
    import dask.array as da

    return [
        da.from_array(level, chunks=getattr(level, "chunks", "auto"))
        for level in opened.levels
    ]


def as_napari_has_it(
    levels: Sequence[Any], contrast: tuple[float, float] | None = None
) -> tuple[Image, Plane]:
    """Return the layer that napari makes of an array it has read, and what it shows.

    Parameters
    ----------
    levels : sequence of array
        Finest first; one is no pyramid.
    contrast : (float, float), optional
        Default: what napari finds.
    """
    from napari.components import ViewerModel

    viewer = ViewerModel()
    data = levels[0] if len(levels) == 1 else list(levels)
    image: Image = viewer.add_image(data, contrast_limits=contrast)
    return image, displayed_plane(image, viewer.dims)


def _first_model() -> str:
    name = last_model()
    return name if name == FIRST or state_of(name).ready else FIRST


def _axis_names(image: Image, names: Sequence[str]) -> list[str]:
    """Names by number; none if the file's do not go with what napari made of it."""
    return list(names) if len(names) == image.ndim else [""] * image.ndim


def _spans(
    image: Image,
    plane: Plane,
    names: Sequence[str],
    wished: tuple[str, str | None],
    channel: int | None,
) -> tuple[Plane, Spans]:
    """Return the first plane, and the slices of each hidden axis."""
    shape = level_shape(image)
    spans = {axis: range(shape[axis]) for axis, _ in plane.hidden}
    slices, axis = wished
    if slices != "all" or axis is not None:
        number = _axis_number(axis, names, spans)
        spans[number] = _range(slices, shape[number])
    if channel is not None:
        number = _axis_number("c", names, spans)
        spans[number] = _range(str(channel), shape[number])
    first = {axis: span.start for axis, span in spans.items()}
    return moved(plane, first), spans


def _axis_number(axis: str | None, names: Sequence[str], spans: Spans) -> int:
    """Find an axis by its name or number."""
    if axis is None:
        found = [number for number in spans if names[number] != "c"] or list(spans)
    else:
        found = [n for n in spans if axis.lower() in (names[n], str(n))]
    if not found:
        there = ", ".join(
            f"{n} {names[n]} ({len(s)})".strip() for n, s in spans.items()
        )
        raise PlanError(
            f"the image has no slices along axis {axis or 'z'!r}; there are: "
            f"{there or 'none, it is one plane'}"
        )
    return found[-1]


def _range(text: str, size: int) -> range:
    """Slices of an axis, as one writes them in Python."""
    first, colon, last = text.partition(":")
    if text == "all":
        return range(size)
    start = _number(first, "slices") if first else 0
    stop = (_number(last, "slices") if last else size) if colon else start + 1
    if not 0 <= start < stop <= size:
        raise PlanError(
            f"slices {text!r} are not there; the axis has {size}: from 0 to {size - 1}"
        )
    return range(start, stop)


def _number(text: str, what: str) -> int:
    if not text.isdecimal():
        raise PlanError(
            f"{what} {text!r} is no number; for slices write 3, 10:20 or all, for "
            "regions whole or a side in pixels such as 512"
        )
    return int(text)
