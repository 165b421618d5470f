"""The demonstration: a bundled image, one click in each of a dozen cells, judged.

It uses the public interface only, as a notebook would; napari is imported for the
window alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

import napari_sam21 as sam
from napari_sam21 import desktop, overlay, samples
from napari_sam21.core.errors import ModelError, Sam21Error
from napari_sam21.models.library import own_names
from napari_sam21.samples.targets import Target, pick_targets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.Image import Image

DEFAULT_SAMPLE = "fluorescence"
Bools = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.uint16]


@dataclass(frozen=True)
class Found:
    """What one click found.

    Attributes
    ----------
    target : Target
    predicted : float
        IoU that the model expects of its own mask.
    iou : float
        IoU with the true cell.
    seconds : float
        From the click to the mask, on an embedding that is there.
    """

    target: Target
    predicted: float
    iou: float
    seconds: float


@dataclass(frozen=True, eq=False)
class Result:
    """Everything the demonstration shows.

    Attributes
    ----------
    sample : str
        A key of `samples.SAMPLES`.
    found : tuple of Found
        One for each click.
    labels : array of uint16, shape (H, W)
        The masks, numbered as the true cells are; the first one keeps a pixel.
    load_seconds, encode_seconds : float
        Time to load the model, and to embed the image.
    """

    sample: str
    found: tuple[Found, ...]
    labels: Labels
    load_seconds: float
    encode_seconds: float

    @property
    def mean_iou(self) -> float:
        """Mean IoU over the clicked cells."""
        return fmean(each.iou for each in self.found)

    @property
    def decode_seconds(self) -> float:
        """Median time from a click to its mask."""
        return median(each.seconds for each in self.found)


def load(model: str) -> sam.Model:
    """Load a model by its name in `sam.MODELS`, or from an existing path.

    Raises
    ------
    ModelError
        If it is neither, or cannot be loaded.
    """
    names = (*sam.MODELS, *own_names())
    if model in names:
        return sam.load_model(model)
    if not Path(model).exists():
        raise ModelError(
            f"{model!r} is neither the name of a model ({', '.join(names)}) nor "
            "an existing path; check the spelling, or give the path of a folder, a "
            ".dtmodel or a .zip"
        )
    return sam.load_model(Path(model))


def run(sample: str = DEFAULT_SAMPLE, model: str = "starter") -> Result:
    """Click the cells of a sample image one after the other.

    Parameters
    ----------
    sample : str
        A key of `samples.SAMPLES`.
    model : str
        A name of `sam.MODELS`, or a path.

    Raises
    ------
    Sam21Error
        If the sample or the model is unknown or cannot be used.
    """
    if sample not in samples.SAMPLES:
        raise Sam21Error(
            f"there is no sample {sample!r}; choose one of {', '.join(samples.SAMPLES)}"
        )
    image, truth = samples.read_image(sample), samples.read_labels(sample)
    start = perf_counter()
    loaded = load(model)
    ready = perf_counter()
    embedding = loaded.encode(image)
    encoded = perf_counter()
    labels = np.zeros(truth.shape, np.uint16)
    found = tuple(_click_all(loaded, embedding, truth, labels))
    return Result(sample, found, labels, ready - start, encoded - ready)


def _click_all(
    model: sam.Model, embedding: sam.Embedding, truth: Labels, labels: Labels
) -> Iterator[Found]:
    """One click in each target; its mask is written into ``labels``."""
    for target in pick_targets(truth):
        prompts = sam.Prompts(points_rc=[target.point_rc], point_labels=[1])
        start = perf_counter()
        answer = model.decode(embedding, prompts)
        mask = answer.mask()
        seconds = perf_counter() - start
        labels[mask & (labels == 0)] = target.label
        score = float(answer.scores[answer.index])
        yield Found(target, score, _iou(mask, truth == target.label), seconds)


def _iou(mask: Bools, truth: Bools) -> float:
    return float((mask & truth).sum() / (mask | truth).sum())


def write(result: Result, folder: Path) -> tuple[Path, Path]:
    """Write ``overlay.png`` and ``labels.tif``; existing ones are replaced.

    Returns
    -------
    (Path, Path)
        The picture and the labels.

    Raises
    ------
    Sam21Error
        If the folder cannot be written.
    """
    import tifffile

    picture, labels = folder / "overlay.png", folder / "labels.tif"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _overlay(result).save(picture)
        tifffile.imwrite(labels, result.labels, compression="zlib")
    except OSError as error:
        raise Sam21Error(
            f"cannot write into {folder} ({error.strerror}); choose another folder "
            "with --out"
        ) from error
    return picture, labels


def _overlay(result: Result) -> Image:
    image = samples.read_image(result.sample)
    limits = samples.contrast_limits(image) if image.ndim == 2 else None
    clicks = [each.target.point_rc for each in result.found]
    return overlay.draw(image, result.labels, clicks, limits)


def open_napari(result: Result, *, block: bool = True) -> None:
    """Open napari with the sample, the masks found, and the plugin's dock.

    Parameters
    ----------
    result : Result
    block : bool
        Run the event loop until the window is closed.

    Raises
    ------
    Sam21Error
        If there is no display, or no Qt binding.
    """
    if not desktop.has_display():
        raise Sam21Error(
            "no display: neither DISPLAY nor WAYLAND_DISPLAY is set; run with --no-gui"
        )
    if not desktop.qt_bindings():
        raise Sam21Error(
            "napari needs a Qt binding to open its window; "
            'install one: pip install "napari-sam21[gui]"'
        )
    import napari

    from napari_sam21._qt.demo_window import open_window

    open_window(result.sample, result.labels)
    if block:
        napari.run()
