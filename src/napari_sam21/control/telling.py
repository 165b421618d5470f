"""What a journal is told of a step: plain values, enough to do it again."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_sam21.annotation import Asked, Draft
from napari_sam21.control.steps import CommitStep, How, ManyStep
from napari_sam21.core.witness import Origin, Witness
from napari_sam21.layers.planes import Plane
from napari_sam21.layers.prompts import Mark

if TYPE_CHECKING:
    from napari_sam21.control.editor import ImageEditor
    from napari_sam21.layers.source import Source

Told = tuple[dict[str, Any], ...]

DIGITS = 6
"""Of scores."""


def how_of(
    editor: ImageEditor, draft: Draft, policy: str, kind: str, **more: Any
) -> How:
    """Freeze the choices under which the object on show is committed.

    Parameters
    ----------
    editor : ImageEditor
    draft : Draft
        The object on show.
    policy, kind : str
        See `commits.Committer`.
    **more
        Other choices, in plain values.
    """
    cleaning = editor.scene.preview.cleaning
    return {
        "made_by": "prompts",
        "settings": {
            "policy": policy,
            "kind": kind,
            "region": editor.field.mode,
            "look": editor.sight.mode,
            **asdict(cleaning),
            **more,
        },
        "brushed": draft.retouch is not None,
        "given_mask": draft.given is not None,
    }


def how_found(made_by: str, source: Source, **settings: Any) -> How:
    """Freeze how a job finds objects.

    Parameters
    ----------
    made_by : str
        What the journal calls the job.
    source : Source
        What was on show when the job was given; other parts are seen in the same way.
    **settings
        In plain values.
    """
    return {
        "made_by": made_by,
        "settings": settings,
        "region": [int(each) for each in source.region],
        "look": source.look,
    }


def told_of(step: CommitStep | ManyStep, witness: Witness) -> Told:
    """Tell of a step, once for each of its changes."""
    if isinstance(step, CommitStep):
        told = {"id": step.delta.value, **_place(step.plane), **step.how}
        if step.delta.value == 0:
            told["taken_from"] = [int(n) for n in np.unique(step.delta.before) if n]
        return (_finite(told | _prompts(step) | _rounds(step.draft, witness)),)
    about = {**step.how, **_model(witness.last_model)}
    planes = step.planes or (step.plane,) * len(step.deltas)
    scores = step.scores or (None,) * len(step.deltas)
    return tuple(
        _finite({"id": delta.value, **_place(plane), "predicted_iou": score, **about})
        for delta, plane, score in zip(step.deltas, planes, scores, strict=True)
    )


def _prompts(step: CommitStep) -> dict[str, Any]:
    prompts = step.draft.prompts
    return {
        "points_rc": [[float(n) for n in point] for point in prompts.points_rc],
        "point_labels": [int(each) for each in prompts.point_labels],
        "box_rc": None if prompts.box_rc is None else list(prompts.box_rc),
        "marks": plain_marks(step.taken),
    }


def plain_marks(marks: Sequence[Mark]) -> list[Any]:
    """Return prompts as a journal has them."""
    return [[list(mark.position), mark.label] for mark in marks]


def _rounds(draft: Draft, witness: Witness) -> dict[str, Any]:
    """Which questions led to the mask, and how the model saw the image."""
    asked = draft.asked
    if not asked:
        return {}
    last = asked[-1]
    look = witness.look_of(last.key)
    return {
        "region": [int(each) for each in last.region],
        "embedding": last.key,
        "scores": [round(each, DIGITS) for each in last.scores],
        "choice": last.choice,
        "rounds": list(_each_round(asked, witness)),
        **({} if look is None else {"look": dict(look)}),
        **_model(witness.model_of(last.key)),
    }


def _each_round(asked: Sequence[Asked], witness: Witness) -> Iterator[dict[str, Any]]:
    """Tell of each round; its prompts are the first of all, in their order."""
    before: Asked | None = None
    for each in asked:
        told = {
            "points": len(each.prompts.point_labels),
            "box": each.prompts.box_rc is not None,
            "fed_back": before is not None
            and (before.key, before.region) == (each.key, each.region),
            "region": [int(edge) for edge in each.region],
            "embedding": each.key,
            "scores": [round(score, DIGITS) for score in each.scores],
            "choice": each.choice,
        }
        look = witness.look_of(each.key)
        last = asked[-1]
        if each.key != last.key and look is not None:
            told["look"] = dict(look)
        yield told
        before = each


def _model(origin: Origin | None) -> dict[str, Any]:
    return {} if origin is None else {"model": origin._asdict()}


def _place(plane: Plane) -> dict[str, Any]:
    where = {
        "displayed": list(plane.displayed),
        "hidden": [list(each) for each in plane.hidden],
    }
    return {"plane": where}


def _finite(value: Any) -> Any:
    """Return plain values without NaN and infinity, which JSON does not have."""
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
