"""Open an image for the command line or a notebook; napari has readers of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from napari_sam21.core.errors import FileError
from napari_sam21.files.calibration import Calibration
from napari_sam21.files.opened import OpenedImage, stem_of, unreadable

TIFF_SUFFIXES = (".tif", ".tiff", ".btf", ".tf2", ".tf8", ".lsm", ".svs", ".ndpi")


def open_image(path: Path | str) -> OpenedImage:
    """Open an image file; its pixels are read when they are sliced.

    TIFF (plain, OME, ImageJ; with its pyramid, if it has one), OME-Zarr 0.1 to 0.5
    and plain zarr arrays, ``.npy``, and what Pillow reads (png, jpg, …; these are
    read whole). Axes, pixel size and units come from the file; without, pixels.

    Parameters
    ----------
    path : pathlib.Path or str
        A file, or the folder of a zarr image.

    Returns
    -------
    OpenedImage
        Close it when done: ``with open_image(path) as image: …``.

    Raises
    ------
    FileError
        If there is no such file, or it cannot be read as an image.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise FileError(f"there is no file {path}; check the path")
    return _opener(path)(path)


def _opener(path: Path) -> Callable[[Path], OpenedImage]:
    if path.is_dir():
        from napari_sam21.files.read_zarr import open_zarr

        return open_zarr
    if path.suffix.lower() in TIFF_SUFFIXES:
        from napari_sam21.files.read_tiff import open_tiff

        return open_tiff
    return open_npy if path.suffix.lower() == ".npy" else open_picture


def open_npy(path: Path) -> OpenedImage:
    """Open an array that numpy saved, as a memmap."""
    import numpy as np

    try:
        data = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise unreadable(path, error) from error
    return _plain(path, data)


def open_picture(path: Path) -> OpenedImage:
    """Read a png, jpg, or whatever Pillow knows, into memory; of a film, the start."""
    import numpy as np
    from PIL import Image

    damaged = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)
    try:
        with Image.open(path) as file:
            # The numbers of a palette mean nothing without it.
            picture = file.convert("RGB") if file.mode in ("P", "CMYK") else file
            data = np.asarray(picture)
    except damaged as error:
        raise unreadable(path, error) from error
    return _plain(path, data)


def _plain(path: Path, data: object) -> OpenedImage:
    import numpy as np

    array = np.asanyarray(data)
    rgb = array.ndim > 2 and array.shape[-1] in (3, 4) and array.dtype == np.uint8
    ndim = array.ndim - rgb
    if ndim < 2:
        raise unreadable(path, f"it holds an array of shape {array.shape}")
    return OpenedImage(stem_of(path), (array,), Calibration.of(ndim), rgb)
