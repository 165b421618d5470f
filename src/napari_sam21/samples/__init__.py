"""Three real microscopy images of different modality, each with its true labels.

They are of the part of BBBC038v1 that no model of this project was trained on;
``scripts/make_samples.py`` makes the files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt

LayerData = tuple["npt.NDArray[Any]", dict[str, Any], str]
"""What napari takes: data, layer attributes, layer type."""

_BBBC038 = (
    "BBBC038v1 (2018 Data Science Bowl), Broad Bioimage Benchmark Collection; "
    "image {}; CC0 1.0"
)


@dataclass(frozen=True)
class Sample:
    """One bundled image.

    Attributes
    ----------
    name : str
        Key of the sample, in `SAMPLES` and in napari's menu.
    file : str
        Image file in this folder; its labels are in ``<stem>-labels.png``.
    modality : str
        What the image shows, and how it was taken.
    source : str
        Where it is from, and its licence.
    """

    name: str
    file: str
    modality: str
    source: str

    @property
    def labels_file(self) -> str:
        """File of the true labels, in the same folder."""
        return f"{Path(self.file).stem}-labels.png"


SAMPLES: Mapping[str, Sample] = MappingProxyType(
    {
        sample.name: sample
        for sample in (
            Sample(
                "fluorescence",
                "fluorescence.png",
                "nuclei, fluorescence",
                _BBBC038.format("2cfa61bef654"),
            ),
            Sample(
                "histology",
                "histology.png",
                "stained tissue, brightfield, RGB",
                _BBBC038.format("5c6eb9a47852"),
            ),
            Sample(
                "brightfield",
                "brightfield.png",
                "cell smear, brightfield, grey",
                _BBBC038.format("2a1a294e21d7"),
            ),
        )
    }
)
"""The bundled images by name; read-only."""


def read_image(name: str) -> npt.NDArray[np.uint8]:
    """Return the pixels of a sample.

    Parameters
    ----------
    name : str
        A key of `SAMPLES`.

    Returns
    -------
    numpy.ndarray
        (H, W) or (H, W, 3), uint8.

    Raises
    ------
    KeyError
        If there is no such sample.
    """
    import numpy as np

    return np.asarray(_read(SAMPLES[name].file), dtype=np.uint8)


def read_labels(name: str) -> npt.NDArray[np.uint16]:
    """Return the true labels of a sample.

    Parameters
    ----------
    name : str
        A key of `SAMPLES`.

    Returns
    -------
    numpy.ndarray
        (H, W), uint16; 0 is background, each object has its own number.

    Raises
    ------
    KeyError
        If there is no such sample.
    """
    import numpy as np

    return np.asarray(_read(SAMPLES[name].labels_file), dtype=np.uint16)


def contrast_limits(image: npt.NDArray[Any]) -> tuple[float, float]:
    """Return the intensities to show as black and white: its 0.1–99.9 percentiles.

    Without them napari shows a dim image as a black one.
    """
    import numpy as np

    low, high = np.percentile(image, (0.1, 99.9))
    return float(low), float(high)


def layers(name: str) -> list[LayerData]:
    """Return a sample as napari layers: the image, and its true labels hidden.

    Parameters
    ----------
    name : str
        A key of `SAMPLES`.

    Returns
    -------
    list of LayerData
        The image first. The labels are hidden: they show what to expect, and would
        lie in the way of what one clicks.

    Raises
    ------
    KeyError
        If there is no such sample.
    """
    sample = SAMPLES[name]
    metadata = {"source": sample.source, "modality": sample.modality}
    truth = {"name": f"{name} (true labels)", "visible": False, "metadata": metadata}
    image = read_image(name)
    shown: dict[str, Any] = {"name": name, "metadata": metadata}
    if image.ndim == 2:
        shown["contrast_limits"] = contrast_limits(image)
    return [(image, shown, "image"), (read_labels(name), truth, "labels")]


def fluorescence() -> list[LayerData]:
    """Return nuclei in fluorescence, with their true labels."""
    return layers("fluorescence")


def histology() -> list[LayerData]:
    """Return stained tissue in colour, with its true labels."""
    return layers("histology")


def brightfield() -> list[LayerData]:
    """Return a cell smear in brightfield, with the true labels of its nuclei."""
    return layers("brightfield")


def _read(file: str) -> npt.NDArray[Any]:
    import numpy as np
    from PIL import Image

    with Image.open(Path(__file__).parent / file) as picture:
        return np.asarray(picture)
