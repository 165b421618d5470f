"""Prompts by keys alone, on every kind of image."""

from __future__ import annotations

import numpy as np
import pytest
from desk import Desk

from napari_sam21.control.keyboard import STEP
from napari_sam21.control.keys import GROUPS, KEYS
from napari_sam21.core.prompts import BOX, NEGATIVE
from napari_sam21.layers.navigate import camera_of

TURNED = {"scale": (0.5, 0.25), "translate": (7, -3), "rotate": 30}


def look_at(d: Desk, *data: float) -> None:
    """Bring a place of the image into the middle of the view."""
    world = d.images[0].data_to_world(data)
    camera_of(d.viewer).center = (
        0,
        *(world[axis] for axis in d.viewer.dims.order[-2:]),
    )


def positions(d: Desk) -> np.ndarray:
    return np.array([mark.position for mark in d.controller.editor.marks])


@pytest.mark.parametrize("options", [{}, TURNED])
def test_an_object_by_keys_alone(desk, image, options: dict) -> None:
    d = desk(image, **options)
    look_at(d, 40, 50)
    d.ready()
    d.controller.put_prompt()
    d.answered()
    assert np.allclose(positions(d), [[40, 50]], atol=1e-3)
    labels = d.commit()
    assert labels[40, 50] == 1


@pytest.mark.parametrize("options", [{}, TURNED])
def test_the_last_prompt_moves_over_the_screen(desk, image, options: dict) -> None:
    d = desk(image, **options)
    camera_of(d.viewer).zoom = 4
    look_at(d, 40, 50)
    d.controller.put_prompt()
    before = d.images[0].data_to_world(positions(d)[0])
    d.controller.move_right()
    d.controller.move_right()
    d.controller.move_up()
    after = d.images[0].data_to_world(positions(d)[0])
    assert np.allclose(np.subtract(after, before), (-STEP / 4, 2 * STEP / 4), atol=1e-3)
    d.controller.move_down()
    d.controller.move_left()
    for _ in range(5):
        d.controller.undo()
    assert np.allclose(positions(d)[0], (40, 50), atol=1e-3), "each move is a step"


def test_it_stays_in_the_image_and_on_its_slice(desk, image) -> None:
    d = desk(np.stack([image] * 4))
    d.viewer.dims.set_point(0, 2)
    look_at(d, 2, -500, 10_000)
    d.controller.put_prompt()
    assert positions(d).tolist() == [[2, 0, image.shape[1] - 1]]
    d.viewer.dims.set_point(0, 3)
    d.controller.move_down()
    assert positions(d).tolist() == [[2, 0, image.shape[1] - 1]], "it is not on show"


def test_the_next_prompt_is_what_is_put(desk, image) -> None:
    d = desk(image)
    look_at(d, 40, 50)
    d.controller.switch_polarity()
    d.controller.put_prompt()
    d.controller.set_polarity(BOX)
    d.controller.put_prompt()
    labels = [mark.label for mark in d.controller.editor.marks]
    assert labels == [NEGATIVE, BOX, BOX]
    corners = positions(d)[1:]
    assert (corners[0] < corners[1]).all()
    d.controller.move_down()
    assert positions(d)[2][0] > corners[1][0]
    assert (positions(d)[1] == corners[0]).all()


def test_nothing_happens_without_an_image(desk) -> None:
    d = desk()
    d.controller.put_prompt()
    d.controller.move_up()
    assert d.controller.editor is None


def test_every_key_does_one_thing_and_says_it(desk, image) -> None:
    controller = desk(image).controller
    assert len({str(key.binding) for key in KEYS}) == len(KEYS)
    for key in KEYS:
        assert callable(getattr(controller, key.action))
        assert key.group in GROUPS
        assert key.what
