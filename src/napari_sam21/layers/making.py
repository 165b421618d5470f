"""New labels for an image: how they are kept, decided first, then made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sam21.core.errors import LayerError
from napari_sam21.layers.output import DTYPE
from napari_sam21.layers.placement import transforms_of
from napari_sam21.layers.planes import level_shape
from napari_sam21.layers.pyramid import Shape, level_shapes, needs_levels

if TYPE_CHECKING:
    from napari.layers import Image, Labels

MEMORY_SHARE = 0.5
"""Labels that would fill more of the free memory than this go to a file."""

CHUNK = 512
"""Side of the chunks of labels in a file, in pixels."""


@dataclass(frozen=True)
class Plan:
    """How the labels of an image would be kept.

    Attributes
    ----------
    shapes : tuple of tuple of int
        Of all levels; one unless a plane is larger than a texture.
    nbytes : int
        Of all levels together.
    in_file : bool
        Whether they are too many for the memory that is free.
    """

    shapes: tuple[Shape, ...]
    nbytes: int
    in_file: bool

    @property
    def unusual(self) -> bool:
        """Whether the user should know before."""
        return self.in_file or len(self.shapes) > 1


def plan_for(image: Image) -> Plan:
    """Decide how new labels of an image are kept."""
    shape = level_shape(image)
    shapes = level_shapes(shape) if needs_levels(shape) else (shape,)
    pixels = sum(int(np.prod(each, dtype=np.int64)) for each in shapes)
    nbytes = pixels * np.dtype(DTYPE).itemsize
    return Plan(shapes, nbytes, nbytes > MEMORY_SHARE * free_memory())


def free_memory() -> int:
    """Return how many bytes of memory programs could still take."""
    import psutil

    return int(psutil.virtual_memory().available)


def make_labels(image: Image, folder: Path | None = None) -> Labels:
    """Make an empty Labels layer that lies where an image lies.

    Parameters
    ----------
    image : Image
    folder : pathlib.Path, optional
        A zarr group to make there for them; by default they are in memory, of which
        they take what is written.

    Raises
    ------
    LayerError
        If there is no memory, or no place in the folder, for them.
    """
    from napari.layers import Labels

    shapes = plan_for(image).shapes
    try:
        make = np.zeros if folder is None else arrays_in(folder)
        levels = [make(shape, DTYPE) for shape in shapes]
    except MemoryError as error:
        raise LayerError(
            f"there is no memory for labels of shape {shapes[0]}: choose a Labels "
            "layer that lies in a file, such as zarr"
        ) from error
    many = len(levels) > 1
    return Labels(
        levels if many else levels[0],
        name=f"{image.name} labels",
        multiscale=many,
        **transforms_of(image),
    )


def arrays_in(folder: Path) -> Callable[[Shape, Any], Any]:
    """Return what makes arrays of zeros, one after the other, in a new zarr group.

    Raises
    ------
    LayerError
        If the folder is there already, cannot be written, or zarr is not installed.
    """
    try:
        import zarr
    except ImportError as error:
        raise LayerError(
            "labels in a file need zarr: pip install zarr, then try again"
        ) from error
    if folder.exists():
        raise LayerError(f"{folder} exists already: choose another name for the labels")
    try:
        group = zarr.open_group(folder, mode="w-")
    except OSError as error:
        raise LayerError(f"cannot keep labels in {folder} ({error})") from error

    def make(shape: Shape, dtype: Any) -> Any:
        chunks = (*(1 for _ in shape[:-2]), *(min(n, CHUNK) for n in shape[-2:]))
        name = str(len(list(group.array_keys())))
        return group.create_array(
            name, shape=shape, dtype=dtype, chunks=chunks, fill_value=0
        )

    return make
