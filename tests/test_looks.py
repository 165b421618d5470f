"""What the model sees is chosen, remembered, and never stale."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from napari.layers import Image

import napari_sam21 as sam
from napari_sam21.layers.look import COMPOSITE, SHOWN, STRETCHED

CLICK = (60.0, 100.0)


@pytest.fixture
def colours(image: np.ndarray) -> np.ndarray:
    """A picture whose channels differ; (120, 200, 3)."""
    return np.stack([image, image[::-1], image[:, ::-1]], axis=-1)


@pytest.fixture
def split(desk: Any, colours: np.ndarray) -> Any:
    """A desk with the channels as layers, the first of them annotated."""
    channels = [colours[..., i].copy() for i in range(3)]
    made = desk(*channels, contrast_limits=(0, 255))
    for layer, name in zip(made.images, ("red", "green", "blue"), strict=True):
        layer.name = layer.colormap = name
    return made


def answer(desk: Any) -> Any:
    return desk.controller.editor.draft().answer


def from_scratch(desk: Any, image: np.ndarray, **options: Any) -> np.ndarray:
    """Logits that the model gives without a plugin around it."""
    model = sam.load_model(desk.inference.model_name)
    embedding = model.encode(image, **options)
    return model.decode(embedding, sam.Prompts([CLICK], [1])).logits


def as_seen(layer: Image) -> np.ndarray:
    """A channel between 0 and 1, written down by hand."""
    low, high = layer.contrast_limits
    values = np.clip(np.asarray(layer.data, np.float32), low, high)
    shown: np.ndarray = ((values - low) / (high - low)) ** layer.gamma
    return shown


def test_a_composite_is_answered_as_the_rgb_layer_it_is(split, desk, colours) -> None:
    split.controller.set_look(COMPOSITE)
    split.click(*CLICK)
    whole = desk(colours)
    assert whole.images[0].rgb
    whole.click(*CLICK)
    assert answer(split).key == answer(whole).key
    np.testing.assert_array_equal(answer(split).logits, answer(whole).logits)
    np.testing.assert_array_equal(split.commit(), whole.commit())


def test_a_composite_with_limits_and_gammas_of_its_own(split) -> None:
    for layer, high, gamma in zip(
        split.images, (90, 200, 40), (1, 0.4, 2), strict=True
    ):
        layer.contrast_limits, layer.gamma = (5, high), gamma
    split.controller.set_look(COMPOSITE)
    split.click(*CLICK)
    picture = np.stack([as_seen(layer) for layer in split.images], axis=-1)
    expected = from_scratch(split, picture, contrast_limits=(0, 1))
    np.testing.assert_array_equal(answer(split).logits, expected)


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize(
    "change",
    [
        lambda layer: setattr(layer, "contrast_limits", (0, 90)),
        lambda layer: setattr(layer, "gamma", 0.5),
        lambda layer: setattr(layer, "data", np.roll(layer.data, 30, axis=1)),
        lambda layer: (
            layer.data.__setitem__(slice(50, 90), 7),
            layer.refresh(),
        ),
    ],
    ids=["contrast", "gamma", "data replaced", "data edited and refreshed"],
)
def test_no_channel_is_stale(split, change, number) -> None:
    split.controller.set_look(COMPOSITE)
    split.ready()
    split.click(*CLICK)
    before = answer(split).logits.copy()
    split.controller.clear()
    change(split.images[number])
    split.click(*CLICK)
    picture = np.stack([as_seen(layer) for layer in split.images], axis=-1)
    expected = from_scratch(split, picture, contrast_limits=(0, 1))
    np.testing.assert_array_equal(answer(split).logits, expected)
    assert (expected != before).any(), "the change is one that the model sees"


def test_percentiles_are_those_of_the_core(split) -> None:
    split.images[0].contrast_limits = (0, 40)
    split.controller.set_look(STRETCHED)
    split.click(*CLICK)
    expected = from_scratch(split, split.images[0].data)
    np.testing.assert_array_equal(answer(split).logits, expected)


def test_an_object_begun_is_asked_anew(split) -> None:
    split.click(*CLICK)
    shown = answer(split).key
    split.controller.set_look(COMPOSITE)
    assert len(split.controller.editor.marks) == 1
    split.answered()
    assert answer(split).key != shown
    split.controller.set_look(SHOWN)
    split.answered()
    assert answer(split).key == shown


def test_an_object_keeps_what_it_was_begun_on(split) -> None:
    split.controller.set_look(COMPOSITE)
    split.click(*CLICK)
    key = answer(split).key
    split.viewer.layers.remove("green")
    split.host.turn()
    assert split.controller.editor.sight.mode == SHOWN
    split.click(60, 110)
    assert answer(split).key == key
    split.commit()
    split.click(*CLICK)
    assert answer(split).key != key


def test_a_removed_channel_is_told_and_the_rest_goes_on(split) -> None:
    split.controller.set_look(COMPOSITE)
    split.ready()
    split.viewer.layers.remove("blue")
    split.host.turn()
    assert re.match(
        "'blue', a channel of the composite, was removed. The model sees 'red' as "
        "shown again.",
        split.status,
    )
    split.ready()
    split.click(*CLICK)
    expected = from_scratch(split, split.images[0].data, contrast_limits=(0, 255))
    np.testing.assert_array_equal(answer(split).logits, expected)


def test_a_renamed_channel_stays(split) -> None:
    split.controller.set_look(COMPOSITE)
    split.ready()
    split.images[1].name = "membrane"
    split.host.turn()
    assert split.controller.editor.sight.mode == COMPOSITE
    assert split.controller.editor.is_ready()


def test_the_choice_belongs_to_its_image(split, image) -> None:
    split.controller.set_look(COMPOSITE)
    other = split.viewer.add_image(image[:90], name="other")
    split.controller.set_image(other)
    assert split.controller.editor.sight.mode == SHOWN
    split.controller.set_look(STRETCHED)
    split.controller.set_image(split.images[0])
    assert split.controller.editor.sight.mode == COMPOSITE
    assert split.controller.editor.sight.channels == tuple(split.images)
    split.controller.set_image(other)
    assert split.controller.editor.sight.mode == STRETCHED


def test_the_choice_outlives_the_dock(split, tiny_folder) -> None:
    from napari_sam21.controller import Controller
    from napari_sam21.core.store import MemoryStore
    from napari_sam21.inference import Inference

    split.controller.set_look(COMPOSITE)
    split.close()
    inference = Inference(split.host.deliver, MemoryStore())
    inference.use(tiny_folder)
    again = Controller(split.viewer, split.host, inference)
    again.set_image(split.images[0])
    split.host.turn()
    assert again.editor.sight.mode == COMPOSITE
    again.close()


def test_selecting_a_channel_does_not_leave_the_image(split, image) -> None:
    split.controller.set_look(COMPOSITE)
    split.click(*CLICK)
    for layer in split.images:
        split.viewer.layers.selection.active = layer
        assert split.controller.image == split.images[0]
    other = split.viewer.add_image(image, name="other")
    assert split.controller.image == other, "no channel"
    split.controller.set_image(split.images[0])
    split.controller.set_look(SHOWN)
    split.viewer.layers.selection.active = split.images[1]
    assert split.controller.image == split.images[1]


def test_a_channel_that_does_not_fit_is_refused_in_words(split) -> None:
    odd = split.viewer.add_image(np.zeros((5, 5)), name="odd")
    split.controller.set_image(split.images[0])
    split.controller.set_look(COMPOSITE, (split.images[0], odd, None))
    view = split.controller.view()
    assert view.problem
    assert "Image layer 'odd' has shape (5, 5)" in view.status
    assert split.controller.editor.sight.mode == SHOWN


def test_no_look_without_an_image(desk) -> None:
    d = desk()
    d.controller.set_look(COMPOSITE)
    assert d.status == "Open or select an image to begin."
