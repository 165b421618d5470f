"""``napari-sam21 export``: labels become files that other programs open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_sam21.cli.setup import AsJson
from napari_sam21.cli.words import progress_bar, say, say_json, user_errors
from napari_sam21.core.errors import FileError
from napari_sam21.files.formats import FORMATS, Format, format_named, format_of

if TYPE_CHECKING:
    from napari_sam21.files.results import Results


def run_export(
    labels: Annotated[
        Path, typer.Argument(help="Labels: a TIFF, an OME-Zarr folder, .npy or png.")
    ],
    out: Annotated[Path, typer.Argument(help="File to write.")],
    to: Annotated[
        str | None,
        typer.Option(help=f"{', '.join(FORMATS)} [default: by the suffix of OUT]."),
    ] = None,
    pixel_size: Annotated[
        str | None,
        typer.Option(
            help="Of rows and columns: 0.5; or of the last axes: 2,0.5,0.5 "
            "[default: as in LABELS]."
        ),
    ] = None,
    unit: Annotated[
        str | None, typer.Option(help="Of the pixel size, such as µm or nm.")
    ] = None,
    image_name: Annotated[
        str | None,
        typer.Option(help="Which image they are of [default: name of LABELS]."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace OUT if it is there.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Save labels as OME-TIFF, OME-Zarr, ImageJ ROIs, GeoJSON for QuPath, or CSV.

    Pixel sizes come from LABELS, as far as the file says. See docs/results.md.
    """
    from napari_sam21.files.read import open_image

    with user_errors():
        wanted = format_of(out) if to is None else format_named(to)
        with open_image(labels) as image:
            if image.rgb:
                raise FileError(
                    f"{labels} is a colour picture; expected labels, where a pixel "
                    "is the id of its object"
                )
            results = _results(image, pixel_size, unit, image_name)
            _save(results, wanted, out, force)
            words = _as_dict(results, wanted, out)
        if as_json:
            say_json(words)
        else:
            say(f"wrote {out} ({wanted.title}; {results.calibration.describe()})")


def _results(
    image: Any, pixel_size: str | None, unit: str | None, name: str | None
) -> Results:
    from napari_sam21.files.results import Provenance, Results

    calibration = image.calibration.with_pixel(_numbers(pixel_size), unit)
    about = Provenance(image=image.name if name is None else name)
    return Results.of(image.levels, calibration, about)


def _numbers(text: str | None) -> list[float] | None:
    if text is None:
        return None
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise FileError(
            f"pixel size {text!r} is not a number; write 0.5, or 2,0.5,0.5 for z, y, x"
        ) from error


def _save(results: Results, wanted: Format, out: Path, force: bool) -> None:
    if out.exists() and not force:
        raise FileError(f"{out} exists already; choose another name, or add --force")
    with progress_bar() as progress:
        wanted.save(results, out, overwrite=force, progress=progress)


def _as_dict(results: Results, wanted: Format, out: Path) -> dict[str, Any]:
    calibration = results.calibration
    return {
        "path": str(out),
        "format": wanted.name,
        "shape": list(results.labels.shape),
        "axes": list(calibration.axes),
        "pixel_size": list(calibration.scale),
        "units": list(calibration.units),
    }
