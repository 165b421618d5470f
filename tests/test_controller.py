"""The rules of an annotation, on a viewer without a window."""

from __future__ import annotations

import numpy as np
import pytest
from graphs import write_model
from napari.layers import Image


def test_embedding_ahead_of_the_first_click(desk, image) -> None:
    d = desk(image)
    assert not d.controller.editor.is_ready()
    d.ready()
    assert d.status == "Ready: click an object."
    d.click(40, 50)
    assert d.preview.data[40, 50] == 1
    assert d.controller.view().scores == pytest.approx((0.6, 0.9, 0.7), abs=1e-5)


def test_a_click_without_an_embedding_is_answered_once_it_is_there(desk, image) -> None:
    d = desk(image)
    d.add(40, 50)
    assert "Encoding" in d.status
    assert "answered right after" in d.status
    d.answered()
    assert d.preview.data[40, 50] == 1


def test_points_are_added_once_though_events_fire_twice(desk, image) -> None:
    d = desk(image)
    d.ready()
    d.click(40, 50)
    d.click(42, 52)
    assert len(d.controller.editor.draft().rounds) == 2
    d.controller.undo()
    assert len(d.points.data) == 1
    d.controller.undo()
    assert len(d.points.data) == 0
    assert not d.controller.view().can_undo


def test_moved_point_is_asked_without_the_old_feedback(desk, image) -> None:
    d = desk(image)
    d.ready()
    d.click(40, 50)
    d.click(40, 60)
    d.points.data = np.array([[40.0, 50], [40, 90]])
    d.answered()
    rounds = d.controller.editor.draft().rounds
    assert [len(each.prompts.points_rc) for each in rounds] == [1, 2]
    assert rounds[-1].prompts.points_rc == ((40, 50), (40, 90))


def test_deleted_point_brings_the_earlier_answer_back_at_once(desk, image) -> None:
    d = desk(image)
    d.ready()
    d.click(40, 50)
    first = d.controller.editor.draft().answer
    d.click(40, 60)
    d.points.selected_data = {1}
    d.points.remove_selected()
    assert d.controller.editor.draft().answer is first


def test_logits_do_not_leak_to_the_next_object(desk, image) -> None:
    d = desk(image)
    d.ready()
    d.click(40, 50)
    alone = d.controller.editor.draft().answer.logits.copy()
    d.controller.clear()
    d.click(90, 150)
    d.commit()
    d.click(40, 50)
    assert d.controller.editor.draft().feedback is d.controller.editor.draft().answer
    np.testing.assert_array_equal(d.controller.editor.draft().answer.logits, alone)


def test_commit_numbers_objects_and_keeps_what_is_there(desk, image) -> None:
    d = desk(image)
    d.ready()
    d.click(40, 50)
    first = d.commit().copy()
    d.click(40, 58)
    both = d.commit()
    assert (both[first == 1] == 1).all()
    assert set(np.unique(both)) == {0, 1, 2}
    assert d.controller.editor.marks == ()


def test_overwrite_policy(desk, image) -> None:
    d = desk(image)
    d.ready()
    d.click(40, 50)
    d.commit()
    d.controller.commits.policy = "overwrite"
    d.click(40, 58)
    mask = d.controller.editor.draft().answer.mask()
    data = d.commit()
    np.testing.assert_array_equal(data == 2, mask)
    d.controller.undo()
    assert set(np.unique(data)) == {0, 1}


def test_keep_policy_says_when_nothing_is_left(desk, image) -> None:
    d = desk(image)
    d.ready()
    d.click(40, 50)
    d.commit()
    d.click(40, 50)
    d.controller.commit()
    assert "overwrite" in d.status
    assert d.controller.view().can_commit, "the object is still there"


def test_undo_leaves_pixels_alone_that_a_script_changed_since(desk, image) -> None:
    d = desk(image)
    d.ready()
    d.click(40, 50)
    data = d.commit()
    data[40, 50] = 9  # nobody hears of that
    d.controller.undo()
    assert data[40, 50] == 9
    assert np.count_nonzero(data) == 1


def test_commit_is_one_step_of_napari_undo_too(desk, image) -> None:
    d = desk(image)
    d.ready()
    d.click(40, 50)
    data = d.commit()
    assert data.any()
    d.controller.target.labels.undo()
    assert not data.any()


def test_brush_strokes_on_the_preview_are_committed(desk, image) -> None:
    d = desk(image)
    d.ready()
    d.click(40, 50)
    mask = d.controller.editor.draft().answer.mask()
    assert mask[40, 50]
    assert not mask[100, 10]
    d.preview.data_setitem((np.array([100]), np.array([10])), 1)
    d.preview.data_setitem((np.array([40]), np.array([50])), 0)
    data = d.commit()
    expected = mask.copy()
    expected[100, 10], expected[40, 50] = True, False
    np.testing.assert_array_equal(data == 1, expected)


def test_ids_continue_after_those_that_are_there(desk, image) -> None:
    d = desk(image)
    labels = d.viewer.add_labels(np.zeros(image.shape, np.uint16))
    labels.data[0, 0] = 41
    d.controller.set_output(labels)
    d.ready()
    d.click(40, 50)
    d.controller.commit()  # the count may still run: the commit waits for it
    d.host.until(lambda: not d.controller.view().can_commit)
    assert labels.data[40, 50] == 42
    labels.data_setitem((np.array([1]), np.array([1])), 77)
    d.click(90, 150)
    d.commit()
    assert labels.data[90, 150] == 78


def test_full_uint8_labels_are_widened(desk, image) -> None:
    d = desk(image)
    labels = d.viewer.add_labels(np.zeros(image.shape, np.uint8))
    labels.data[0, :2] = 255, 7
    d.controller.set_output(labels)
    d.ready()
    d.click(40, 50)
    d.controller.commit()
    d.host.until(lambda: not d.controller.view().can_commit)
    assert labels.data.dtype == np.uint16
    assert labels.data[40, 50] == 256
    assert tuple(labels.data[0, :2]) == (255, 7)
    assert "uint16" in d.status


def test_candidates_are_a_choice_that_is_fed_back_and_committed(desk, image) -> None:
    d = desk(image)
    d.ready()
    d.click(40, 50)
    sizes = [d.controller.editor.draft().answer.mask(i).sum() for i in range(3)]
    assert sizes == sorted(sizes)
    d.controller.next_candidate()
    assert d.controller.view().index == 2
    assert d.preview.data.sum() == sizes[2]
    d.controller.choose(0)
    assert np.count_nonzero(d.commit()) == sizes[0]


def test_point_beside_the_image_is_taken_away_with_a_word(desk, image) -> None:
    d = desk(image)
    d.ready()
    d.add(-5, 50)
    assert len(d.points.data) == 0
    assert "outside the image" in d.status
    assert not d.controller.view().can_undo


def test_objects_wait_on_other_slices(desk) -> None:
    stack = np.random.default_rng(1).integers(0, 255, (4, 60, 80), np.uint8)
    d = desk(stack)
    d.viewer.dims.set_point(0, 1)
    d.ready()
    d.click(1, 30, 40)
    d.viewer.dims.set_point(0, 2)
    assert not d.preview.data.any()
    d.ready()
    assert "1 uncommitted object waits" in d.status
    d.click(2, 20, 20)
    d.controller.next_object()
    assert d.viewer.dims.point[0] == 1
    assert d.controller.view().can_commit, "its answer is still there"
    data = d.commit()
    assert set(np.unique(data[2])) == {0, 1}
    assert set(np.unique(data[1])) == {0, 2}
    assert not data[[0, 3]].any()


def test_slices_are_encoded_once(desk) -> None:
    d = desk(np.random.default_rng(1).integers(0, 255, (3, 60, 80), np.uint8))
    seen = []
    for _ in range(2):
        for z in range(3):
            d.viewer.dims.set_point(0, z)
            d.ready()
            editor = d.controller.editor
            plane = editor.shown()
            source = editor.source(plane, editor.region_on(plane))
            seen.append(d.inference.ready(source))
    assert [a is b for a, b in zip(seen[:3], seen[3:], strict=True)] == [True] * 3
    assert len({each.key for each in seen}) == 3


def test_an_object_keeps_its_contrast_until_it_is_committed(desk, image) -> None:
    d = desk(image)
    d.ready()
    d.click(60, 100)
    key = d.controller.editor.draft().embedding.key
    d.images[0].contrast_limits = (0, 90)
    d.click(60, 110)
    assert d.controller.editor.draft().answer.key == key
    d.commit()
    d.click(60, 100)
    assert d.controller.editor.draft().answer.key != key


def test_switching_images_puts_prompts_aside(desk, image) -> None:
    d = desk(image, image[::-1].copy())
    first, second = d.images
    d.ready()
    d.click(40, 50)
    d.viewer.layers.selection.active = second
    assert d.controller.image is second
    assert d.controller.editor.marks == ()
    d.viewer.layers.selection.active = first
    assert [m.position for m in d.controller.editor.marks] == [(40, 50)]
    d.answered()


def test_pin_and_selection(desk, image) -> None:
    d = desk(image, image[::-1].copy())
    d.viewer.layers.selection.active = d.images[1]
    d.controller.pinned = True
    d.viewer.layers.selection.active = d.images[0]
    assert d.controller.image is d.images[1]
    assert d.viewer.layers.selection.active is d.images[0], "the user's own choice"


def test_model_switch_keeps_prompts_and_asks_again(desk, image, tmp_path) -> None:
    d = desk(image)
    d.ready()
    d.click(40, 50)
    old = d.controller.editor.draft().answer
    d.controller.set_model(write_model(tmp_path / "other", seed=3))
    d.host.until(lambda: d.controller.view().can_commit)
    new = d.controller.editor.draft().answer
    assert new.key != old.key
    assert (new.logits != old.logits).any()


def test_missing_model_is_a_message(desk, image, tmp_path) -> None:
    d = desk(image)
    d.controller.set_model(tmp_path / "nothing")
    d.add(40, 50)
    d.host.until(lambda: d.controller.view().problem)
    assert "does not exist" in d.status
    assert len(d.points.data) == 1, "the click is kept"


def test_removed_layers(desk, image) -> None:
    d = desk(image)
    d.ready()
    d.click(40, 50)
    d.commit()
    d.viewer.layers.remove(d.controller.target.labels)
    assert "output layer was removed" in d.status
    d.viewer.layers.remove(d.points)
    d.host.turn()
    assert d.controller.editor is None
    assert "Start clicking" in d.status
    d.controller.start()
    d.ready()
    d.click(40, 50)
    assert d.commit().max() == 1
    d.viewer.layers.remove(d.images[0])
    d.host.turn()
    assert d.controller.image is None
    assert [layer.name for layer in d.viewer.layers] == ["image labels"]


def test_renamed_layers_do_not_matter(desk, image) -> None:
    d = desk(image)
    d.ready()
    d.points.name, d.preview.name, d.images[0].name = "a", "b", "c"
    d.click(40, 50)
    assert d.commit().max() == 1


def test_3d_view_is_a_word_and_prompts_stay(desk) -> None:
    d = desk(np.random.default_rng(1).integers(0, 255, (3, 60, 80), np.uint8))
    d.viewer.dims.set_point(0, 0)
    d.ready()
    d.click(0, 30, 40)
    d.viewer.dims.ndisplay = 3
    assert "3D view" in d.status
    d.controller.commit()
    d.controller.clear()
    d.viewer.dims.ndisplay = 2
    assert len(d.controller.editor.marks) == 1
    d.answered()


def test_newest_click_wins(desk, image) -> None:
    d = desk(image)
    d.ready()
    for column in range(50, 60):
        d.add(40, column)
    d.answered()
    answered = d.controller.editor.draft().rounds[-1].prompts
    assert len(answered.points_rc) == 10


def test_cancel_stops_encoding_and_the_next_click_starts_again(desk, image) -> None:
    d = desk(image)
    d.add(40, 50)
    assert d.controller.view().busy
    d.controller.cancel()
    assert not d.controller.view().busy
    assert "Cancelled" in d.status
    d.add(40, 52)
    d.answered()


def test_reopened_dock_finds_its_prompts(desk, image) -> None:
    d = desk(image)
    d.ready()
    d.click(40, 50)
    d.close()
    assert [layer.name for layer in d.viewer.layers] == ["image", "SAM prompts"]
    again = type(d)(d.inference.model_name)
    again.viewer = d.viewer
    controller = type(d.controller)(d.viewer, again.host, again.inference)
    controller.set_image(d.images[0])
    again.host.until(lambda: controller.view().can_commit)
    assert len(d.viewer.layers) == 3, "image, preview, the same prompts"
    controller.close()


def test_nothing_to_do_is_said(desk, image) -> None:
    d = desk()
    assert "Open or select an image" in d.status
    for action in ("commit", "clear", "undo", "redo", "next_object", "start",
                   "toggle_preview", "flip_selected", "next_candidate"):  # fmt: skip
        getattr(d.controller, action)()
    d.viewer.add_layer(Image(image))
    d.controller.commit()
    assert "Nothing to commit" in d.status


def test_click_right_after_a_commit_begins_the_next_object(desk, image) -> None:
    """The layers follow a commit a moment later; a click may come first."""
    d = desk(image)
    d.ready()
    d.click(40, 50)
    d.controller.commit()
    assert len(d.points.data) == 1, "the layers have not followed yet"
    d.controller.commit()
    assert "Nothing to commit" in d.status
    d.add(90, 150)
    assert [m.position for m in d.controller.editor.marks] == [(90, 150)]
    assert len(d.points.data) == 1
    d.answered()
    data = d.commit()
    assert (data[40, 50], data[90, 150]) == (1, 2)
    for _ in range(4):
        d.controller.undo()
    assert not data.any()
    assert d.controller.editor.marks == ()


def test_closing_right_after_a_commit_leaves_no_points(desk, image) -> None:
    d = desk(image)
    d.ready()
    d.click(40, 50)
    d.controller.commit()
    d.close()
    assert [layer.name for layer in d.viewer.layers] == ["image", "image labels"]
