"""Zooming a large image in a real window: what is drawn is what the model sees."""

from __future__ import annotations

import numpy as np
import pytest

ANGLE = np.deg2rad(30)
TURNED = np.array(
    [
        [np.cos(ANGLE), -np.sin(ANGLE), 0],
        [np.sin(ANGLE), np.cos(ANGLE), 0],
        [0, 0, 1],
    ]
)
PLACES = {
    "plain": {},
    "micrometres": {"scale": (0.2, 0.2), "translate": (30, -40), "units": "um"},
    "turned": {"scale": (0.5, 0.5), "affine": TURNED},
}
TARGET = (1700.0, 900.0)


def zoom_to(dock, qtbot, layer, side: float) -> None:
    """Look at a few pixels around the target."""
    camera = getattr(dock.viewer, "scene", dock.viewer).camera
    world = layer.data_to_world(TARGET)
    step = np.linalg.norm(
        np.subtract(layer.data_to_world((1, 0)), layer.data_to_world((0, 0)))
    )
    camera.center = world
    camera.zoom = 400 / (side * step)
    qtbot.wait(400)  # drawn, and at rest
    dock.ready()


@pytest.mark.parametrize("place", PLACES)
def test_the_region_holds_what_is_drawn(open_dock, qtbot, place) -> None:
    image = np.random.default_rng(0).integers(0, 255, (2500, 2000), np.uint8)
    dock = open_dock(image, show=True, **PLACES[place])
    layer = dock.images[0]
    dock.ready()
    zoom_to(dock, qtbot, layer, 120)
    region = dock.controller.editor.region()
    assert region.contains(*TARGET)
    assert max(region.height, region.width) <= 1024
    dock.hands.click(layer.data_to_world(TARGET))
    dock.answered()
    assert dock.controller.editor.draft().answer.region == region
    dock.controller.commit()
    labels = dock.controller.target.labels
    assert labels.get_value(layer.data_to_world(TARGET), world=True) == 1
    zoom_to(dock, qtbot, layer, 2500)
    assert dock.controller.view().region == "all of it"
