"""What the user is asked, in words: values without a window."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from napari_sam21.layers.making import Plan

YES, MEMORY, FILE = "yes", "memory", "file"


@dataclass(frozen=True)
class Question:
    """A question with a few answers; the user may always answer none of them.

    Attributes
    ----------
    title, text : str
    answers : mapping of str to str
        What each answer is called, and what its button says. The first is the one that
        Enter gives.
    """

    title: str
    text: str
    answers: Mapping[str, str]


class Asker(Protocol):
    """Who can ask the user, without stopping the program meanwhile."""

    def ask(self, question: Question, answered: Callable[[str | None], None]) -> None:
        """Ask; the answer comes later, None for none of them."""

    def ask_place(
        self,
        title: str,
        suggested: Path,
        kinds: str,
        chosen: Callable[[Path | None], None],
    ) -> None:
        """Ask for the name of a file to write; ``kinds`` is as Qt has them."""


LEVELS_TEXT = (
    "Planes of {side:,} pixels are too large for one texture of the graphics card, so "
    "the labels will have several levels, and stay sharp at every zoom. What differs: "
    "napari's brush, fill and undo cannot change them. Add to a label, or erase, by "
    "clicks (“Commit as”), and undo with the dock's buttons. napari cannot save them "
    "as TIFF: use the dock's “Save…”."
)
FILE_TEXT = (
    "Labels for all of it would take {size}, more than half of the memory that is "
    "free. They can be kept in a file (zarr) that is written as you commit."
)
COPY_TEXT = (
    "“{name}” is dask-backed: a computation, which nothing can be written to. It can "
    "be copied, and the layer will hold the copy. Its source stays as it is. The copy "
    "takes {size}."
)


def about_new_labels(plan: Plan) -> Question:
    """Ask before a layer is made that behaves otherwise than people know it."""
    texts = []
    if plan.in_file:
        texts.append(FILE_TEXT.format(size=in_bytes(plan.nbytes)))
    if len(plan.shapes) > 1:
        texts.append(LEVELS_TEXT.format(side=max(plan.shapes[0])))
    answers = {FILE: "Choose a file…"} if plan.in_file else {YES: "Make the labels"}
    return Question("Labels for a large image", "\n\n".join(texts), answers)


def about_copy(name: str, nbytes: int, fits: bool) -> Question:
    """Ask what becomes of labels that cannot be written to."""
    answers = {MEMORY: "Copy into memory"} if fits else {}
    text = COPY_TEXT.format(name=name, size=in_bytes(nbytes))
    return Question(
        "Copy the labels?", text, {**answers, FILE: "Copy into a file (zarr)…"}
    )


def in_bytes(count: int) -> str:
    """Say a number of bytes, for people."""
    value, unit = float(count), "bytes"
    for larger in ("kB", "MB", "GB", "TB"):
        if value < 1000:
            break
        value, unit = value / 1000, larger
    return f"{value:.3g} {unit}"
