"""The keys on our layers: what each does, in words and in deed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app_model.types import KeyCode, KeyMod

PROMPTS, ANSWER, OBJECTS, VIEW = "Prompts", "Answer", "Objects", "View"
GROUPS = (PROMPTS, ANSWER, OBJECTS, VIEW)


@dataclass(frozen=True)
class Key:
    """A key on our layers.

    Attributes
    ----------
    binding
        As napari takes it.
    shown : str
        As people read it.
    action : str
        Name of the controller's method.
    what : str
        What it does, in words.
    group : str
        One of `GROUPS`.
    """

    binding: Any
    shown: str
    action: str
    what: str
    group: str


def _arrow(code: KeyCode, shown: str, where: str) -> Key:
    binding, action = KeyMod.Shift | code, f"move_{where}"
    return Key(binding, f"Shift+{shown}", action, "Move the last prompt", PROMPTS)


KEYS = (
    Key("Q", "Q", "switch_polarity", "Next point: on the object, or not", PROMPTS),
    Key("W", "W", "draw_box", "Next drag draws a box", PROMPTS),
    Key("R", "R", "scribble", "Drags draw lines of points, or pan again", PROMPTS),
    Key("G", "G", "flip_selected", "Flip the selected points, or the last", PROMPTS),
    Key("D", "D", "put_prompt", "Put the next prompt amid the view", PROMPTS),
    _arrow(KeyCode.UpArrow, "↑", "up"),
    _arrow(KeyCode.DownArrow, "↓", "down"),
    _arrow(KeyCode.LeftArrow, "←", "left"),
    _arrow(KeyCode.RightArrow, "→", "right"),
    Key("J", "J", "previous_candidate", "Smaller candidate", ANSWER),
    Key("K", "K", "next_candidate", "Larger candidate", ANSWER),
    Key("Enter", "Enter", "commit", "Make the mask a label", ANSWER),
    Key("Escape", "Esc", "clear", "Take the prompts away", ANSWER),
    Key(KeyMod.CtrlCmd | KeyCode.KeyZ, "Ctrl+Z", "undo", "Undo", ANSWER),
    Key(
        KeyMod.CtrlCmd | KeyMod.Shift | KeyCode.KeyZ,
        "Ctrl+Shift+Z",
        "redo",
        "Redo",
        ANSWER,
    ),
    Key("T", "T", "take_up", "Take the label under the mouse up again", OBJECTS),
    Key("C", "C", "pick", "Select the label under the mouse", OBJECTS),
    Key("I", "I", "merge", "Merge it into the selected label", OBJECTS),
    Key("Delete", "Del", "delete", "Delete the label under the mouse", OBJECTS),
    Key(
        "Backspace", "Backspace", "delete", "Delete the label under the mouse", OBJECTS
    ),
    Key("N", "N", "next_object", "Commit, then go where an object waits", OBJECTS),
    Key("H", "H", "toggle_preview", "Hide or show the preview", VIEW),
    Key("U", "U", "toggle_hover", "Show the mask of a click under the mouse", VIEW),
)
"""Bound on the prompts and preview layers only; free there in napari 0.6 to 0.9."""

SHOWN_KEY = {key.action: key.shown for key in reversed(KEYS)}
