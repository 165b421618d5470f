"""What an axis is called, and how large a step along it is, in which unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite

from napari_sam21.core.errors import FileError

PIXEL = "pixel"
"""The unit of an axis of which nobody said how large its pixels are."""

LENGTHS = {
    "picometer": ("pm", 1e-6),
    "angstrom": ("Å", 1e-4),
    "nanometer": ("nm", 1e-3),
    "micrometer": ("µm", 1.0),
    "millimeter": ("mm", 1e3),
    "centimeter": ("cm", 1e4),
    "inch": ("in", 25_400.0),
    "meter": ("m", 1e6),
}
"""Name, as OME-Zarr and napari have it → symbol, as OME-XML has it, and micrometres."""

TIMES = {
    "nanosecond": ("ns", 1e-9),
    "microsecond": ("µs", 1e-6),
    "millisecond": ("ms", 1e-3),
    "second": ("s", 1.0),
    "minute": ("min", 60.0),
    "hour": ("h", 3600.0),
    "day": ("d", 86_400.0),
}
"""Name → symbol, and seconds."""

SYMBOLS = {name: symbol for name, (symbol, _) in (LENGTHS | TIMES).items()}

ALIASES = {
    **{symbol.lower(): name for name, symbol in SYMBOLS.items()},
    **{name.replace("meter", "metre"): name for name in LENGTHS},
    "": PIXEL,
    "none": PIXEL,
    "pixels": PIXEL,
    "px": PIXEL,
    "reference frame": PIXEL,
    "um": "micrometer",
    "\u03bcm": "micrometer",  # the Greek letter; the other one is the micro sign
    "\\u00b5m": "micrometer",  # as ImageJ spells it
    "micron": "micrometer",
    "microns": "micrometer",
    "sec": "second",
    "seconds": "second",
}

USUAL_AXES = {2: "yx", 3: "zyx", 4: "tzyx", 5: "tczyx"}
"""What axes are taken for when nobody named them."""


def unit_named(text: object, default: str | None = None) -> str:
    """Return the name of a unit that people, files or pint wrote in their way.

    Parameters
    ----------
    text : object
        Such as ``"µm"``, ``"um"``, ``"Micron"``, or a unit of pint.
    default : str or None
        What an unknown unit is; None raises.

    Returns
    -------
    str
        A name of `LENGTHS` or `TIMES`, or `PIXEL`.

    Raises
    ------
    FileError
        If the unit is unknown and there is no default.
    """
    name = str(text).strip().lower()
    name = ALIASES.get(name, name)
    if name in SYMBOLS or name == PIXEL:
        return name
    if default is not None:
        return default
    known = ", ".join([*SYMBOLS.values(), PIXEL])
    raise FileError(f"the unit {text!s} is unknown; use one of {known}")


def symbol_of(unit: str) -> str:
    """Return how a unit is written after a number; a pixel is ``px``."""
    return SYMBOLS.get(unit, "px")


@dataclass(frozen=True)
class Calibration:
    """Names, steps and units of the axes of an array, in the order of its axes.

    Attributes
    ----------
    axes : tuple of str
        Such as ``("z", "y", "x")``; the last two are the plane.
    scale : tuple of float
        Size of a pixel, or step, along each axis; positive.
    units : tuple of str
        Unit of each, by the names that OME-Zarr and napari use; `PIXEL` if unknown.
    """

    axes: tuple[str, ...]
    scale: tuple[float, ...]
    units: tuple[str, ...]

    @classmethod
    def of(
        cls,
        ndim: int,
        scale: Sequence[float] | float | None = None,
        units: Sequence[object] | str | None = None,
        axes: Sequence[str] | None = None,
    ) -> Calibration:
        """Make one from what a napari layer, or a person, says.

        Parameters
        ----------
        ndim : int
            Number of axes of the array, without that of RGB.
        scale : sequence of float, float or None
            One for each axis, or for the last ones, or one for the rows and columns.
            Signs are dropped: a file has no mirrored axes.
        units : sequence or str or None
            One for each axis, or one for all axes of space.
        axes : sequence of str or None
            Names; napari's ``"-1"`` and the like stand for none.

        Raises
        ------
        FileError
            If there are more values than axes, or one is not a positive number.
        """
        names = _names(ndim, axes)
        return cls(names, _scale(ndim, scale), _units(names, units))

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.axes)

    def with_pixel(
        self, scale: Sequence[float] | float | None, units: str | None
    ) -> Calibration:
        """Replace the scale of the last axes, the units, or both; None keeps them."""
        found = self
        if scale is not None:
            found = replace(found, scale=_scale(self.ndim, scale, self.scale))
        if units is not None:
            found = replace(found, units=_units(self.axes, units, self.units))
        return found

    def micrometers(self, axis: int) -> float | None:
        """Step along an axis in µm; None if it has no unit of length."""
        if self.units[axis] not in LENGTHS:
            return None
        return self.scale[axis] * LENGTHS[self.units[axis]][1]

    def seconds(self, axis: int) -> float | None:
        """Step along an axis in seconds; None if it has no unit of time."""
        if self.units[axis] not in TIMES:
            return None
        return self.scale[axis] * TIMES[self.units[axis]][1]

    def pixel_area(self) -> tuple[float, str] | None:
        """Area of a pixel of the plane, and its unit; None if nobody gave a size.

        Rows in nanometres and columns in micrometres give square micrometres.
        """
        rows, columns = self.micrometers(-2), self.micrometers(-1)
        if rows is not None and columns is not None:
            in_unit = LENGTHS[self.units[-1]][1]
            return rows * columns / in_unit**2, f"{symbol_of(self.units[-1])}²"
        return None

    def describe(self) -> str:
        """Say the pixel size in words, as ``z 2 µm, y 0.5 µm, x 0.5 µm``."""
        return ", ".join(
            f"{axis} {step:g} {symbol_of(unit)}"
            for axis, step, unit in zip(self.axes, self.scale, self.units, strict=True)
        )


def _names(ndim: int, given: Sequence[str] | None) -> tuple[str, ...]:
    usual = tuple(USUAL_AXES.get(ndim, ""))
    if not usual:
        usual = (*(f"axis{i}" for i in range(ndim - 2)), "y", "x")
    if given is None or any(str(name).lstrip("-").isdigit() for name in given):
        return usual
    names = tuple(str(name).lower() for name in given)
    return names if len(set(names)) == ndim == len(names) else usual


def _scale(
    ndim: int, given: Sequence[float] | float | None, before: Sequence[float] = ()
) -> tuple[float, ...]:
    if given is None:
        return (1.0,) * ndim
    values = [given, given] if isinstance(given, int | float) else list(given)
    if len(values) == 1:
        values *= 2
    sizes = tuple(abs(float(value)) for value in values)
    if len(sizes) > ndim or not all(isfinite(size) and size for size in sizes):
        raise FileError(
            f"pixel size {', '.join(f'{v:g}' for v in values)} does not fit: "
            f"expected up to {ndim} numbers that are not zero, one for each axis"
        )
    first = tuple(before) or (1.0,) * ndim
    return (*first[: ndim - len(sizes)], *sizes)


def _units(
    names: tuple[str, ...],
    given: Sequence[object] | str | None,
    before: Sequence[str] = (),
) -> tuple[str, ...]:
    if given is None:
        return (PIXEL,) * len(names)
    if not isinstance(given, str):
        found = tuple(unit_named(each, PIXEL) for each in given)
        return found if len(found) == len(names) else (PIXEL,) * len(names)
    unit, kept = unit_named(given), tuple(before) or (PIXEL,) * len(names)
    return tuple(
        old if name in "tc" else unit for name, old in zip(names, kept, strict=True)
    )
