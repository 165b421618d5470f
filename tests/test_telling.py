"""What the journal is told of objects: clicked, found in batches, carried."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
from desk import Desk
from graphs import write_model
from walking import ANY

from napari_sam21.control.many_slices import Course
from napari_sam21.control.telling import told_of
from napari_sam21.core.automatic import Filters
from napari_sam21.core.background import flush_all
from napari_sam21.core.witness import LOOKS, Witness
from napari_sam21.models.home import sessions_folder
from napari_sam21.recompute import recompute
from napari_sam21.session.journal import Session, read_session
from napari_sam21.session.lines import Line
from napari_sam21.session.objects import objects
from napari_sam21.session.shelf import sessions

FEW = Filters(4, min_score=0.5, min_stability=0, max_share=0.2)


def newest() -> Session:
    assert flush_all(), "the journal's thread is done"
    return read_session(sessions(sessions_folder())[0].folder)


def told() -> list[Line]:
    return [each["object"] for each in newest().of_kind("change")]


def run(d: Desk) -> None:
    d.host.until(lambda: not d.controller.many.running)
    d.host.turn()
    d.controller.many.tray.accept()
    d.host.turn()


@pytest.fixture
def stack() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (4, 60, 80), np.uint8)


def test_everything_tells_filters_scores_and_the_look(desk, image) -> None:
    d = desk(image)
    d.controller.many.filters = FEW
    d.controller.many.everything()
    run(d)
    found = told()
    assert len(found) > 1
    for each in found:
        assert each["made_by"] == "everything"
        assert each["count"] == len(found)
        assert 0.5 <= each["predicted_iou"] <= 1
        assert each["settings"] == {**asdict(FEW), "policy": "keep"}
        assert each["look"]["contrast_limits"] == [0.0, 255.0]
        assert each["model"]["name"] == "tiny"
        assert "points_rc" not in each
    facts = objects(newest())
    assert set(facts) == {each["id"] for each in found}
    d.controller.undo()
    d.host.turn()
    assert objects(newest()) == {}
    d.controller.redo()
    d.host.turn()
    assert objects(newest()) == facts


def test_an_object_carried_through_slices_tells_of_each(desk, stack) -> None:
    d = desk(stack)
    d.viewer.dims.set_point(0, 1)
    d.ready()
    d.click(1, 30, 40)
    d.controller.many.carry(Course(0, (0, 4), ANY))
    run(d)
    found = told()
    assert {each["id"] for each in found} == {1}
    assert {each["made_by"] for each in found} == {"slices"}
    assert {each["plane"]["hidden"][0][1] for each in found} == {0, 1, 2, 3}
    assert found[0]["settings"]["span"] == [0, 4]
    assert found[0]["settings"]["rules"] == asdict(ANY)


def test_refined_labels_tell_what_was_taken(desk, image) -> None:
    d = desk(image)
    labels = d.viewer.add_labels(np.zeros(image.shape, np.uint16))
    labels.data[30:50, 40:60] = 3
    d.controller.set_image(d.images[0])
    d.controller.set_output(labels)
    d.controller.many.refine(labels)
    run(d)
    found = told()
    assert [each["id"] for each in found] == [0, 3]
    assert {each["made_by"] for each in found} == {"labels"}
    assert found[0]["predicted_iou"] is None
    assert found[1]["predicted_iou"] > 0


def test_a_box_and_another_kind_and_region(desk, image, tmp_path, tiny_folder) -> None:
    d = desk(image)
    d.controller.set_field("whole")
    d.ready()
    d.click(40, 50)
    d.commit()
    labels = d.controller.target.labels
    labels.selected_label = 1
    d.controller.commits.kind = "add"
    d.click(40, 60)
    d.commit()
    d.controller.commits.kind = "erase"
    d.click(40, 55)
    d.commit()
    first, added, erased = told()
    assert first["settings"]["region"] == "whole"
    assert (added["id"], added["settings"]["kind"]) == (1, "add")
    assert (erased["id"], erased["taken_from"]) == (0, [1])
    np.save(tmp_path / "image.npy", image)
    found = recompute(newest(), tmp_path / "image.npy", str(tiny_folder))
    assert found.ious == [1.0] * 3


def test_colours_and_pyramids_are_recomputed(desk, tmp_path, tiny_folder) -> None:
    rng = np.random.default_rng(3)
    d = desk(rng.integers(0, 255, (90, 110, 3), np.uint8))
    d.ready()
    d.click(30, 40)
    d.commit()
    np.save(tmp_path / "rgb.npy", d.images[0].data)
    (found,) = recompute(newest(), tmp_path / "rgb.npy", str(tiny_folder)).outcomes
    assert (found.iou, found.same_input) == (1.0, True)


def test_a_composite_says_why_it_cannot_be(desk, image, tmp_path, tiny_folder) -> None:
    d = desk(image, image[::-1].copy())
    red, green = d.images
    d.controller.set_look("composite", (red, green, None))
    d.ready()
    d.click(40, 50)
    d.commit()
    (about,) = told()
    assert [c and c["layer"] for c in about["look"]["channels"]] == [
        red.name,
        green.name,
        None,
    ]
    np.save(tmp_path / "image.npy", image)
    (found,) = recompute(newest(), tmp_path / "image.npy", str(tiny_folder)).outcomes
    assert found.iou is None
    assert "composite of the layers" in found.note


def test_another_model_and_region_start_without_feedback(
    desk, image, tmp_path, tiny_folder
) -> None:
    """Answers of the model that was asked before are no part of what led there."""
    other = write_model(tmp_path / "other", seed=7)
    d = desk(image)
    d.ready()
    d.click(40, 50)
    d.click(42, 55)
    d.controller.set_model(other)
    d.ready()
    d.answered()
    d.commit()
    (about,) = told()
    assert [each["fed_back"] for each in about["rounds"]] == [False]
    assert about["rounds"][0]["points"] == 2
    assert about["model"]["name"] == "other"
    assert about["embedding"].startswith(about["model"]["encoder"])
    np.save(tmp_path / "image.npy", image)
    found = recompute(newest(), tmp_path / "image.npy", str(other))
    assert found.ious == [1.0]


def test_what_is_told_is_json_whatever_the_scores(desk, image) -> None:
    d = desk(image)
    d.ready()
    d.click(40, 50)
    d.commit()
    (step,) = (s for s in d.controller.commits.history.done if hasattr(s, "draft"))
    step.draft.rounds[0].answer.scores.flags.writeable = True
    step.draft.rounds[0].answer.scores[:] = [np.nan, np.inf, 0.5]
    (plain,) = told_of(step, d.inference.witness)
    assert plain["scores"] == [None, None, 0.5]
    json.dumps(plain, allow_nan=False)


def test_a_witness_forgets_the_oldest_looks() -> None:
    witness = Witness()
    assert witness.last_model is None
    for number in range(LOOKS + 1):
        witness.saw(f"encoder-cpu-{number}", {"gamma": number})
    assert witness.look_of("encoder-cpu-0") is None
    assert witness.look_of(f"encoder-cpu-{LOOKS}") == {"gamma": LOOKS}
    assert witness.model_of("encoder-cpu-7") is None
