"""Rules that were broken once: each of these went wrong before it was a test."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Points

from napari_sam21.controller import Controller
from napari_sam21.inference import Inference
from napari_sam21.layers.scene import is_ours


@pytest.fixture
def stack() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 255, (4, 60, 80), np.uint8)


def test_an_object_without_points_cannot_be_committed(desk, stack) -> None:
    """Undo on another slice takes the points of the first away: mask and all."""
    d = desk(stack)
    d.viewer.dims.set_point(0, 1)
    d.ready()
    d.click(1, 30, 40)
    d.viewer.dims.set_point(0, 2)
    d.controller.undo()
    assert d.viewer.dims.point[0] == 1, "one sees what is undone"
    assert not d.preview.data.any()
    assert not d.controller.view().can_commit
    d.controller.commit()
    assert d.controller.target.labels is None


def test_committed_object_does_not_come_back_when_the_axes_do(desk) -> None:
    d = desk(np.random.default_rng(1).integers(0, 255, (50, 60, 80), np.uint8))
    d.viewer.dims.set_point(0, 20)
    d.ready()
    d.click(20, 30, 40)
    d.viewer.dims.order = (1, 0, 2)
    d.viewer.dims.set_point(1, 30)
    d.host.settle()
    d.answered()
    d.commit()
    d.viewer.dims.order = (0, 1, 2)
    assert not d.controller.view().can_commit
    assert not d.preview.data.any()


def test_pixels_that_change_while_another_image_is_annotated(desk, image) -> None:
    d = desk(image, image[::-1].copy())
    first, second = d.images
    d.ready()
    d.click(40, 50)
    before = d.controller.editor.draft().answer.key
    d.controller.clear()
    d.viewer.layers.selection.active = second
    first.data = np.ascontiguousarray(first.data[::-1, ::-1])
    d.viewer.layers.selection.active = first
    d.click(40, 50)
    assert d.controller.editor.draft().answer.key != before


def test_image_that_is_moved_takes_our_layers_along(desk, image) -> None:
    d = desk(image)
    d.ready()
    d.click(40, 50)
    d.images[0].scale = (0.5, 0.25)
    d.images[0].translate = (7, -3)
    world = d.images[0].data_to_world((40, 50))
    np.testing.assert_allclose(d.points.world_to_data(world), (40, 50))
    assert d.preview.get_value(world, world=True) == 1


def test_slice_of_a_pyramid_that_shrinks_along_z(desk) -> None:
    full = (
        np.zeros((64, 2048, 2048), np.uint8)
        + np.arange(64, dtype=np.uint8)[:, None, None]
    )
    d = desk()
    layer = d.viewer.add_image(
        [full, full[1::2, ::2, ::2]], multiscale=True, contrast_limits=(0, 64)
    )
    d.viewer.dims.set_point(0, 20)
    d.controller.set_image(layer)
    editor = d.controller.editor
    plane = editor.shown()
    source = editor.source(plane, editor.region_on(plane))
    assert source.data.shape[0] == 32
    tensor = source.read().tensor
    assert tensor[0, 0, 0, 0] * 0.229 + 0.485 == pytest.approx(21 / 64, abs=1e-3)


def test_a_commit_that_waits_is_about_its_object_only(desk, stack) -> None:
    d = desk(stack)
    labels = d.viewer.add_labels(np.zeros(stack.shape, np.uint16))
    d.viewer.dims.set_point(0, 1)
    d.ready()
    d.click(1, 30, 40)
    d.viewer.dims.set_point(0, 2)
    d.ready()
    d.click(2, 20, 20)
    d.controller.set_output(labels)
    d.controller.next_object()
    assert d.viewer.dims.point[0] == 2, "the view does not run away from the commit"
    d.viewer.dims.set_point(0, 1)
    d.host.until(lambda: d.controller.target._ids.next is not None)
    assert not labels.data.any()
    assert "not committed" in d.status


def test_undo_of_a_commit_keeps_points_made_since(desk, image) -> None:
    d = desk(image, image[::-1].copy())
    d.ready()
    d.click(40, 50)
    data = d.commit()
    d.click(90, 150)
    d.viewer.layers.selection.active = d.images[1]
    d.viewer.layers.selection.active = d.images[0]
    d.host.turn()
    d.controller.undo()
    assert not data.any()
    assert {m.position for m in d.controller.editor.marks} == {(40, 50), (90, 150)}
    d.controller.redo()
    assert [m.position for m in d.controller.editor.marks] == [(90, 150)]


def test_undo_from_another_image_puts_the_prompts_aside(desk, image) -> None:
    d = desk(image, image[::-1].copy())
    d.ready()
    d.click(40, 50)
    data = d.commit()
    d.viewer.layers.selection.active = d.images[1]
    d.controller.undo()
    assert not data.any()
    assert d.controller.open_objects() == 1
    d.viewer.layers.selection.active = d.images[0]
    assert [m.position for m in d.controller.editor.marks] == [(40, 50)]


def test_undo_in_another_orientation_asks_again(desk) -> None:
    square = np.random.default_rng(2).integers(0, 255, (60, 100), np.uint8)
    d = desk(square)
    d.ready()
    d.click(30, 30)
    d.commit()
    d.viewer.dims.order = (1, 0)
    d.controller.undo()
    d.answered()
    assert d.controller.editor.draft().answer.shape == (100, 60)


def test_prompts_belong_to_their_image_not_to_a_place(desk, image) -> None:
    d = desk(image, image[::-1].copy())
    d.ready()
    d.click(40, 50)
    d.close()
    again = Controller(d.viewer, d.host, Inference(d.host.deliver, d.store))
    again.set_image(d.images[1])
    assert again.editor.marks == ()
    again.close()


def test_a_duplicate_of_our_layer_is_the_users(desk, image) -> None:
    d = desk(image, image[::-1].copy())
    d.ready()
    d.click(40, 50)
    copy = Points(d.points.data, metadata=dict(d.points.metadata), name="copy")
    d.viewer.add_layer(copy)
    assert is_ours(d.points)
    assert not is_ours(copy)
    d.controller.set_image(d.images[1])
    d.host.turn()
    assert copy in d.viewer.layers


def test_each_image_has_its_own_new_labels(desk, image) -> None:
    d = desk(image, image[::-1].copy())
    d.ready()
    d.click(40, 50)
    d.commit()
    first = d.controller.target.labels
    d.viewer.layers.selection.active = d.images[1]
    d.host.turn()
    d.click(40, 50)
    d.commit()
    second = d.controller.target.labels
    assert second is not first
    assert (first.data.max(), second.data.max()) == (1, 1)
    d.viewer.layers.selection.active = d.images[0]
    assert d.controller.target.labels is first


def test_open_objects_of_all_images_are_left_when_the_dock_closes(desk, image) -> None:
    d = desk(image, image[::-1].copy())
    d.ready()
    d.click(40, 50)
    d.viewer.layers.selection.active = d.images[1]
    d.host.turn()
    d.ready()
    d.click(90, 150)
    assert d.controller.open_objects() == 2
    d.close()
    left = [layer for layer in d.viewer.layers if is_ours(layer)]
    assert sorted(tuple(layer.data[0]) for layer in left) == [(40, 50), (90, 150)]


def test_removing_all_layers_at_once(desk, image) -> None:
    d = desk(image)
    d.ready()
    d.click(40, 50)
    d.commit()
    d.click(90, 150)
    d.viewer.layers.select_all()
    d.viewer.layers.remove_selected()
    d.host.turn()
    assert list(d.viewer.layers) == []
    assert not d.controller.view().can_undo


def test_signs_edited_in_the_table_count(desk, image) -> None:
    d = desk(image)
    d.ready()
    d.click(40, 50)
    d.points.features = {"polarity": np.array(["negative"], dtype=object)}
    assert [m.label for m in d.controller.editor.marks] == [0]
    assert [str(s) for s in d.points.symbol] == ["x"]


def test_spoilt_tables_and_coordinates_do_no_harm(desk, stack) -> None:
    d = desk(stack)
    d.viewer.dims.set_point(0, 1)
    d.ready()
    d.click(1, 30, 40)
    with pytest.warns(RuntimeWarning, match="_color dropped"):
        d.points.features = {"something": [1]}
    d.click(1, 35, 40)
    d.points.data = np.array([[1, 30, 40], [np.nan, 3, 4], [3, 300, 40]])
    assert [m.position for m in d.controller.editor.marks] == [(1, 30, 40)]
    assert d.controller.open_objects() == 1


def test_undo_into_labels_of_another_shape_is_a_word(desk, image) -> None:
    d = desk(image)
    d.ready()
    d.click(100, 150)
    d.commit()
    d.controller.target.labels.data = np.zeros((50, 50), np.uint16)
    d.controller.undo()
    assert d.controller.view().problem
    assert "shape" in d.status


def test_int8_labels_are_widened_with_their_signs(desk, image) -> None:
    d = desk(image)
    labels = d.viewer.add_labels(np.zeros(image.shape, np.int8))
    labels.data[0, :2] = -1, 127
    d.controller.set_output(labels)
    d.ready()
    d.click(40, 50)
    d.controller.commit()
    d.host.until(lambda: not d.controller.view().can_commit)
    assert labels.data[40, 50] == 128
    assert tuple(labels.data[0, :2]) == (-1, 127)


def test_a_closed_dock_does_not_act_through_its_keys(desk, image) -> None:
    d = desk(image)
    d.ready()
    d.click(40, 50)
    points = d.points
    bound = set(points.keymap)
    assert bound
    d.close()
    assert points in d.viewer.layers
    assert not set(points.keymap)


def test_what_was_said_does_not_hide_the_state(desk, stack) -> None:
    d = desk(stack)
    d.viewer.dims.set_point(0, 1)
    d.ready()
    d.click(1, 30, 40)
    d.commit()
    assert "Label 1 is in" in d.status
    d.viewer.dims.set_point(0, 2)
    d.host.settle()
    assert d.status.startswith("Encoding")


def test_zooming_into_a_pyramid_does_not_stop_an_encode(desk, image) -> None:
    d = desk()
    big = np.tile(image, (10, 10))
    layer = d.viewer.add_image([big, big[::2, ::2]], multiscale=True)
    d.controller.set_image(layer)
    version = d.controller.editor._watch.version
    layer.corner_pixels = np.array([[100, 100], [300, 300]])
    layer.refresh(extent=False)
    assert d.controller.editor._watch.version == version
    layer.refresh(extent=False)
    assert d.controller.editor._watch.version != version, "the same view: an edit"


def test_brush_strokes_come_back_with_their_object(desk, stack) -> None:
    d = desk(stack)
    d.viewer.dims.set_point(0, 1)
    d.ready()
    d.click(1, 30, 40)
    before = d.preview.data.copy()
    d.preview.data_setitem(tuple(np.array([i]) for i in (0, 5, 6)), 1)
    d.preview.data_setitem(tuple(np.array([i]) for i in (0, 30, 40)), 0)
    brushed = d.preview.data.copy()
    assert (brushed != before).sum() == 2
    d.viewer.dims.set_point(0, 2)
    assert not d.preview.data.any()
    d.viewer.dims.set_point(0, 1)
    np.testing.assert_array_equal(d.preview.data, brushed)
    data = d.commit()
    np.testing.assert_array_equal(data[1] == 1, brushed[0] == 1)
    d.controller.undo()
    np.testing.assert_array_equal(d.preview.data, brushed)


def test_open_objects_go_with_their_image(desk, image) -> None:
    d = desk(image, image[::-1].copy())
    d.ready()
    d.click(40, 50)
    d.viewer.layers.selection.active = d.images[1]
    d.host.turn()
    assert d.controller.open_objects() == 1
    d.viewer.layers.remove(d.images[0])
    assert d.controller.open_objects() == 0


def test_new_labels_stay_chosen_when_the_image_comes_back(desk, image) -> None:
    d = desk(image, image[::-1].copy())
    d.ready()
    d.click(40, 50)
    d.commit()
    first = d.controller.target.labels
    d.viewer.layers.selection.active = d.images[1]
    d.viewer.layers.selection.active = d.images[0]
    d.host.turn()
    assert d.controller.target.labels is first
    d.controller.set_output(None)
    d.viewer.layers.selection.active = d.images[1]
    d.viewer.layers.selection.active = d.images[0]
    d.host.turn()
    assert d.controller.target.labels is None
