"""Many objects at once: found beside the window, shown, accepted as one step."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from desk import Desk

from napari_sam21 import samples
from napari_sam21.control.many_slices import Course
from napari_sam21.core.automatic import Filters
from napari_sam21.core.framing import framed, prepare_framed
from napari_sam21.core.geometry import whole_plane
from napari_sam21.core.propagation import StopRules
from napari_sam21.layers.scene import is_ours
from napari_sam21.layers.source import elsewhere

GRID = Filters(points_per_side=4, min_score=0.5, min_stability=0, max_share=0.2)
"""What the tiny model's discs pass."""


def run(d: Desk) -> None:
    """Wait until the job is over."""
    d.host.until(lambda: not d.controller.many.running)
    d.host.turn()


def everything(d: Desk, whole: bool = False) -> None:
    """Segment everything, with a grid that suits the tiny model."""
    d.controller.many.filters = GRID
    d.controller.many.everything(whole)
    run(d)


def accept(d: Desk) -> np.ndarray:
    """Accept, and return the output array."""
    tray = d.controller.many.tray
    tray.accept()
    d.host.until(lambda: not tray.count)
    d.host.turn()
    return np.asarray(d.controller.target.labels.data)


def pile(d: Desk) -> np.ndarray | None:
    """The preview, or None."""
    found = [layer for layer in d.viewer.layers if layer.name == "SAM objects"]
    assert len(found) < 2
    return found[0].data if found else None


@pytest.fixture
def ready(desk: Callable[..., Desk], image: np.ndarray) -> Desk:
    d = desk(image)
    d.ready()
    return d


def test_everything_is_a_preview_until_it_is_accepted(ready) -> None:
    d = ready
    everything(d)
    count = d.controller.many.tray.count
    assert count > 3
    assert d.controller.target.labels is None, "nothing was written"
    shown = pile(d)
    assert sorted(np.unique(shown)) == list(range(count + 1))
    assert f"{count} objects found" in d.status
    layers = list(d.viewer.layers)
    assert layers.index(d.preview) < layers.index(d.points)
    assert [is_ours(each) for each in layers] == [False, True, True, True]
    data = accept(d)
    assert sorted(np.unique(data)) == list(range(count + 1))
    assert pile(d) is None
    assert f"{count} objects in" in d.status


def test_one_undo_and_one_redo_for_all(ready) -> None:
    d = ready
    everything(d)
    data = accept(d)
    before = data.copy()
    d.controller.undo()
    d.host.turn()
    assert not data.any()
    assert not d.controller.view().can_undo
    assert "Taken out" in d.status
    d.controller.redo()
    d.host.turn()
    np.testing.assert_array_equal(data, before)
    assert "Back in" in d.status


def test_discarded_objects_leave_nothing(ready) -> None:
    d = ready
    everything(d)
    d.controller.many.tray.discard()
    assert pile(d) is None
    assert d.controller.target.labels is None
    assert not d.controller.view().can_undo


def test_keep_loses_no_label(ready, image) -> None:
    """The policy is held though the labels changed after the preview was made."""
    d = ready
    mine = np.zeros(image.shape, np.uint16)
    mine[:, :90] = 7
    labels = d.viewer.add_labels(mine)
    d.controller.set_output(labels)
    everything(d)
    shown = d.controller.many.tray.count
    labels.data_setitem((np.array([50, 50]), np.array([120, 121])), 9)
    before = labels.data.copy()
    data = accept(d)
    there = before > 0
    np.testing.assert_array_equal(data[there], before[there])
    new = np.setdiff1d(np.unique(data), [0, 7, 9])
    assert 0 < len(new) <= shown
    assert new.tolist() == list(range(10, 10 + len(new))), "unique, and no gaps"
    d.controller.undo()
    np.testing.assert_array_equal(data, before)


def test_nothing_left_to_write_keeps_the_preview(ready, image) -> None:
    d = ready
    everything(d)
    d.controller.set_output(d.viewer.add_labels(np.full(image.shape, 3, np.uint16)))
    d.host.until(lambda: d.controller.target._ids.next is not None)
    d.controller.many.tray.accept()
    d.host.turn()
    assert "Nothing is left to write" in d.status
    assert d.controller.many.tray.count
    assert not d.controller.view().can_undo
    d.controller.commits.policy = "overwrite"
    assert len(np.unique(accept(d))) > 3


def test_accepting_waits_for_the_count(ready, image) -> None:
    d = ready
    everything(d)
    labels = d.viewer.add_labels(np.eye(*image.shape, dtype=np.uint16) * 5)
    d.controller.set_output(labels)
    d.controller.many.tray.accept()
    assert "Counting" in d.status
    d.host.until(lambda: not d.controller.many.tray.count)
    assert labels.data.max() > 5


def test_what_was_erased_from_the_preview_is_left_out(ready) -> None:
    d = ready
    everything(d)
    count = d.controller.many.tray.count
    pile(d)[pile(d) == 2] = 0
    assert len(np.unique(accept(d))) == count


def test_the_preview_deleted_by_hand_is_discarded(ready) -> None:
    d = ready
    everything(d)
    d.viewer.layers.remove("SAM objects")
    assert d.controller.many.tray.count == 0
    d.controller.many.tray.accept()
    assert d.controller.target.labels is None


def test_a_closed_dock_leaves_what_was_found(ready) -> None:
    d = ready
    everything(d)
    d.close()
    left = d.viewer.layers["SAM objects"]
    assert left.data.any()
    assert not is_ours(left)


def test_cancelled_in_the_middle_nothing_is_there(ready) -> None:
    d = ready
    names = [layer.name for layer in d.viewer.layers]
    d.controller.many.filters = Filters(points_per_side=60, min_score=0)
    d.controller.many.everything()
    assert d.controller.view().busy
    d.host.until(lambda: "everything:" in d.status)
    d.controller.cancel()
    assert "Cancelled" in d.status
    assert not d.controller.view().busy
    d.host.settle()
    d.host.turn()
    assert [layer.name for layer in d.viewer.layers] == names
    assert not d.controller.view().can_undo


def test_a_click_during_a_run_is_answered_and_both_are_there(ready) -> None:
    d = ready
    d.controller.many.filters = Filters(
        points_per_side=40, min_score=0.5, min_stability=0, max_share=0.2
    )
    d.controller.many.everything()
    d.host.until(lambda: "everything:" in d.status)
    d.click(40, 50)
    assert d.controller.many.running, "the click came first"
    data = d.commit()
    assert data[40, 50] == 1
    run(d)
    after = accept(d)
    assert after[40, 50] == 1
    assert after.max() > 1


def test_a_job_rests_while_the_user_waits(ready) -> None:
    d = ready
    waits = [True]
    d.controller.many.filters = GRID
    d.inference._decoding.submit(lambda _: _until(waits), lambda _: None, print)
    d.controller.many.everything()
    d.host.turn()
    assert d.controller.many.running
    assert pile(d) is None
    waits.clear()
    run(d)
    assert d.controller.many.tray.count


def _until(waits: list[bool]) -> None:
    while waits:
        time.sleep(0.01)


def test_the_whole_plane_tile_by_tile(desk) -> None:
    image = np.random.default_rng(0).integers(0, 255, (300, 520), np.uint8)
    d = desk(image)
    d.controller.editor.field.mode = "follow"
    d.images[0].corner_pixels = np.array([[10, 10], [150, 150]])
    d.ready()
    assert d.controller.editor.region().width == 256
    everything(d, whole=True)
    data = accept(d)
    assert data[:, 300:].any()
    assert data[270:].any()


def test_one_object_for_each_point(ready, image) -> None:
    d = ready
    points = d.viewer.add_points([[40, 50], [80, 150], [500, 500]], scale=(1, 1))
    d.controller.many.one_for_each_point(points)
    run(d)
    data = accept(d)
    assert {data[40, 50], data[80, 150]} == {1, 2}


def test_points_with_transforms_of_their_own(desk, image) -> None:
    d = desk(image, scale=(2, 0.5), translate=(7, -3), rotate=30)
    d.ready()
    world = [d.images[0].data_to_world(place) for place in ((40, 50), (80, 150))]
    points = d.viewer.add_points(np.array(world) / 5, scale=(5, 5))
    d.controller.many.one_for_each_point(points)
    run(d)
    data = accept(d)
    assert {data[40, 50], data[80, 150]} == {1, 2}


def test_points_of_another_slice_are_not_asked(desk, image) -> None:
    d = desk(np.stack([image, image, image]))
    d.viewer.dims.set_point(0, 1)
    d.ready()
    points = d.viewer.add_points([[0, 40, 50], [1, 80, 150]])
    d.controller.many.one_for_each_point(points)
    run(d)
    data = accept(d)
    assert data[1, 80, 150] == 1
    assert not data[0].any()
    d.viewer.dims.set_point(0, 2)
    d.controller.many.one_for_each_point(points)
    assert "No point of" in d.status


def test_seeds_become_points_and_points_objects(ready) -> None:
    d = ready
    d.controller.many.seeds(30, "distance", dark=False)
    run(d)
    layer = d.viewer.layers["Seeds"]
    assert not is_ours(layer)
    places = sorted(map(tuple, np.round(layer.data).astype(int)))
    np.testing.assert_allclose(places, [(40, 50), (80, 150)], atol=2)
    d.controller.many.one_for_each_point(layer)
    run(d)
    assert d.controller.many.tray.count == 2


def test_labels_of_another_layer_refined(ready, image) -> None:
    d = ready
    rough = np.zeros(image.shape, np.uint16)
    rough[36:44, 46:54] = 5
    rough[75:85, 145:155] = 8
    layer = d.viewer.add_labels(rough.copy())
    d.controller.many.refine(layer)
    run(d)
    data = accept(d)
    assert {data[40, 50], data[80, 150]} == {1, 2}
    assert np.count_nonzero(data) > np.count_nonzero(rough)
    np.testing.assert_array_equal(layer.data, rough)


def test_own_labels_refined_keep_their_numbers(ready, image) -> None:
    d = ready
    rough = np.zeros(image.shape, np.uint16)
    rough[36:44, 20:54] = 5
    rough[75:85, 145:155] = 8
    rough[100, :] = 3
    labels = d.viewer.add_labels(rough.copy())
    d.controller.set_output(labels)
    d.controller.many.refine(labels)
    run(d)
    data = accept(d)
    assert set(np.unique(data)) <= {0, 3, 5, 8}
    assert np.count_nonzero(data == 8) > 100
    d.controller.undo()
    d.host.turn()
    np.testing.assert_array_equal(data, rough)


def test_labels_that_lie_elsewhere_are_refused(ready) -> None:
    d = ready
    d.controller.many.refine(d.viewer.add_labels(np.zeros((5, 5), int)))
    assert "has shape (5, 5), the image has (120, 200)" in d.status
    assert not d.controller.many.running


ANY = StopRules(0, 0, 100, 1, -1)


@pytest.fixture
def stack(desk, image) -> Desk:
    d = desk(np.stack([np.roll(image, 2 * z, 1) for z in range(6)]))
    d.viewer.dims.set_point(0, 2)
    d.ready()
    return d


def test_the_object_on_show_is_carried_both_ways(stack) -> None:
    d = stack
    d.click(2, 40, 54)
    d.controller.many.carry(Course(0, (1, 6), ANY))
    run(d)
    assert d.controller.many.tray.count == 1
    assert "slices 1 … 5" in d.status
    data = accept(d)
    assert np.unique(data).tolist() == [0, 1]
    assert [bool(plane.any()) for plane in data] == [False] + [True] * 5
    assert d.controller.editor.marks == (), "its prompts went with it"
    d.viewer.dims.set_point(0, 4)
    d.controller.undo()
    d.host.turn()
    assert not data.any()
    assert len(d.controller.editor.marks) == 1
    assert d.viewer.dims.point[0] == 2, "one sees what is undone"
    d.controller.redo()
    d.host.turn()
    assert data[1:].any(axis=(1, 2)).all()
    assert d.controller.editor.marks == ()


def test_a_label_is_carried_under_its_own_number(stack) -> None:
    d = stack
    mine = np.zeros((6, 120, 200), np.uint16)
    mine[2, 36:44, 50:58] = 4
    mine[3, 100:110, 10:20] = 4
    mine[3, 0:5, 0:5] = 6
    labels = d.viewer.add_labels(mine.copy())
    d.controller.set_output(labels)
    labels.selected_label = 4
    d.controller.many.carry(Course(0, (2, 4), ANY))
    run(d)
    data = accept(d)
    np.testing.assert_array_equal(data[2], mine[2])
    assert data[3, 40, 54] == 4
    assert not data[3, 100:110, 10:20].any(), "the new mask takes the old one's place"
    assert (data[3, 0:5, 0:5] == 6).all()
    d.controller.undo()
    d.host.turn()
    np.testing.assert_array_equal(data, mine)


def test_a_small_plane_is_prepared_as_the_core_does(desk, image) -> None:
    d = desk(image, contrast_limits=(10, 180))
    plane = d.controller.editor.plane()
    region = framed(whole_plane(plane.shape))
    source = elsewhere(d.controller.editor.source(plane, region), plane, region)
    expected = prepare_framed(image, region, contrast_limits=(10, 180))
    assert source.read().digest == expected.digest


def test_why_it_stopped_is_said(stack) -> None:
    d = stack
    d.click(2, 40, 54)
    d.controller.many.carry(Course(0, (0, 6), StopRules(min_score=0.99)))
    run(d)
    assert "in slice 2 only" in d.status
    assert "After 2 it ends: predicted IoU too low (0." in d.status
    assert "Before 2 it ends" in d.status
    assert not d.controller.many.tray.count, "nothing to accept"
    assert d.controller.view().can_commit


def test_nothing_to_carry(stack) -> None:
    d = stack
    d.controller.many.carry(Course(0, (0, 6), ANY))
    assert "there is nothing to carry" in d.status
    labels = d.viewer.add_labels(np.zeros((6, 120, 200), np.uint16))
    d.controller.set_output(labels)
    labels.selected_label = 3
    d.controller.many.carry(Course(0, (0, 6), ANY))
    assert "label 3 is not on this slice" in d.status


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 1, 0)])
def test_every_orientation_and_transform(desk, order) -> None:
    data = np.random.default_rng(3).integers(0, 255, (40, 50, 60), np.uint8)
    d = desk(data, scale=(3, 1, 0.5), translate=(10, 0, -5))
    d.viewer.dims.order = order
    d.ready()
    d.controller.many.filters = Filters(24, 0.5, 0, max_share=0.2)
    d.controller.many.everything()
    run(d)
    layer = d.viewer.layers["SAM objects"]
    shown = np.asarray(layer.data)
    index = tuple(np.argwhere(shown == 1)[0])
    place = d.images[0].world_to_data(layer.data_to_world(index))
    labels = accept(d)
    assert labels[tuple(np.round(place).astype(int))] == 1
    assert np.count_nonzero(labels) == np.count_nonzero(shown)


def test_starter_finds_the_nuclei_of_the_sample() -> None:
    image = samples.read_image("fluorescence")[:128, :128]
    d = Desk("starter", image)
    try:
        d.ready()
        d.controller.many.filters = Filters(12, 0.6, 0.7, max_share=0.25)
        d.controller.many.everything()
        run(d)
        assert d.controller.many.tray.count > 3
        assert len(np.unique(accept(d))) > 3
    finally:
        d.close()
