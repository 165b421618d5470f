"""A label under the mouse becomes an object in the making again."""

from __future__ import annotations

import numpy as np
import pytest
from desk import Desk


def take_up(d: Desk, *position: float) -> None:
    d.viewer.cursor.position = d.controller.image.data_to_world(position)
    d.controller.take_up()
    d.host.turn()


@pytest.fixture
def two(desk, image) -> Desk:
    """Two committed objects."""
    d = desk(image, scale=(2, 0.5))
    for row, column in ((40, 50), (90, 150)):
        d.ready()
        d.click(row, column)
        d.commit()
    return d


def test_its_prompts_come_back_and_its_id_stays(two: Desk) -> None:
    labels = two.controller.target.labels.data
    before = labels.copy()
    take_up(two, 40, 50)
    assert not (labels == 1).any()
    assert np.array_equal(labels == 2, before == 2)
    prompts = two.controller.editor.draft().prompts
    assert prompts.points_rc == ((40.0, 50.0),)
    assert two.controller.view().can_commit, "its mask is there without asking"
    assert "Esc deletes it" in two.status
    two.commit()
    assert np.array_equal(labels, before)


def test_a_correction_keeps_the_id(two: Desk) -> None:
    labels = two.controller.target.labels.data
    take_up(two, 40, 50)
    two.ready()
    two.click(20, 30, label=0)
    two.commit()
    assert set(np.unique(labels)) == {0, 1, 2}
    two.ready()
    two.click(60, 20)
    two.commit()
    assert labels.max() == 3, "the next object gets a new one"


def test_clearing_deletes_it_and_undo_brings_it_back(two: Desk) -> None:
    labels = two.controller.target.labels.data
    before = labels.copy()
    take_up(two, 90, 150)
    two.controller.clear()
    assert set(np.unique(labels)) == {0, 1}
    for _ in range(3):  # cleared, taken up, taken out
        two.controller.undo()
    assert np.array_equal(labels, before)
    assert not two.controller.editor.draft().prompts
    for _ in range(3):
        two.controller.redo()
    assert set(np.unique(labels)) == {0, 1}


def test_the_id_of_a_deleted_label_is_not_given_again(two: Desk) -> None:
    labels = two.controller.target.labels.data
    take_up(two, 40, 50)
    two.controller.clear()
    two.ready()
    two.click(60, 20)
    two.commit()
    assert set(np.unique(labels)) == {0, 2, 3}


def test_an_undone_reservation_gives_no_second_label_of_that_id(two: Desk) -> None:
    labels = two.controller.target.labels.data
    take_up(two, 40, 50)
    two.controller.undo()
    two.controller.undo()
    assert (labels == 1).any()
    two.ready()
    two.click(60, 20)
    two.commit()
    assert labels.max() == 3


def test_a_label_of_unknown_origin_gets_its_box_and_a_point(desk, image) -> None:
    d = desk(image)
    data = np.zeros((120, 200), np.uint16)
    data[30:71, 60:121] = 9
    labels = d.viewer.add_labels(data)
    d.controller.set_image(d.images[0])
    d.controller.set_output(labels)
    d.host.until(
        lambda: (
            d.controller.target.is_empty is False and not d.controller._counting.busy
        )
    )
    d.ready()
    d.host.until(lambda: d.controller.target.prepare(d.images[0]))
    take_up(d, 50, 90)
    prompts = d.controller.editor.draft().prompts
    assert prompts.box_rc == (30, 60, 70, 120)
    assert prompts.point_labels == (1,)
    assert not labels.data.any()


@pytest.mark.parametrize(
    ("place", "word"),
    [((5, 5), "no label under the mouse"), ((500, 5), "no label under the mouse")],
)
def test_where_there_is_none_it_says_so(two: Desk, place, word: str) -> None:
    before = two.controller.target.labels.data.copy()
    take_up(two, *place)
    assert word in two.status
    assert np.array_equal(two.controller.target.labels.data, before)


def test_an_object_in_the_making_is_not_disturbed(two: Desk) -> None:
    two.ready()
    two.click(20, 100)
    take_up(two, 40, 50)
    assert "Commit or clear" in two.status
    assert (two.controller.target.labels.data == 1).any()


def test_without_labels_it_says_so(desk, image) -> None:
    d = desk(image)
    take_up(d, 40, 50)
    assert "no labels yet" in d.status


def test_in_a_transposed_stack(desk) -> None:
    image = np.random.default_rng(0).integers(0, 255, (3, 60, 4, 80), np.uint8)
    d = desk(image)
    d.viewer.dims.order = (2, 0, 3, 1)
    d.viewer.dims.set_point(0, 1)
    d.viewer.dims.set_point(2, 2)
    d.ready()
    d.click(1, 30, 2, 40)
    d.commit()
    labels = d.controller.target.labels.data
    before = labels.copy()
    assert before.any()
    take_up(d, 1, 30, 2, 40)
    assert not labels.any()
    d.commit()
    assert np.array_equal(labels, before)
