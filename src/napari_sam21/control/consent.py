"""Nothing is made or altered in a way people do not expect before they agreed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_sam21.control.questions import FILE, Asker, about_new_labels
from napari_sam21.layers.making import plan_for

if TYPE_CHECKING:
    from napari.layers import Image

ZARR = "Zarr (*.zarr)"


class Consent:
    """What the user agreed to, for the new labels of each image.

    Parameters
    ----------
    asker : Asker
    """

    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        self._agreed: dict[Any, Path | None] = {}
        self._asking = False

    def needed(self, image: Image) -> bool:
        """Whether the user must be asked before labels of an image are made."""
        return image.unique_id not in self._agreed and plan_for(image).unusual

    def folder(self, image: Image) -> Path | None:
        """Return where new labels of an image are kept; None is in memory."""
        return self._agreed.pop(image.unique_id, None)

    def ask(self, image: Image, agreed: Callable[[], None]) -> None:
        """Ask, unless that is being done.

        Parameters
        ----------
        image : Image
        agreed : callable
            Called if the user agrees.
        """
        if self._asking:
            return
        self._asking = True
        plan = plan_for(image)

        def answered(answer: str | None) -> None:
            self._asking = False
            if answer == FILE:
                place = suggested_place(image, f"{image.name} labels.zarr")
                self._asker.ask_place("Keep the labels in", place, ZARR, chosen)
            elif answer is not None:
                self._agree(image, None, agreed)

        def chosen(path: Path | None) -> None:
            if path is not None:
                self._agree(image, path, agreed)

        self._asker.ask(about_new_labels(plan), answered)

    def _agree(
        self, image: Image, path: Path | None, agreed: Callable[[], None]
    ) -> None:
        self._agreed[image.unique_id] = path
        agreed()


def suggested_place(layer: Any, name: str) -> Path:
    """Suggest a file beside the one a layer was read from, else in the home folder."""
    source = getattr(layer.source, "path", None)
    folder = Path(source).parent if source else Path.home()
    kept = "".join("_" if each in '<>:"/\\|?*' else each for each in name)
    return (folder if folder.is_dir() else Path.home()) / kept
