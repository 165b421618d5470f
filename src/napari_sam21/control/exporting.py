"""Labels and the object table go into files, at the user's wish."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_sam21.control.facts import notes_of
from napari_sam21.control.label_files import LabelFiles, provenance
from napari_sam21.control.objects import Objects
from napari_sam21.files.formats import FORMATS
from napari_sam21.inference import Inference
from napari_sam21.layers.target import OutputTarget

if TYPE_CHECKING:
    from napari.layers import Image


class Exporting:
    """Both ask for a file first."""

    image: Image | None
    files: LabelFiles
    inference: Inference
    objects: Objects
    target: OutputTarget

    def save_labels(self) -> None:
        """Ask for a file, then save the labels."""
        self._save("ome-tiff")

    def save_table(self) -> None:
        """Ask for a file, then save the object table."""
        self._save("csv")

    def _save(self, name: str) -> None:
        labels = self.target.labels
        about = provenance(self.image, self.inference)
        notes = {} if labels is None else notes_of(self.objects.facts_of(labels))
        self.files.ask_and_save(labels, about, notes, FORMATS[name].suffix)
