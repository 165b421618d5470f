"""Labels to files, and labels that cannot be written to into ones that can."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_sam21.control.consent import ZARR, suggested_place
from napari_sam21.control.errand import Errand, Say
from napari_sam21.control.ports import Host
from napari_sam21.control.questions import FILE, about_copy
from napari_sam21.core.errors import LayerError
from napari_sam21.files.formats import FORMATS, format_of, save
from napari_sam21.files.results import Note, NotesKey, Provenance
from napari_sam21.layers.copying import copy_levels, nbytes_of
from napari_sam21.layers.label_array import levels_of, replace_levels
from napari_sam21.layers.making import MEMORY_SHARE, free_memory
from napari_sam21.layers.saving import place_is_lost, results_of

if TYPE_CHECKING:
    from napari.layers import Image, Labels

    from napari_sam21.inference import Inference

Notes = Mapping[NotesKey, Note]

NO_PLACE = " Not in the file: where the layer lies (translation, rotation, shear)."


class LabelFiles:
    """Saves labels, and copies them, while the user goes on.

    Parameters
    ----------
    host : Host
    say : callable
        Tells the user.
    failed : callable
        Gets what went wrong.
    saved : callable
        Gets the layer and the file, once it is there.
    """

    def __init__(
        self,
        host: Host,
        say: Say,
        failed: Callable[[BaseException], None],
        saved: Callable[[Labels, Path], None],
    ) -> None:
        self._host, self._say, self._saved = host, say, saved
        self._errand = Errand("sam21-files", host.deliver, say, failed)

    @property
    def busy(self) -> bool:
        """Whether labels are being saved or copied."""
        return self._errand.busy

    def cancel(self) -> bool:
        """Stop; return whether there was something to stop."""
        return self._errand.cancel()

    def close(self) -> None:
        """Stop, and let the thread end."""
        self._errand.close()

    def ask_and_save(
        self,
        labels: Labels | None,
        about: Provenance,
        notes: Notes,
        suffix: str = FORMATS["ome-tiff"].suffix,
    ) -> None:
        """Ask for a file, then save labels to it.

        Parameters
        ----------
        labels : Labels or None
        about : Provenance
        notes : mapping
            See `files.results.Results`.
        suffix : str
            Of the file that is suggested.
        """
        if labels is None:
            self._say("There are no labels to save yet: commit an object first.", False)
            return
        place = suggested_place(labels, f"{labels.name}{suffix}")

        def chosen(path: Path | None) -> None:
            if path is not None:
                self.save(labels, path, about, notes)

        self._host.ask_place("Save the labels", place, kinds_with(suffix), chosen)

    def save(self, labels: Labels, path: Path, about: Provenance, notes: Notes) -> None:
        """Save labels in the format of a file's suffix; an earlier file is replaced.

        The file appears when it is complete. What is committed meanwhile may be in it.

        Raises
        ------
        FileError
            If files cannot hold such labels.
        """
        results = results_of(labels, about, notes)
        more = NO_PLACE if place_is_lost(labels) else ""

        def done(written: Path) -> None:
            if format_of(written) is not FORMATS["csv"]:  # a table holds no labels
                self._saved(labels, written)
            self._say(f"{labels.name!r} is saved as {written}.{more}", False)

        self._errand.run(
            "Saving the labels",
            lambda tell: save(results, path, overwrite=True, progress=tell),
            done,
        )

    def offer_copy(self, labels: Labels, done: Callable[[], None]) -> None:
        """Ask how labels that cannot be written to are copied, then do it.

        Parameters
        ----------
        labels : Labels
            Holds the copy afterwards; its source stays as it is.
        done : callable
            Called when it does.
        """
        nbytes = nbytes_of(levels_of(labels))
        fits = nbytes <= MEMORY_SHARE * free_memory()

        def answered(answer: str | None) -> None:
            if answer == FILE:
                place = suggested_place(labels, f"{labels.name} copy.zarr")
                self._host.ask_place("Copy the labels to", place, ZARR, chosen)
            elif answer is not None:
                self._copy(labels, None, done)

        def chosen(path: Path | None) -> None:
            if path is not None:
                self._copy(labels, path, done)

        self._host.ask(about_copy(labels.name, nbytes, fits), answered)

    def _copy(
        self, labels: Labels, folder: Path | None, done: Callable[[], None]
    ) -> None:
        levels = levels_of(labels)

        def copied(copies: list[Any]) -> None:
            now = levels_of(labels)
            if len(now) != len(levels) or any(
                a is not b for a, b in zip(now, levels, strict=True)
            ):
                self._say(f"{labels.name!r} has other data now: pick it again.", True)
                return
            try:
                replace_levels(labels, copies)
            except LayerError as error:
                self._say(str(error), True)
                return
            self._say(
                f"{labels.name!r} holds a copy now; its source is as it was.", False
            )
            done()

        self._errand.run(
            "Copying the labels", lambda tell: copy_levels(levels, folder, tell), copied
        )


def kinds_with(suffix: str) -> str:
    """Return the formats as a file dialog has them, one of them first."""
    found = sorted(FORMATS.values(), key=lambda each: each.suffix != suffix)
    return ";;".join(f"{each.title} (*{each.suffix})" for each in found)


def provenance(image: Image | None, inference: Inference) -> Provenance:
    """Return where labels come from: the image and the model in use."""
    model = inference.loaded
    return Provenance(
        image="" if image is None else image.name,
        model=str(inference.model_name),
        digest="" if model is None else model.digest,
        provider="" if model is None else model.provider,
    )
