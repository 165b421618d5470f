"""What the dock shows, as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_sam21.core.cleaning import Cleaning
from napari_sam21.core.errors import LayerError
from napari_sam21.core.swatches import areas, by_size, swatches
from napari_sam21.layers.field import in_words
from napari_sam21.layers.navigate import waiting

if TYPE_CHECKING:
    from napari_sam21.annotation import History
    from napari_sam21.control.editor import ImageEditor
    from napari_sam21.control.steps import AnyStep
    from napari_sam21.control.voice import Word
    from napari_sam21.core.embedding import Answer
    from napari_sam21.inference import Inference


@dataclass(frozen=True)
class View:
    """Everything the dock shows about the annotation.

    Attributes
    ----------
    status : str
        In words: what is going on, or what to do next.
    busy : bool
        Whether there is something to wait for, and to cancel.
    problem : bool
        Whether the status is something to mend.
    scores : tuple of float
        Predicted IoU of the candidates; empty without an answer.
    index : int
        The chosen candidate.
    order : tuple of int
        The candidates from part to whole, as buttons and keys go through them.
    areas : tuple of int
        About how many pixels each candidate covers.
    swatches : tuple of array of bool
        Each candidate as a small picture.
    next_label : int
        Of the next prompt: 1 or 0 for a point, 2 for a box.
    scribbling : bool
        Whether a drag draws a stroke of points.
    cleaning : Cleaning
        What is done to every mask.
    region : str
        What the model sees of the image, in words.
    active : bool
        Whether our layers are there.
    clickable : bool
        Whether a click on the canvas adds a point now.
    can_commit, can_clear, can_undo, can_redo : bool
    """

    status: str
    busy: bool = False
    problem: bool = False
    scores: tuple[float, ...] = ()
    index: int = 0
    order: tuple[int, ...] = ()
    areas: tuple[int, ...] = ()
    swatches: tuple[npt.NDArray[np.bool_], ...] = field(default=(), compare=False)
    next_label: int = 1
    scribbling: bool = False
    cleaning: Cleaning = field(default_factory=Cleaning)
    region: str = ""
    active: bool = False
    clickable: bool = False
    can_commit: bool = False
    can_clear: bool = False
    can_undo: bool = False
    can_redo: bool = False


def view_of(
    editor: ImageEditor | None,
    history: History[AnyStep],
    inference: Inference,
    word: Word,
    busy: bool = False,
) -> View:
    """Turn the state of an annotation into what the dock shows.

    Parameters
    ----------
    editor : ImageEditor or None
    history : History
    inference : Inference
    word : Word
        The last one to the user.
    busy : bool
        Whether labels are being saved or copied.
    """
    steps = View("", busy=busy, can_undo=history.can_undo, can_redo=history.can_redo)
    if editor is None:
        return replace(steps, status=word.text or "Open or select an image to begin.")
    try:
        plane = editor.plane()
    except LayerError as error:
        return replace(
            steps, status=str(error), problem=True, active=True, clickable=True
        )
    draft, others = editor.draft(), len(waiting(editor.marks, plane))
    region = editor.region()
    return replace(
        steps,
        status=word.text
        if word.problem
        else f"{word.text} {_status(editor, inference, others)}".strip(),
        busy=busy or inference.encoding,
        problem=word.problem,
        **_candidates(draft.answer),
        next_label=editor.scene.prompts.next_label,
        scribbling=editor.scene.prompts.scribbles,
        cleaning=editor.scene.preview.cleaning,
        region="" if region is None else in_words(region, plane),
        active=True,
        clickable=editor.scene.clickable,
        can_commit=draft.answer is not None,
        can_clear=bool(draft.prompts),
    )


def _candidates(answer: Answer | None) -> dict[str, Any]:
    """What is shown of the candidates."""
    if answer is None:
        return {}
    return {
        "scores": tuple(float(each) for each in answer.scores),
        "index": answer.index,
        "order": by_size(answer),
        "areas": areas(answer),
        "swatches": swatches(answer),
    }


def _status(editor: ImageEditor, inference: Inference, others: int) -> str:
    """What is going on, in words."""
    if inference.encoding:
        loading = "Loading the model… " if inference.loading else ""
        state = f"{loading}Encoding the image…"
        if editor.draft().prompts:
            state += " Your click is answered right after."
    elif inference.decoding:
        state = "Segmenting…"
    elif not editor.scene.clickable:
        state = "Press Start clicking (or select the prompts layer) to click objects."
    elif editor.draft().answer is not None:
        state = "Click to correct, Shift+click to exclude, Enter to commit."
    elif editor.is_ready():
        state = "Ready: click an object."
    else:
        state = "Click an object."
    if others:
        noun = "object waits" if others == 1 else "objects wait"
        state += f" {others} uncommitted {noun} on other slices (N goes there)."
    return state
