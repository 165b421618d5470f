"""What the user is told of commits, and of strokes by napari's own tools."""

from __future__ import annotations

from collections.abc import Collection

from napari_sam21.control.steps import (
    LabelStep,
    ManyStep,
    RelabelStep,
    StrokeStep,
    TellStep,
)

SAID = {
    "commit": ("Label {value} is in {name!r}.", "Erased in {name!r}.", ""),
    "undo": (
        "Label {value} was taken out of {name!r}.",
        "What was erased is back in {name!r}.",
        "A stroke was taken back in {name!r}.",
    ),
    "redo": (
        "Label {value} is back in {name!r}.",
        "Erased again in {name!r}.",
        "A stroke is back in {name!r}.",
    ),
}
"""What is said of a label, of what was erased, and of a stroke of napari's tools."""

SAID_OF_MANY = {
    "commit": "{count} in {name!r}.",
    "undo": "Taken out of {name!r}: {count}.",
    "redo": "Back in {name!r}: {count}.",
}

SAID_OF_RELABELS = {
    "merge": ("{old} merged into {new} in {name!r}.", "{old} deleted in {name!r}."),
    "undo": (
        "{old} taken apart from {new} again in {name!r}.",
        "{old} back in {name!r}.",
    ),
    "redo": (
        "{old} merged into {new} again in {name!r}.",
        "{old} deleted again in {name!r}.",
    ),
}
"""What is said of labels that were merged, and of those that were deleted."""

SAID_OF_CLASSES = {
    "undo": "{old}: the class is as it was before.",
    "redo": "{old}: the class is changed again.",
}

KEPT = (
    "Every pixel of this object belongs to another label already, and the policy is to "
    "keep them: choose “overwrite”, or clear."
)
NOTHING_LEFT = {
    "new": KEPT,
    "replace": KEPT,
    "class": "The class has these pixels already, or others have, and the policy is to "
    "keep them: choose “overwrite”, or clear.",
    "add": "The selected label has these pixels already, or others have, and the "
    "policy is to keep them: choose “overwrite”, or clear.",
    "erase": "There is no label under this object to erase.",
}
"""What is said where a commit would change no pixel."""


COUNTING = "Counting the labels that are there…"

NAMED = 6
"""So many labels are named one by one."""


def objects(count: int) -> str:
    """Say how many objects."""
    return "1 object" if count == 1 else f"{count} objects"


def labels(ids: Collection[int]) -> str:
    """Name labels; many are only counted."""
    if len(ids) > NAMED:
        return f"{len(ids)} labels"
    named = ", ".join(map(str, sorted(ids)))
    return f"Label {named}" if len(ids) == 1 else f"Labels {named}"


def said_of(step: LabelStep | TellStep, what: str) -> str:
    """Say that a step was done, undone or redone.

    Parameters
    ----------
    step : LabelStep or TellStep
    what : str
        A key of `SAID`; of a merge or deletion also its cause.
    """
    name = step.labels.name
    if isinstance(step, TellStep):
        return SAID_OF_CLASSES[what].format(old=labels(step.told.after))
    if isinstance(step, RelabelStep):
        word = SAID_OF_RELABELS.get(what, SAID_OF_RELABELS["merge"])[step.new == 0]
        return word.format(old=labels(step.old), new=step.new, name=name)
    if isinstance(step, ManyStep):
        return SAID_OF_MANY[what].format(count=objects(step.count), name=name)
    value, words = 0, SAID[what]
    if isinstance(step, StrokeStep):
        word = words[2]
    else:
        value = step.delta.value
        word = words[value == 0]
    return word.format(value=value, name=name)
