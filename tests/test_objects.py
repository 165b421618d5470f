"""The register of objects, and what is done to whole labels."""

from __future__ import annotations

import os

import numpy as np
import pytest
from desk import Desk

from napari_sam21.core import census
from napari_sam21.core.automatic import Filters
from napari_sam21.core.background import flush_all
from napari_sam21.core.census import Block
from napari_sam21.files.calibration import Calibration
from napari_sam21.models.home import sessions_folder
from napari_sam21.session.journal import read_session
from napari_sam21.session.replay import replay
from napari_sam21.session.shelf import sessions

STEPS = int(os.environ.get("SAM21_STEPS", "40"))


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make objects lie in several blocks."""
    monkeypatch.setattr(census, "SIDE", 32)


def labels_of(d: Desk):
    return d.controller.target.labels


def register_of(d: Desk):
    return d.controller.objects.of(labels_of(d))


def counted(d: Desk):
    """The register, once it has counted everything."""
    found = register_of(d)
    found.counting.want()
    d.host.until(lambda: found.counting.complete)
    return found


def rows(d: Desk) -> dict[int, object]:
    found = counted(d)
    return {row.id: row for row in found.rows(sorted(found.ids()))}


def over(d: Desk, *position: float) -> None:
    """Put the mouse over a pixel."""
    d.viewer.cursor.position = d.controller.image.data_to_world(position)


def new_object(d: Desk, *position: float) -> np.ndarray:
    d.ready()
    d.click(*position)
    return d.commit()


def replayed() -> np.ndarray:
    assert flush_all(), "the journal's thread is done"
    return replay(read_session(sessions(sessions_folder())[0].folder))


def is_right(d: Desk) -> None:
    """The register says what a full count says."""
    data = np.asarray(labels_of(d).data)
    expected = {
        int(label): {
            index: int((data[index] == label).sum())
            for index in np.ndindex(data.shape[:-2])
            if (data[index] == label).any()
        }
        for label in np.unique(data)
        if label
    }
    found = counted(d).counting.census
    assert {label: found.areas(label) for label in found.ids()} == expected


@pytest.fixture
def three(desk, image, small_blocks) -> Desk:
    """Three committed objects."""
    d = desk(image)
    for place in ((40, 50), (90, 150), (60, 110)):
        new_object(d, *place)
    return d


# --- rows ------------------------------------------------------------------------


def test_a_row_tells_what_is_known(desk, image) -> None:
    d = desk(image, scale=(2, 0.5), units=("µm", "µm"))
    d.controller.commits.classes.choose(" nucleus \n")
    d.ready()
    d.click(40, 50)
    d.click(10, 190, label=0)
    answer = d.controller.editor.draft().answer
    data = d.commit()
    (row,) = rows(d).values()
    assert (row.id, row.class_name, row.prompts) == (1, "nucleus", 2)
    assert row.area_px == (data == 1).sum()
    assert (row.area_world, row.area_unit) == (row.area_px * 1.0, "µm²")
    assert row.predicted_iou == pytest.approx(float(answer.scores[answer.index]))
    assert row.planes == ((),)


def test_labels_of_another_tool_have_rows(desk, small_blocks) -> None:
    d = desk(np.zeros((3, 60, 80), np.uint8))
    data = np.zeros((3, 60, 80), np.int32)
    data[0, 5:9, 5:9], data[2, :, 70:], data[1:, 30:40, 30:40] = 5, 70_000, -3
    labels = d.viewer.add_labels(data)
    d.controller.set_image(d.images[0])
    d.controller.set_output(labels)
    found = rows(d)
    assert {label: row.planes for label, row in found.items()} == {
        5: ((0,),),
        70_000: ((2,),),
        -3: ((1,), (2,)),
    }
    assert [found[n].area_px for n in (5, 70_000, -3)] == [16, 600, 200]
    assert found[5].predicted_iou is None
    assert found[5].area_world is None
    is_right(d)


def test_what_another_program_wrote_is_counted(three: Desk) -> None:
    counted(three)
    labels = labels_of(three)
    labels.data[:5, :5] = 9
    labels.refresh()
    three.host.turn()
    three.host.settle()
    is_right(three)
    assert 9 in rows(three)
    labels.data = np.full((120, 200), 4, np.uint16)
    is_right(three)


def test_only_touched_blocks_are_counted_again(three: Desk, monkeypatch) -> None:
    counted(three)
    seen: list[Block] = []
    count = census.count_blocks

    def noted(array, blocks):
        seen.extend(blocks)
        return count(array, blocks)

    monkeypatch.setattr("napari_sam21.layers.counting.count_blocks", noted)
    labels_of(three).paint((5, 5), 8)
    counted(three)
    assert seen == [Block((), 0, 0)]


def test_it_survives_another_image_and_a_closed_dock(desk, image, tiny_folder) -> None:
    d = desk(image, image[::-1].copy())
    d.controller.commits.classes.choose("cell")
    new_object(d, 40, 50)
    first = rows(d)
    d.controller.set_image(d.images[1])
    new_object(d, 70, 60)
    d.controller.set_image(d.images[0])
    assert rows(d) == first
    again = Desk(tiny_folder)
    again.viewer.add_image(image)
    labels = labels_of(d)
    d.close()
    again.viewer.add_layer(labels)
    again.controller.set_image(again.viewer.layers[0])
    again.controller.set_output(labels)
    assert rows(again) == first
    assert again.controller.commits.classes.names == ("cell",)
    again.close()


# --- deleting and merging -----------------------------------------------------------


def test_delete_is_one_step(three: Desk) -> None:
    d, before = three, labels_of(three).data.copy()
    over(d, 40, 50)
    d.controller.delete()
    data = labels_of(d).data
    assert set(np.unique(data)) == {0, 2, 3}
    assert "Label 1 deleted" in d.status
    is_right(d)
    d.controller.undo()
    assert np.array_equal(data, before)
    assert rows(d)[1].prompts == 1, "what is known is back, too"
    d.controller.redo()
    assert set(np.unique(data)) == {0, 2, 3}
    assert np.array_equal(replayed(), data)
    new_object(d, 20, 150)
    assert data.max() == 4, "no id is given twice"


def test_delete_removes_selected_points_first(three: Desk) -> None:
    d = three
    d.ready()
    d.click(20, 150)
    d.controller.editor.scene.activate()
    d.points.selected_data = {0}
    over(d, 40, 50)
    d.controller.delete()
    assert len(d.points.data) == 0
    assert (labels_of(d).data == 1).any()


def test_the_largest_id_is_not_given_again(three: Desk) -> None:
    d = three
    over(d, 60, 110)
    d.controller.delete()
    d.viewer.add_image(np.zeros((4, 4)))  # the labels are left, and counted anew
    d.controller.set_image(d.images[0])
    d.host.until(lambda: d.controller.target.prepare(d.images[0]))
    new_object(d, 20, 150)
    assert set(np.unique(labels_of(d).data)) == {0, 1, 2, 4}


def test_merge_is_one_step(three: Desk) -> None:
    d, labels = three, labels_of(three)
    before = labels.data.copy()
    over(d, 90, 150)
    d.controller.pick()
    assert labels.selected_label == 2
    over(d, 40, 50)
    d.controller.merge()
    assert np.array_equal(labels.data == 2, (before == 1) | (before == 2))
    assert "Label 1 merged into 2" in d.status
    assert rows(d)[2].prompts == 2
    assert np.array_equal(replayed(), labels.data)
    is_right(d)
    d.controller.undo()
    assert np.array_equal(labels.data, before)
    assert {n: row.prompts for n, row in rows(d).items()} == {1: 1, 2: 1, 3: 1}
    d.controller.redo()
    labels.undo()  # napari's own
    assert np.array_equal(labels.data, before)
    assert d.controller.view().can_redo
    is_right(d)


@pytest.mark.parametrize(
    ("place", "selected", "word"),
    [
        ((5, 5), 2, "no label under the mouse"),
        ((40, 50), 1, "is the selected one"),
        ((40, 50), 77, "label 77, which is selected, is not in"),
    ],
)
def test_what_cannot_be_merged(three: Desk, place, selected: int, word: str) -> None:
    labels = labels_of(three)
    before = labels.data.copy()
    labels.selected_label = selected
    over(three, *place)
    three.controller.merge()
    assert word in three.status
    assert np.array_equal(labels.data, before)


@pytest.mark.parametrize("gesture", ["delete", "merge", "pick"])
def test_without_labels_it_says_so(desk, image, gesture: str) -> None:
    d = desk(image)
    over(d, 40, 50)
    getattr(d.controller, gesture)()
    assert "no labels yet" in d.status


def test_over_all_slices_piece_by_piece(desk, small_blocks, monkeypatch) -> None:
    """A label in many slices that is too much for napari's history."""
    monkeypatch.setattr("napari_sam21.layers.relabel.NAPARI_PIXELS", 100)
    monkeypatch.setattr("napari_sam21.control.turns.TURN_SECONDS", 0.0)
    d = desk(np.zeros((4, 60, 80), np.uint8))
    data = np.zeros((4, 60, 80), np.uint16)
    data[:, 10:50, 10:70], data[1:3, :5, :5], data[0, :5, 60:] = 7, 8, 9
    before = data.copy()
    labels = d.viewer.add_labels(data)
    d.controller.set_image(d.images[0])
    d.controller.set_output(labels)
    counted(d)
    d.controller.objects.merge(d.images[0], [7, 9], 8)
    assert d.controller.commits.busy, "the window has its turn between two pieces"
    d.host.until(lambda: not d.controller.commits.busy)
    assert np.array_equal(labels.data == 8, before > 0)
    is_right(d)
    d.controller.undo()
    d.controller.commits.finish()
    assert np.array_equal(labels.data, before)
    d.controller.redo()
    d.controller.commits.finish()
    d.controller.objects.delete(d.images[0], [8])
    d.controller.commits.finish()
    assert not labels.data.any()
    is_right(d)
    d.controller.undo()
    d.controller.undo()
    d.controller.commits.finish()
    assert np.array_equal(labels.data, before)
    is_right(d)
    d.close()
    assert np.array_equal(replayed(), before)


def test_at_every_level_of_a_pyramid(desk, image) -> None:
    d = desk(image)
    data = np.zeros((120, 200), np.uint16)
    data[20:60, 20:80], data[70:, 100:] = 3, 4
    levels = [data, data[::2, ::2].copy(), data[::4, ::4].copy()]
    labels = d.viewer.add_labels(levels)
    d.controller.set_image(d.images[0])
    d.controller.set_output(labels)
    counted(d)
    d.controller.objects.merge(d.images[0], [4], 3)
    d.controller.commits.finish()
    assert set(np.unique(data)) == {0, 3}
    for n, level in enumerate(levels):
        assert np.array_equal(level, data[:: 2**n, :: 2**n])
    d.controller.undo()
    d.controller.commits.finish()
    assert set(np.unique(levels[2])) == {0, 3, 4}
    is_right_level = {n: a.area_px for n, a in rows(d).items()}
    assert is_right_level == {3: 2400, 4: 5000}


def test_deleting_waits_until_labels_are_counted(three: Desk, monkeypatch) -> None:
    d = three
    counting = register_of(d).counting
    counting.want()
    assert not counting.complete
    monkeypatch.setattr(counting, "settle", lambda: False)
    over(d, 40, 50)
    d.controller.delete()
    assert "Counting" in d.status
    assert (labels_of(d).data == 1).any()
    d.host.until(lambda: not (labels_of(d).data == 1).any())


# --- classes ---------------------------------------------------------------------


def test_classes_are_changed_in_one_step(three: Desk) -> None:
    d = three
    d.controller.objects.name([1, 3], "dead")
    assert [row.class_name for row in rows(d).values()] == ["dead", "", "dead"]
    assert "Labels 1, 3" in d.status
    d.controller.undo()
    assert not any(row.class_name for row in rows(d).values())
    d.controller.redo()
    assert rows(d)[3].class_name == "dead"
    assert d.controller.commits.classes.names == ("dead",)


def test_semantic_labels(desk, image) -> None:
    d = desk(image)
    commits = d.controller.commits
    commits.kind = "class"
    d.ready()
    d.click(40, 50)
    d.controller.commit()
    assert "no class is chosen" in d.status
    assert not labels_of(d).data.any()
    for name, place in (("a", (40, 50)), ("b", (90, 150)), ("a", (60, 110))):
        commits.classes.choose(name)
        d.controller.clear()
        data = new_object(d, *place)
    assert set(np.unique(data)) == {0, 1, 2}
    assert data[60, 110] == data[40, 50] == 1
    assert {n: (r.class_name, r.prompts) for n, r in rows(d).items()} == {
        1: ("a", 2),
        2: ("b", 1),
    }


def test_many_objects_become_their_class(desk, image) -> None:
    d = desk(image)
    d.controller.commits.kind = "class"
    d.controller.commits.classes.choose("other")
    d.controller.commits.classes.choose("cell")
    d.ready()
    many = d.controller.many
    many.filters = Filters(10, min_score=0.5, min_stability=0, max_share=0.2)
    many.everything()
    d.host.until(lambda: many.tray.count)
    count = many.tray.count
    many.tray.accept()
    d.host.until(lambda: not many.tray.count)
    assert set(np.unique(labels_of(d).data)) == {0, 2}
    (row,) = rows(d).values()
    assert (row.class_name, row.prompts) == ("cell", count)


def test_a_class_is_not_written_over_an_object(three: Desk) -> None:
    d, before = three, labels_of(three).data.copy()
    d.controller.commits.classes.choose("a")
    d.controller.commits.kind = "class"
    d.ready()
    d.click(20, 150)
    d.controller.commit()
    assert "is an object in" in d.status
    assert np.array_equal(labels_of(d).data, before)
    assert d.controller.view().can_commit


# --- a chosen label ---------------------------------------------------------------


def test_a_label_is_drawn_anew(three: Desk) -> None:
    d, labels = three, labels_of(three)
    before = labels.data.copy()
    d.controller.commits.kind = "replace"
    labels.selected_label = 1
    d.ready()
    d.click(20, 150)
    mask = d.controller.editor.draft().answer.mask()
    d.controller.commit()
    d.controller.commits.finish()
    free = (before == 0) | (before == 1)
    assert np.array_equal(labels.data == 1, mask & free)
    assert np.array_equal(labels.data == 2, before == 2)
    is_right(d)
    assert rows(d)[1].prompts == 1
    d.controller.undo()
    d.controller.commits.finish()
    assert np.array_equal(labels.data, before)
    assert np.array_equal(replayed(), before)


# --- what is known, later -----------------------------------------------------------


def test_prompts_of_what_was_found_come_back(desk, image) -> None:
    d = desk(image)
    d.ready()
    many = d.controller.many
    points = d.viewer.add_points([[40, 50], [80, 150]])
    d.controller.set_image(d.images[0])
    d.ready()
    many.one_for_each_point(points)
    d.host.until(lambda: many.tray.count)
    many.tray.accept()
    d.host.until(lambda: not many.tray.count)
    assert {row.prompts for row in rows(d).values()} == {1}
    assert all(row.predicted_iou for row in rows(d).values())
    over(d, 80, 150)
    d.controller.take_up()
    assert d.controller.editor.draft().prompts.points_rc == ((80.0, 150.0),)


def test_prompts_come_back_after_the_history_was_cut(three: Desk) -> None:
    d = three
    d.controller.commits.history.keep_only(lambda step: False)
    over(d, 40, 50)
    d.controller.take_up()
    assert d.controller.editor.draft().prompts.points_rc == ((40.0, 50.0),)
    d.answered()
    d.commit()
    assert set(np.unique(labels_of(d).data)) == {0, 1, 2, 3}


def test_a_restored_session_knows_its_objects(desk, image, tmp_path) -> None:
    d = desk(image)
    d.controller.commits.classes.choose("cell")
    new_object(d, 40, 50)
    new_object(d, 90, 150)
    over(d, 90, 150)
    d.controller.delete()
    known = rows(d)
    d.close()
    again = desk()
    again.host.answers = ["restore"]
    again.images.append(again.viewer.add_image(image))
    again.controller.set_image(again.images[0])
    again.host.until(lambda: again.controller.target.labels is not None)
    assert rows(again) == known
    assert 2 not in register_of(again).facts
    assert again.controller.commits.classes.ids == {"cell": 1}


def test_the_table_is_saved_with_all_it_knows(three: Desk, tmp_path) -> None:
    d = three
    d.controller.objects.name([2], "dead")
    d.host.answers = [tmp_path / "t.csv", tmp_path / "t.geojson"]
    d.controller.save_table()
    d.host.until(lambda: "is saved" in d.status)
    head, table = [], []
    for line in (tmp_path / "t.csv").read_text().splitlines():
        (head if line.startswith("#") else table).append(line)
    told = dict(line[2:].split(": ", 1) for line in head)
    assert told["image"] == d.images[0].name
    assert told["model digest"].startswith("sha256:")
    assert "CPUExecutionProvider" in told["provider"]
    names = table[0].split(",")
    cells = [dict(zip(names, line.split(","), strict=True)) for line in table[1:]]
    found = rows(d)
    assert [int(cell["id"]) for cell in cells] == [1, 2, 3]
    assert [cell["class"] for cell in cells] == ["", "dead", ""]
    for cell in cells:
        row = found[int(cell["id"])]
        assert int(cell["area_px"]) == row.area_px
        assert int(cell["prompts"]) == row.prompts
        assert float(cell["predicted_iou"]) == pytest.approx(
            row.predicted_iou, abs=1e-4
        )
    d.controller.save_labels()
    d.host.until(lambda: "t.geojson" in d.status)
    assert '"classification": {"name": "dead"}' in (tmp_path / "t.geojson").read_text()


# --- showing ---------------------------------------------------------------------


def test_showing_an_object_goes_where_it_is(desk, small_blocks) -> None:
    d = desk(np.zeros((5, 60, 80), np.uint8), scale=(3, 1, 1))
    data = np.zeros((5, 60, 80), np.uint16)
    data[0, 5:9, 5:9], data[4, 5:9, 5:9], data[3, 30:, 40:] = 6, 6, 7
    labels = d.viewer.add_labels(data, scale=(3, 1, 1))
    d.controller.set_image(d.images[0])
    d.controller.set_output(labels)
    counted(d)
    d.viewer.dims.set_point(0, 3)
    d.controller.objects.show(7)
    assert labels.selected_label == 7
    assert round(d.viewer.dims.point[0] / 3) == 3
    d.controller.objects.show(6)
    assert round(d.viewer.dims.point[0] / 3) == 4 or round(
        d.viewer.dims.point[0] / 3
    ) in (0, 4)
    d.controller.objects.show(99)  # it is not there: nothing happens


# --- at random -------------------------------------------------------------------

DEEDS = (
    *("click", "commit", "commit", "paint", "fill", "policy", "kind", "class"),
    *("undo", "redo", "napari_undo", "napari_redo", "clear", "take_up"),
    *("delete", "merge", "pick", "many", "rename", "erase_block"),
)


@pytest.mark.parametrize("seed", range(3))
def test_after_a_walk_it_is_what_a_full_count_says(
    desk, image, small_blocks, seed: int
) -> None:
    d = desk(image)
    rng = np.random.default_rng(seed)
    start = np.zeros((120, 200), np.uint16)
    start[100:, 150:] = 77
    labels = d.viewer.add_labels(start.copy(), name="mine")
    d.controller.set_image(d.images[0])
    d.controller.set_output(labels)
    d.ready()
    counted(d)
    for number in range(STEPS):
        walk(d, labels, rng)
        if number % 10 == 0:
            is_right(d)
    is_right(d)
    d.controller.clear()
    d.controller.commits.finish()
    end, known = labels.data.copy(), rows(d)
    assert np.array_equal(replayed(), end)
    while d.controller.view().can_undo:
        d.controller.undo()
    d.controller.commits.finish()
    is_right(d)
    assert np.array_equal(labels.data, start)
    while d.controller.view().can_redo:
        d.controller.redo()
    d.controller.commits.finish()
    assert np.array_equal(labels.data, end)
    is_right(d)
    assert rows(d) == known
    assert np.array_equal(replayed(), end)


def walk(d: Desk, labels, rng: np.random.Generator) -> None:
    row, column = int(rng.integers(3, 117)), int(rng.integers(3, 197))
    deed = str(rng.choice(DEEDS))
    commits = d.controller.commits
    there = np.argwhere(labels.data)
    if len(there):
        over(d, *there[rng.integers(len(there))])
    if deed == "click":
        d.click(row, column, label=int(rng.integers(2)))
    elif deed == "commit":
        d.commit()
    elif deed == "paint":
        labels.paint((row, column), int(rng.integers(0, 9)))
    elif deed == "fill":
        labels.fill((row, column), int(rng.integers(0, 9)))
    elif deed == "policy":
        commits.policy = str(rng.choice(["keep", "overwrite"]))
    elif deed == "kind":
        commits.kind = str(rng.choice(["new", "new", "add", "replace", "erase"]))
    elif deed == "class":
        commits.classes.choose(str(rng.choice(["a", "b", ""])))
    elif deed == "rename":
        ids = register_of(d).ids()[:2]
        d.controller.objects.name(ids, str(rng.choice(["a", "b", ""])))
    elif deed == "many":
        everything(d)
    elif deed == "erase_block":
        labels.data_setitem((np.arange(20) + 50, np.arange(20) + 60), 0)
    else:
        calls = {"napari_undo": labels.undo, "napari_redo": labels.redo}
        calls.get(deed, getattr(d.controller, deed, None))()
    commits.finish()
    d.host.turn()


def everything(d: Desk) -> None:
    many = d.controller.many
    many.filters = Filters(10, min_score=0.5, min_stability=0, max_share=0.2)
    many.everything()
    d.host.until(lambda: not many.running)
    many.tray.accept()
    d.host.until(lambda: d.controller.target.prepare(d.images[0]))
    d.host.turn()


def test_pixel_sizes_are_those_of_the_files() -> None:
    found = Calibration.of(2, (2, 0.5), ("µm", "µm")).pixel_area()
    assert found == (1.0, "µm²")


def test_undo_forgets_a_merge_that_waits_for_the_count(desk, image) -> None:
    d = desk(image)
    new_object(d, 40, 50)
    new_object(d, 90, 150)
    before = labels_of(d).data.copy()
    objects = d.controller.objects
    objects._waiting = (labels_of(d), lambda: objects.merge(d.images[0], [2], 1))
    d.controller.undo()
    d.controller.redo()
    for _ in range(20):
        d.host.turn()
    d.host.settle()
    assert np.array_equal(labels_of(d).data, before)
