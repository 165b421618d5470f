"""What is saved: labels, their calibration, what is known of each, where from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from napari_sam21.core.arrays import dtype_of
from napari_sam21.core.errors import FileError
from napari_sam21.files.blocks import LazyArray
from napari_sam21.files.calibration import Calibration


@dataclass(frozen=True)
class Note:
    """What is known of an object beside its pixels; None is unknown.

    Attributes
    ----------
    class_name : str or None
    predicted_iou : float or None
        Of the candidate that was committed.
    prompts : int or None
        How many points and boxes it took.
    """

    class_name: str | None = None
    predicted_iou: float | None = None
    prompts: int | None = None


@dataclass(frozen=True)
class Provenance:
    """Where labels come from; an empty text is unknown."""

    image: str = ""
    model: str = ""
    digest: str = ""
    provider: str = ""

    def lines(self) -> Iterator[tuple[str, str]]:
        """Title and text of each, the version of this package among them."""
        from napari_sam21._version import __version__

        yield "image", self.image
        yield "model", self.model
        yield "model digest", self.digest
        yield "provider", self.provider
        yield "napari-sam21", __version__


NotesKey = int | tuple[int, tuple[int, ...]]


@dataclass(frozen=True)
class Results:
    """Labels as they are saved. Make one with `Results.of`.

    Attributes
    ----------
    levels : tuple of array, each of shape (…, H, W)
        Labels, integers, 0 is background; finest level first. The last two axes are
        the plane. numpy, memmap, zarr or dask: nothing is read before it is needed.
    calibration : Calibration
        Of the finest level.
    about : Provenance
    notes : mapping
        From an id, or from an id and the index of its plane, to a `Note`.
    """

    levels: tuple[LazyArray, ...]
    calibration: Calibration
    about: Provenance = field(default_factory=Provenance)
    notes: Mapping[NotesKey, Note] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        labels: LazyArray | Sequence[LazyArray],
        calibration: Calibration | None = None,
        about: Provenance | None = None,
        notes: Mapping[NotesKey, Note] | None = None,
    ) -> Results:
        """Take labels, or the levels of a pyramid of them, as they are.

        Parameters
        ----------
        labels : array or sequence of array
            Integers or booleans, 2D or more.
        calibration : Calibration or None
            None: pixels without a size.
        about : Provenance or None
        notes : mapping or None

        Raises
        ------
        FileError
            If the arrays cannot be labels, or the calibration has other axes.
        """
        levels = tuple(labels) if isinstance(labels, Sequence) else (labels,)
        _check(levels)
        ndim = len(levels[0].shape)
        calibration = calibration or Calibration.of(ndim)
        if calibration.ndim != ndim:
            raise FileError(
                f"the labels have {ndim} axes, the calibration has {calibration.ndim}; "
                "give one name, scale and unit for each axis"
            )
        return cls(levels, calibration, about or Provenance(), notes or {})

    @property
    def labels(self) -> LazyArray:
        """The finest level."""
        return self.levels[0]

    def note(self, number: int, index: tuple[int, ...]) -> Note:
        """What is known of an object in a plane."""
        found = self.notes.get((number, index))
        return found or self.notes.get(number) or Note()


def _check(levels: tuple[Any, ...]) -> None:
    if not levels:
        raise FileError("there are no labels: expected an array, or a list of levels")
    for level in levels:
        kind, ndim = dtype_of(level).kind, len(level.shape)
        if kind not in "bui" or ndim < 2:
            raise FileError(
                f"an array of {level.dtype} with {ndim} axes cannot be labels; "
                "expected integers, in two axes or more"
            )
