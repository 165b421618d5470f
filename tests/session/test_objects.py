"""What a session tells of its objects, read without napari."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_sam21.core.prompts import Prompts
from napari_sam21.session.change import Change
from napari_sam21.session.journal import Journal, Session, read_session
from napari_sam21.session.lines import pack_change
from napari_sam21.session.objects import facts_of, in_force, last_settings
from napari_sam21.session.replay import CHANGED, NAMED, name_of, objects

ONE = Change((0, 0), np.ones((1, 1), bool), np.asarray(0), np.asarray(1))


def told(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "plane": {"displayed": [1, 2], "hidden": [[0, 4]]},
        "points_rc": [[3.0, 4.0], [5.0, 6.0]],
        "point_labels": [1, 0],
        "box_rc": None,
        "marks": [[[4.0, 3.0, 4.0], 1], [[4.0, 5.0, 6.0], 0]],
        "scores": [0.5, 0.9, 0.7],
        "choice": 2,
        **more,
    }


def session_of(folder: Path, *records: tuple[str, dict[str, Any] | None]) -> Session:
    header = {"labels": {"shape": [9, 9], "dtype": "uint16", "name": "cells"}}
    journal = Journal(folder / "session", header)
    for cause, about in records:
        extra = {} if about is None else {"object": about}
        journal.add(CHANGED, cause=cause, **extra, **pack_change(ONE))
    journal.add(NAMED, name="cells of Monday")
    journal.close()
    return read_session(journal.folder)


def test_facts_of_an_object(tmp_path) -> None:
    found = objects(session_of(tmp_path, ("commit", told(7, model={"name": "tiny"}))))
    (facts,) = found.values()
    assert set(found) == {facts.id} == {7}
    assert facts.made_by == "prompts"
    assert facts.predicted_iou == 0.7
    assert facts.prompt_count == 2
    assert facts.prompts == Prompts([(3, 4), (5, 6)], [1, 0])
    assert facts.hidden == ((0, 4),)
    assert facts.displayed == (1, 2)
    assert facts.marks == (((4.0, 3.0, 4.0), 1), ((4.0, 5.0, 6.0), 0))
    assert facts.model == "tiny"
    with pytest.raises(FrozenInstanceError):
        facts.id = 8


def test_what_was_undone_is_not_told_of(tmp_path) -> None:
    first, second, third = told(1), told(2), told(3)
    session = session_of(
        tmp_path,
        ("commit", first),
        ("commit", second),
        ("stroke", None),
        ("undo", second),
        ("commit", third),
        ("undo", third),
        ("redo", third),
        ("napari", {**third, "undone": True}),
        ("napari", {**third, "undone": False}),
        ("napari", {**first, "undone": True}),
    )
    assert set(objects(session)) == {3}
    assert [line["object"]["id"] for line in in_force(session)] == [3]


def test_of_the_same_again_one_at_a_time_is_undone(tmp_path) -> None:
    same = told(1)
    commits = [("commit", same), ("commit", same), ("undo", same)]
    assert len(in_force(session_of(tmp_path, *commits))) == 1


def test_a_later_commit_counts_unless_it_adds(tmp_path) -> None:
    again = told(1, points_rc=[[8.0, 8.0]], point_labels=[1])
    session = session_of(
        tmp_path / "again", ("commit", told(1)), ("commit", again), ("commit", told(0))
    )
    assert objects(session)[1].prompt_count == 1
    assert 0 not in objects(session)
    adds = {**again, "settings": {"kind": "add", "policy": "keep"}}
    session = session_of(tmp_path / "adds", ("commit", told(1)), ("commit", adds))
    assert objects(session)[1].prompt_count == 2
    assert last_settings(session) == {"kind": "add", "policy": "keep"}


def test_of_a_batch_the_score_is_told(tmp_path) -> None:
    about = {"id": 4, "made_by": "everything", "predicted_iou": 0.8}
    facts = objects(session_of(tmp_path, ("commit", about)))[4]
    assert (facts.made_by, facts.predicted_iou) == ("everything", 0.8)
    assert facts.prompt_count == 0
    assert facts.questions == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "seven"},
        {"points_rc": [[1]]},
        {"choice": 9},
        {"plane": {"hidden": [3]}},
        {"marks": [3]},
        {"plane": "the first"},
    ],
)
def test_what_makes_no_sense_is_passed_over(tmp_path, wrong) -> None:
    session = session_of(tmp_path, ("commit", told(1)), ("commit", told(2) | wrong))
    assert facts_of(session.records[1]) is None
    assert set(objects(session)) == {1}
    assert facts_of(session.records[-1]) is None, "no change at all"


def test_the_last_name_counts(tmp_path) -> None:
    assert name_of(session_of(tmp_path)) == "cells of Monday"
    assert last_settings(session_of(tmp_path / "empty")) == {}
