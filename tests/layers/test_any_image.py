"""The pixel under the mouse is the pixel that is asked about, and that is labelled.

Any number of axes in any order, transforms, units, levels, colours, dtypes. What lies
under the mouse is napari's own word (`get_value`, `world_to_data`), not ours. Each
image is clicked four times. How to draw more of them: docs/development.md.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, event, given, settings
from hypothesis import strategies as st
from napari.components import ViewerModel
from napari.layers import Image, Labels, Points
from scenes import CLICKS, Click, Scene, opened, point_at, scenes

from napari_sam21.core import prompts as prompts_core
from napari_sam21.core.embedding import Answer
from napari_sam21.core.errors import LayerError, PromptError
from napari_sam21.core.geometry import LOGITS_SIDE, MODEL_SIDE, Region, whole_plane
from napari_sam21.core.prompts import to_tensors
from napari_sam21.layers import field, making, planes, prompts, source, writing

CASES = int(os.environ.get("SAM21_CASES", "320"))
"""Clicks, by each of the tests that draw images."""

pytestmark = pytest.mark.filterwarnings("ignore:Non-orthogonal slicing:UserWarning")
"""Of napari, which slices a new layer once before it knows the order of the axes."""

many = settings(
    max_examples=CASES // CLICKS,
    deadline=None,
    phases=set(Phase) - {Phase.explain},
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


class Asked:
    """What the plugin makes of a click: its own path, from the mouse to the model."""

    def __init__(
        self, viewer: ViewerModel, image: Image, points: Points, mouse: Sequence[float]
    ) -> None:
        self.plane = planes.displayed_plane(image, viewer.dims)
        points.data = np.zeros((0, image.ndim))
        points.add(points.world_to_data(mouse))  # as napari's own tool does
        marks = prompts.PromptsLayer(points, lambda: None).marks
        found = prompts.prompts_on(marks, self.plane)
        self.region = field.Field(image).region(self.plane, found.corners_rc)
        asked = source.snapshot(image, self.plane, 0, self.region)
        self.data = asked.data
        self.coarse = self.data.shape[: image.ndim] != planes.level_shape(image)
        self.pixels = source.read_plane(
            asked.data, asked.plane, asked.rgb, asked.full_shape, asked.region
        )
        self.xy = to_tensors(found, self.region)[0][0, 0]
        self.size_rc = np.array([self.region.height, self.region.width])

    def place_rc(self) -> np.ndarray:
        """Go back from the model's coordinates to the plane, by their definition."""
        return self.xy[::-1] / MODEL_SIDE * self.size_rc + self.region[:2]

    def value(self) -> np.ndarray:
        """Look up the pixel that the model is asked about, in what was read."""
        share = (np.round(self.place_rc()) - self.region[:2] + 0.5) / self.size_rc
        row, column = (share * self.pixels.shape[:2]).astype(int)
        return self.pixels[row, column]

    def commit(self, labels: Labels, value: int) -> None:
        """Commit a mask of just that pixel, as an answer in the model's own cells."""
        first = np.round(self.place_rc()) - self.region[:2]
        r0, c0 = np.maximum(first / self.size_rc * LOGITS_SIDE - 1, 0).astype(int)
        r1, c1 = np.ceil((first + 1) / self.size_rc * LOGITS_SIDE + 1).astype(int)
        logits = np.full((3, LOGITS_SIDE, LOGITS_SIDE), -1, np.float32)
        logits[:, r0:r1, c0:c1] = 1
        scores = np.ones(3, np.float32)
        answer = Answer(scores, logits, self.region, self.plane.shape, "", 0)
        writing.write_object(labels, self.plane, *answer.crop(), value, "overwrite")


def check(scene: Scene) -> Iterator[Asked]:
    """Compare the plugin's path with what napari says lies under the mouse."""
    viewer, image = opened(scene)
    points = prompts.make_points(image)
    labels = viewer.add_layer(making.make_labels(image))
    for number, click in enumerate(scene.clicks, 1):
        mouse = point_at(click, scene, viewer, image)
        spot = np.asarray(image.world_to_data(mouse[scene.more_axes :]))
        asked = Asked(viewer, image, points, mouse)
        assert asked.region.contains(*asked.place_rc()), "the click is in the region"
        shown = list(scene.displayed)
        np.testing.assert_allclose(asked.place_rc(), spot[shown], atol=2e-3)
        if asked.coarse:
            assert np.isin(asked.value(), around(asked.data, scene, spot)).all()
        else:
            np.testing.assert_array_equal(asked.value(), under(viewer, image, mouse))
        asked.commit(labels, number)
        assert under(viewer, labels, mouse) == number, "its label lies under the mouse"
        yield asked


def around(level: np.ndarray, scene: Scene, spot: np.ndarray) -> np.ndarray:
    """Return pixels of a coarse level, at most one from that which holds a spot."""
    sizes = np.asarray(level.shape[: scene.ndim])
    at = ((np.round(spot) + 0.5) * sizes / scene.shape).astype(int)
    reach = np.isin(np.arange(scene.ndim), scene.displayed).astype(int)
    return level[tuple(map(slice, np.maximum(at - reach, 0), at + reach + 1))]


def under(viewer: ViewerModel, layer: Any, mouse: Sequence[float]) -> Any:
    """Return the value under the mouse, as napari's status bar shows it."""
    if layer.multiscale:
        layer.data_level = 0
        layer.corner_pixels = np.array([[0] * layer.ndim, layer.level_shapes[0] - 1])
        layer.refresh()
    value = layer.get_value(
        mouse,
        view_direction=None,
        dims_displayed=list(viewer.dims.displayed),
        world=True,
    )
    return value[1] if layer.multiscale else value


@many
@given(scenes())
def test_the_pixel_under_the_mouse(scene: Scene) -> None:
    for asked in check(scene):
        event("read from a coarse level" if asked.coarse else "read from level 0")
        whole = asked.region == whole_plane(asked.plane.shape)
        event("whole plane" if whole else "part of it")
    event(f"{scene.ndim}D, {'RGB' if scene.channels else 'grey'}")


# --- the check itself ---------------------------------------------------------------

WITNESS = Scene(
    shape=(3, 900, 700), dtype="uint16", channels=0, levels=1, more_axes=0,
    order=(0, 2, 1), scale=(2.0, -0.5, 0.25), translate=(5.0, 7.0, -3.0),
    placement="affine", amount=0.4, units="um",
    clicks=(Click((0.5, 0.7, 0.6), (0.0, 0.2, -0.3), (0.2, 0.2)),),
)  # fmt: skip

FAULTS: dict[str, tuple[Any, str, Any]] = {
    "prompts without the transforms": (prompts, "transforms_of", lambda image: {}),
    "labels without the transforms": (making, "transforms_of", lambda image: {}),
    "rows for columns": (
        planes.Plane,
        "point_rc",
        lambda plane, at: tuple(at[axis] for axis in reversed(plane.displayed)),
    ),
    "the region's corner forgotten": (
        prompts_core,
        "plane_to_model",
        lambda rc, region: (rc[:, ::-1] / region.width * MODEL_SIDE).astype(np.float32),
    ),
    "another slice": (
        planes,
        "_hidden_indices",
        lambda *_: ((0, 0),),
    ),
    "another part read": (source, "_cells", lambda span, *_: slice(*np.add(span, 1))),
}


def test_the_check_passes_on_the_witness() -> None:
    assert [asked.region for asked in check(WITNESS)] == [Region(256, 512, 512, 768)]


@pytest.mark.parametrize("fault", FAULTS)
def test_the_check_can_fail(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*FAULTS[fault])
    with pytest.raises((AssertionError, PromptError, ValueError)):
        list(check(WITNESS))


# --- what cannot be right is declined -----------------------------------------------


@settings(many, max_examples=max(1, CASES // CLICKS // 4))
@given(scenes(), st.floats(0.01, 3), st.data())
def test_a_slice_across_the_image_is_declined(
    scene: Scene, amount: float, data: st.DataObject
) -> None:
    """An axis on show that runs into a hidden one: no plane of the array is on show."""
    assume(scene.ndim > 2)
    hidden = [axis for axis in range(scene.ndim) if axis not in scene.displayed]
    pair = (
        data.draw(st.sampled_from(hidden)),
        data.draw(st.sampled_from(scene.displayed)),
    )
    viewer, image = opened(replace(scene, placement="plain"))
    affine = np.eye(scene.ndim + 1)
    affine[tuple(data.draw(st.permutations(pair)))] = amount
    image.affine = affine
    with pytest.raises(LayerError, match="across its slices"):
        planes.displayed_plane(image, viewer.dims)


def test_an_axis_that_only_the_viewer_has_is_declined() -> None:
    """napari then draws an image's rows along an axis that they do not lie along."""
    viewer, image = opened(replace(WITNESS, more_axes=1, order=(0, 1, 3, 2)))
    planes.displayed_plane(image, viewer.dims)
    viewer.dims.order = (1, 2, 0, 3)
    with pytest.raises(LayerError, match="an axis that .* does not have"):
        planes.displayed_plane(image, viewer.dims)
