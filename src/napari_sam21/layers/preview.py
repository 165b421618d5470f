"""The one layer that shows the chosen candidate, reused for every object."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from napari_sam21.core.embedding import Answer
from napari_sam21.core.geometry import MODEL_SIDE, Region, whole_plane
from napari_sam21.core.masks import crop_mask, tighten
from napari_sam21.layers.placement import affine_of, grid_affine, units_of
from napari_sam21.layers.planes import Plane

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
        Called after the user brushed the preview.
    """

    def __init__(
        self, layer: Labels, image: Image, on_paint: Callable[[], None]
    ) -> None:
        self.layer = layer
        self._image = image
        self._on_paint = on_paint
        self._placed: tuple[Plane, Region] | None = None
        self._drawn: Bool = np.zeros((1, 1), bool)
        self._hints = False
        self._shown: tuple[Answer, Plane] | None = None
        # What the user brushed on each answer: back when the answer is drawn again.
        self._strokes: WeakKeyDictionary[Answer, Bool] = WeakKeyDictionary()
        layer.events.paint.connect(self._painted)

    def close(self) -> None:
        """Stop listening."""
        self.layer.events.paint.disconnect(self._painted)

    @property
    def hints(self) -> bool:
        """Whether what is on show is what a click would give."""
        return self._hints

    def draw(self, answer: Answer, plane: Plane, hint: bool = False) -> None:
        """Show the chosen candidate of an answer on a plane.

        What is on show already is left as it is, brush strokes included.

        Parameters
        ----------
        answer : Answer
        plane : Plane
        hint : bool
            Whether nobody asked for it yet: it has another colour.
        """
        shown = self._shown
        if shown is not None and shown[0] is answer and shown[1] == plane:
            return
        self._keep_strokes()
        self._shown = (answer, plane)
        self._place(plane, answer.region)
        grid = self._grid()
        grid[...] = 0
        whole = Region(0, 0, *grid.shape)
        mask, (row, column) = crop_mask(answer.logits[answer.index], whole)
        self._hints = hint
        value = mask.astype(np.uint8) * (HINT if hint else CHOSEN)
        grid[row : row + mask.shape[0], column : column + mask.shape[1]] = value
        self._drawn = grid != 0
        strokes = self._strokes.get(answer)
        if strokes is not None and strokes.shape == grid.shape:
            grid[...] ^= strokes
        self._refresh()

    def lie_over(self, plane: Plane, region: Region) -> None:
        """Show which region a click would be asked in, unless an answer is on show."""
        if self._shown is None and not self.layer.data.any():
            self._place(plane, region)

    def _keep_strokes(self) -> None:
        """Remember where the layer differs from what was drawn on it."""
        if self._shown is None:
            return
        strokes = (self._grid() != 0) != self._drawn
        if strokes.any():
            self._strokes[self._shown[0]] = strokes
        else:
            self._strokes.pop(self._shown[0], None)

    def lie_anew(self) -> None:
        """Forget where the layer lies: the image has moved. Draw again after this."""
        self.clear()
        self._placed = None

    def clear(self) -> None:
        """Show nothing."""
        self._keep_strokes()
        self._shown, self._hints = None, False
        if self._drawn.any() or self.layer.data.any():
            self._grid()[...] = 0
            self._drawn = np.zeros_like(self._drawn)
            self._refresh()

    @property
    def is_brushed(self) -> bool:
        """Whether the user brushed it since the last drawing."""
        return bool(((self._grid() != 0) != self._drawn).any())

    def edited(self, crop: Crop, region: Region) -> Crop:
        """Apply what the user brushed since the last drawing to a mask.

        Parameters
        ----------
        crop : (array of bool, (int, int))
            Mask and origin, plane frame, as `Answer.crop` gives it.
        region : Region
            The answer's.

        Returns
        -------
        crop : (array of bool, (int, int))
            The same object if nothing was brushed.
        """
        painted = self._grid() != 0
        brushed = painted != self._drawn
        if self._placed is None or not brushed.any():
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

    def _grid(self) -> npt.NDArray[np.uint8]:
        """A writable (rows, columns) view of the layer's data."""
        data: npt.NDArray[np.uint8] = np.asarray(self.layer.data)
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
        self._on_paint()

    def _refresh(self) -> None:
        self.layer.refresh(thumbnail=False, extent=False, highlight=False)


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
