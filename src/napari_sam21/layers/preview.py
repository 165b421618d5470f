"""The one layer that shows the chosen candidate, reused for every object."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_sam21.core.cleaning import Cleaning, clean_crop
from napari_sam21.core.embedding import Answer
from napari_sam21.core.geometry import MODEL_SIDE, Region, whole_plane
from napari_sam21.core.masks import crop_mask, tighten
from napari_sam21.core.retouch import Retouch, with_stroke
from napari_sam21.layers.placement import affine_of, grid_affine, units_of
from napari_sam21.layers.planes import Plane
from napari_sam21.layers.strokes import change_of_atoms

if TYPE_CHECKING:
    from napari.layers import Image, Labels

NAME = "SAM preview"
COLOR = "#ffd400"
HINTED = "#ffffff"
CHOSEN, HINT = 1, 2
"""Labels of the answer to a click, and of what a click would give."""

OPACITY = 0.45
OUTLINE = "#4cc9f0"
"""Of the region that the model sees, where that is not the whole image."""

Bool = npt.NDArray[np.bool_]
Crop = tuple[Bool, tuple[int, int]]


class PreviewLayer:
    """A small Labels layer laid over the region, at most 1024 cells a side.

    In-place writes and a plain refresh take about 2.5 ms at any image size.

    Parameters
    ----------
    layer : Labels
        As `make_preview` makes it.
    image : Image
        Whose planes it lies on.
    on_paint : callable
        Gets the strokes over the mask on show after the user brushed it; None if no
        mask was on show, and so nothing to brush.

    Attributes
    ----------
    cleaning : Cleaning
        What is done to every mask that is drawn; see `clean`.
    """

    def __init__(
        self, layer: Labels, image: Image, on_paint: Callable[[Retouch | None], None]
    ) -> None:
        self.layer = layer
        self._image = image
        self._on_paint = on_paint
        self._placed: tuple[Plane, Region] | None = None
        # The mask as it was answered and cleaned, and as it is on show.
        self._drawn: Bool = np.zeros((1, 1), bool)
        self._seen: Bool = self._drawn
        self._hints = False
        self._shown: tuple[Answer, Plane, Retouch | None] | None = None
        self.cleaning = Cleaning()
        layer.events.paint.connect(self._painted)

    def close(self) -> None:
        """Stop listening."""
        self.layer.events.paint.disconnect(self._painted)

    @property
    def hints(self) -> bool:
        """Whether what is on show is what a click would give."""
        return self._hints

    def draw(
        self,
        answer: Answer,
        plane: Plane,
        retouch: Retouch | None = None,
        hint: bool = False,
    ) -> None:
        """Show the chosen candidate of an answer on a plane.

        What is on show already is left as it is.

        Parameters
        ----------
        answer : Answer
        plane : Plane
        retouch : Retouch, optional
            What the user brushed; it lies over the mask.
        hint : bool
            Whether nobody asked for it yet: it has another colour.
        """
        shown = self._shown
        if shown is not None and shown[0] is answer and shown[1:] == (plane, retouch):
            return
        self._shown, self._hints = (answer, plane, retouch), hint
        self._place(plane, answer.region)
        grid = self._grid()
        self._drawn = _mask_on(grid.shape, answer, self.cleaning)
        self._seen = self._drawn
        if retouch is not None:
            found = retouch.on(answer.region, (grid.shape[0], grid.shape[1]))
            self._seen = found.over(self._drawn)
        self._show(HINT if hint else CHOSEN)

    def _show(self, value: int) -> None:
        self._grid()[...] = self._seen.astype(np.uint8) * value
        self._refresh()

    def clean(self, cleaning: Cleaning) -> None:
        """Clean masks otherwise from now on; draw again after this."""
        self.cleaning, self._shown = cleaning, None

    def lie_over(self, plane: Plane, region: Region) -> None:
        """Show which region a click would be asked in, unless an answer is on show."""
        if self._shown is None and not self.layer.data.any():
            self._place(plane, region)

    def lie_anew(self) -> None:
        """Forget where the layer lies: the image has moved. Draw again after this."""
        self.clear()
        self._placed = None

    def clear(self) -> None:
        """Show nothing."""
        self._shown, self._hints = None, False
        if self._drawn.any() or self.layer.data.any():
            self._drawn = self._seen = np.zeros(self._grid().shape, bool)
            self._show(0)

    def edited(self, crop: Crop, region: Region) -> Crop:
        """Clean a mask, and lay over it what the user brushed, as the layer shows it.

        Parameters
        ----------
        crop : (array of bool, (int, int))
            Mask and origin, plane frame, as `Answer.crop` gives it.
        region : Region
            The answer's.

        Returns
        -------
        crop : (array of bool, (int, int))
            The same object if nothing is to be done.
        """
        crop = clean_crop(crop, self.cleaning)
        painted = self._seen
        if self._placed is None or painted is self._drawn:
            return crop
        brushed = painted != self._drawn
        if not brushed.any():
            return crop
        mask, (row, column) = crop
        top, left = row - region.r0, column - region.c0
        rows = _window(brushed.any(axis=1), region.height, top, top + mask.shape[0])
        columns = _window(brushed.any(axis=0), region.width, left, left + mask.shape[1])
        fine = np.ix_(
            _cells(rows, region.height, painted.shape[0]),
            _cells(columns, region.width, painted.shape[1]),
        )
        found = np.zeros((len(rows), len(columns)), bool)
        top, left = top - rows.start, left - columns.start
        found[top : top + mask.shape[0], left : left + mask.shape[1]] = mask
        np.copyto(found, painted[fine], where=brushed[fine])
        return tighten(found, (region.r0 + rows.start, region.c0 + columns.start))

    def _grid(self, data: npt.NDArray[np.uint8] | None = None) -> npt.NDArray[np.uint8]:
        """A writable (rows, columns) view of the layer's data, or of some like it."""
        data = np.asarray(self.layer.data) if data is None else data
        if self._placed is None:
            return data.reshape(data.shape[-2:])
        plane = self._placed[0]
        index = tuple(
            slice(None) if axis in plane.displayed else 0 for axis in range(plane.ndim)
        )
        view = data[index]
        return view.T if plane.displayed[0] > plane.displayed[1] else view

    def _place(self, plane: Plane, region: Region) -> None:
        """Lay the layer over a region; only its affine changes where that will do."""
        if self._placed == (plane, region):
            return
        grid = (min(region.height, MODEL_SIDE), min(region.width, MODEL_SIDE))
        shape = [1] * plane.ndim
        for axis, size in zip(plane.displayed, grid, strict=True):
            shape[axis] = size
        self._placed = (plane, region)
        self.layer.bounding_box.visible = region != whole_plane(plane.shape)
        if self.layer.data.shape != tuple(shape):
            self.layer.data = np.zeros(shape, np.uint8)
        self.layer.affine = grid_affine(self._image, plane, region, grid)

    def _painted(self, event: Any) -> None:
        """Take a stroke in; without a mask there is nothing to brush."""
        shown, now = self._shown, self._with(event.value)
        if shown is None or self._hints:
            self._seen = np.zeros_like(now) if shown is None else self._seen
            self._show(HINT if self._hints else 0)
            self._on_paint(None)
        elif now.shape == self._seen.shape and (now != self._seen).any():
            answer, plane, before = shown
            retouch = with_stroke(before, answer.region, now, self._seen)
            self._seen, self._shown = now, (answer, plane, retouch)
            self._on_paint(retouch)

    def _with(self, atoms: Sequence[Any]) -> Bool:
        """The mask with a stroke: napari may tell of it before it is drawn."""
        data = np.array(self.layer.data)
        change = change_of_atoms(atoms, data.ndim)
        if change is not None:
            change.do_in(data)
        now: Bool = self._grid(data) != 0
        return now

    def _refresh(self) -> None:
        self.layer.refresh(thumbnail=False, extent=False, highlight=False)


def _mask_on(grid: tuple[int, ...], answer: Answer, cleaning: Cleaning) -> Bool:
    """The chosen mask on a grid over the answer's region."""
    drawn = np.zeros(grid, bool)
    whole = Region(0, 0, drawn.shape[0], drawn.shape[1])
    found = crop_mask(answer.logits[answer.index], whole)
    mask, (row, column) = clean_crop(found, cleaning)
    drawn[row : row + mask.shape[0], column : column + mask.shape[1]] = mask
    return drawn


def _cells(pixels: range, size: int, cells: int) -> npt.NDArray[np.intp]:
    """Grid cell under the centre of each of some pixels."""
    return ((np.asarray(pixels) + 0.5) * (cells / size)).astype(np.intp)


def _window(brushed: Bool, size: int, start: int, stop: int) -> range:
    """Pixels of one axis that a mask from start to stop, or a stroke, may cover."""
    found = np.flatnonzero(brushed)
    scale = size / len(brushed)
    first, last = int(found[0] * scale), int(np.ceil((found[-1] + 1) * scale))
    if start == stop:
        return range(first, last)
    return range(min(first, start), max(last, stop))


def make_preview(image: Image) -> Labels:
    """Make an empty preview layer for an image."""
    from napari.layers import Labels
    from napari.utils.colormaps import DirectLabelColormap

    layer = Labels(
        np.zeros((1,) * image.ndim, np.uint8),
        name=NAME,
        opacity=OPACITY,
        colormap=DirectLabelColormap(
            color_dict={None: COLOR, 0: "transparent", CHOSEN: COLOR, HINT: HINTED}
        ),
        # Outside the image it would stretch the sliders, and so move the view.
        affine=affine_of(image),
        **units_of(image),
    )
    layer.bounding_box.points = False
    layer.bounding_box.line_color = OUTLINE
    layer.bounding_box.line_thickness = 2
    return layer
