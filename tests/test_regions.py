"""Clicks in a large image: the region that the model sees, and where labels land."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_sam21.core.geometry import Region, whole_plane
from napari_sam21.layers.field import LOCK, WHOLE

SHAPE = (1500, 2500)


@pytest.fixture
def large(desk: Any) -> Any:
    """A desk with a large image, zoomed in."""
    made = desk(np.random.default_rng(0).integers(0, 255, SHAPE, np.uint8))
    look_at(made, (600, 1100), (800, 1400))
    return made


def look_at(desk: Any, first: tuple[int, int], last: tuple[int, int]) -> None:
    """As the canvas tells after drawing another part."""
    desk.images[0].corner_pixels = np.array([first, last])
    camera = getattr(desk.viewer, "scene", desk.viewer).camera
    camera.zoom = camera.zoom * 1.5
    desk.host.settle()


def region(desk: Any) -> Region:
    return desk.controller.editor.draft().answer.region


def test_a_click_is_asked_in_what_is_seen(large: Any) -> None:
    large.ready()
    large.click(700, 1200)
    assert region(large) == Region(512, 1024, 1024, 1536)
    labels = large.commit()
    assert labels[700, 1200] == 1
    rows, columns = np.nonzero(labels)
    # The tiny model draws discs of 40 pixels of the model: 20 of the image here.
    assert (rows.min(), rows.max()) == pytest.approx((680, 720), abs=2)
    assert (columns.min(), columns.max()) == pytest.approx((1180, 1220), abs=2)


def test_the_region_is_embedded_ahead(large: Any) -> None:
    large.ready()
    before = large.store.nbytes
    look_at(large, (0, 0), (100, 100))
    large.host.until(lambda: large.controller.editor.is_ready())
    assert large.store.nbytes == 2 * before
    look_at(large, (600, 1100), (800, 1400))
    assert large.controller.editor.is_ready(), "it is there already"


def test_the_view_does_not_move_an_object(large: Any) -> None:
    large.click(700, 1200)
    first = region(large)
    look_at(large, (0, 0), (1499, 2499))
    large.click(700, 1206, label=0)
    assert region(large) == first


def test_a_prompt_outside_grows_the_region_and_feeds_nothing_back(large: Any) -> None:
    large.click(700, 1200)
    answer = large.controller.editor.draft().answer
    large.click(700, 1800)
    grown = large.controller.editor.draft().answer
    assert grown.region == Region(476, 1024, 1500, 2048)
    assert len(large.controller.editor.marks) == 2
    fresh = large.inference._model.decode(
        large.inference._kept, large.controller.editor.draft().prompts
    )
    np.testing.assert_array_equal(grown.logits, fresh.logits)
    assert grown.key != answer.key
    labels = large.commit()
    assert labels[700, 1200] == labels[700, 1800] == 1


def test_undo_of_that_prompt_brings_the_first_answer_back(large: Any) -> None:
    large.click(700, 1200)
    first = large.controller.editor.draft().answer
    large.click(700, 1800)
    large.controller.undo()
    large.host.turn()
    assert large.controller.editor.draft().answer is first


def test_the_outline_is_shown_unless_the_whole_image_is_seen(large: Any) -> None:
    box = large.preview.bounding_box
    assert box.visible
    corners = [large.preview.data_to_world(p) for p in ((-0.5, -0.5), (511.5, 511.5))]
    np.testing.assert_allclose(corners, [(511.5, 1023.5), (1023.5, 1535.5)])
    large.controller.set_field(WHOLE)
    large.host.settle()
    assert not box.visible
    assert large.controller.view().region == "all of it"


def test_an_object_begun_follows_another_choice(large: Any) -> None:
    large.click(700, 1200)
    large.controller.set_field(WHOLE)
    large.click(710, 1210)
    assert region(large) == whole_plane(SHAPE)
    assert len(large.controller.editor.marks) == 2


def test_a_locked_region_stays(large: Any) -> None:
    large.ready()
    large.controller.set_field(LOCK)
    look_at(large, (0, 0), (1499, 2499))
    assert large.controller.editor.region() == Region(512, 1024, 1024, 1536)
    assert large.controller.view().region == "512 px"


def test_a_brush_stroke_far_from_the_mask_is_committed(large: Any) -> None:
    large.click(700, 1200)
    large.preview.data_setitem((np.array([500]), np.array([10])), 1)
    labels = large.commit()
    assert labels[512 + 500, 1024 + 10] == 1
    assert labels[700, 1200] == 1
    assert labels[512 + 500, 1024 + 12] == 0


def test_the_next_object_is_asked_where_one_looks(large: Any) -> None:
    large.click(700, 1200)
    large.commit()
    look_at(large, (100, 100), (180, 180))
    large.ready()
    large.click(140, 140)
    assert region(large) == Region(0, 0, 256, 256)
    assert large.commit()[140, 140] == 2
