"""Commit and undo of a mask in a 10k² plane, over bare writes and napari's undo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtWidgets import QApplication

from benchmarks.timing import Outcome, interleaved, ratio, timed
from benchmarks.window import annotating, frame_of, rest, wait_until
from napari_sam21.annotation import Draft, Round
from napari_sam21.core.embedding import Answer
from napari_sam21.core.geometry import LOGITS_SIDE, whole_plane
from napari_sam21.layers.prompts import Mark, prompts_on

SIDE = 10_000
MASK_SIDE = 512
SMALL_SIDE = 256


def disc_answer(side: int = SIDE, mask_side: int = MASK_SIDE) -> Answer:
    """Return an answer whose best candidate is a disc in the middle of a plane."""
    cell = side / LOGITS_SIDE
    rows, columns = (np.mgrid[:LOGITS_SIDE, :LOGITS_SIDE] + 0.5) * cell - 0.5
    distance = np.hypot(rows - side / 2, columns - side / 2)
    disc = ((mask_side / 2 - distance) / cell).astype(np.float32)
    return Answer(
        np.array([0.9, 0.5, 0.4], np.float32),
        np.stack([disc, disc - 1, disc - 2]),
        whole_plane((side, side)),
        (side, side),
        "benchmark",
        0,
    )


def show_answer(controller: Any, side: int = SIDE, mask_side: int = MASK_SIDE) -> None:
    """Put an object with its answer into the editor, as a click would."""
    answer = disc_answer(side, mask_side)
    marks = (Mark((side / 2, side / 2), 1),)
    editor = controller.editor
    prompts = prompts_on(marks, editor.plane())
    draft = Draft(prompts, (Round(prompts, answer),), region=answer.region)
    editor.set_marks(marks, draft)


def commit_once(controller: Any, frame: Any, settle: bool) -> float:
    """Commit, check, and take it back; return the milliseconds of the commit.

    Parameters
    ----------
    frame : QWidget
        Of the window; it does not paint meanwhile.
    settle : bool
        Whether to wait for what the commit left to the event loop.
    """

    def commit() -> None:
        controller.commit()
        if settle:
            QApplication.processEvents()

    rest(20)
    frame.setUpdatesEnabled(False)
    elapsed = timed(commit)()
    frame.setUpdatesEnabled(True)
    if controller.editor.draft().answer is not None:
        raise RuntimeError(f"nothing was committed: {controller.view().status}")
    controller.undo()
    return elapsed


def undo_once(controller: Any, frame: Any) -> float:
    """Commit, and return the milliseconds of taking it back."""
    controller.commit()
    rest(20)
    frame.setUpdatesEnabled(False)
    elapsed = timed(controller.undo)()
    frame.setUpdatesEnabled(True)
    if controller.editor.draft().answer is None:
        raise RuntimeError(f"nothing was undone: {controller.view().status}")
    return elapsed


def set_once(labels: Any, indices: tuple[np.ndarray, ...]) -> float:
    """Write the same pixels bare, and erase them; return milliseconds of the write."""
    rest(20)
    elapsed = timed(lambda: labels.data_setitem(indices, 1))()
    labels.data_setitem(indices, 0)
    return elapsed


def unset_once(labels: Any, indices: tuple[np.ndarray, ...]) -> float:
    """Write the same pixels bare; return the milliseconds of napari's own undo."""
    labels.data_setitem(indices, 1)
    rest(20)
    return timed(labels.undo)()


def indices_of(answer: Answer) -> tuple[np.ndarray, ...]:
    """Return the pixels of an answer."""
    mask, (row, column) = answer.crop()
    found = np.nonzero(mask)
    return found[0] + row, found[1] + column


def measure(folder: Path, rounds: int) -> list[Outcome]:
    """Compare on two identical layers of one viewer."""
    blank = np.zeros((SIDE, SIDE), np.uint8)
    with annotating(blank, folder, contrast_limits=(0, 255)) as (viewer, controller):
        controller.inference.cancel()
        controller.inference.prepare = lambda *_: None  # no encode beside the timing
        active = viewer.layers.selection.active
        ours, bare = (
            viewer.add_labels(np.zeros((SIDE, SIDE), np.uint16), name=name)
            for name in ("ours", "bare")
        )
        viewer.layers.selection.active = active
        controller.set_output(ours)
        wait_until(lambda: controller.target.prepare(controller.image))
        frame, outcomes = frame_of(viewer), []
        for side, ending in ((MASK_SIDE, ""), (SMALL_SIDE, "_256")):
            show_answer(controller, mask_side=side)
            indices = indices_of(controller.editor.draft().answer)
            outcomes += compared(controller, frame, bare, indices, rounds, ending)
            controller.clear()
    return outcomes


def compared(
    controller: Any,
    frame: Any,
    bare: Any,
    indices: tuple[np.ndarray, ...],
    rounds: int,
    ending: str,
) -> list[Outcome]:
    """Compare what is on show with the same pixels written bare."""
    sides = {
        "bare": lambda: set_once(bare, indices),
        "commit": lambda: commit_once(controller, frame, settle=False),
        "commit_settled": lambda: commit_once(controller, frame, settle=True),
    }
    values = interleaved(sides, rounds, warm_up=2)
    back = {
        "bare": lambda: unset_once(bare, indices),
        "undo": lambda: undo_once(controller, frame),
    }
    undone = interleaved(back, rounds, warm_up=2)
    return [
        ratio(f"commit{ending}", values["commit"], values["bare"]),
        ratio(f"commit_settled{ending}", values["commit_settled"], values["bare"]),
        ratio(f"undo{ending}", undone["undo"], undone["bare"]),
    ]
