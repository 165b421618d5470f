"""A label is the first guess of an object: of the output, or of any other layer."""

from __future__ import annotations

import numpy as np
import pytest
from desk import Desk

from napari_sam21.annotation import logits_of
from napari_sam21.core.crops import Crop
from napari_sam21.core.geometry import Region


def take_up(d: Desk, *position: float) -> None:
    d.viewer.cursor.position = d.controller.image.data_to_world(position)
    d.controller.take_up()
    d.host.turn()


def blob(shape: tuple[int, ...] = (120, 200)) -> np.ndarray:
    data = np.zeros(shape, np.uint16)
    data[..., 30:50, 40:62] = 9
    return data


@pytest.fixture
def asked(monkeypatch) -> list[np.ndarray | None]:
    """What goes to the decoder as the mask before."""
    from napari_sam21.core.sam2 import Model

    found: list[np.ndarray | None] = []
    decode = Model.decode

    def noted(model, embedding, prompts, previous=None):
        found.append(previous)
        return decode(model, embedding, prompts, previous)

    monkeypatch.setattr(Model, "decode", noted)
    return found


def test_another_layer_s_label_is_refined_and_stays(desk, image, asked) -> None:
    d = desk(image, scale=(2, 0.5))
    cells = d.viewer.add_labels(blob(), name="cellpose", scale=(2, 0.5))
    d.controller.set_image(d.images[0])
    d.ready()
    take_up(d, 40, 50)
    d.answered()
    assert "Label 9 of 'cellpose' is the first guess" in d.status
    prompts = d.controller.editor.draft().prompts
    assert prompts.box_rc == (30, 40, 49, 61)
    assert prompts.point_labels == (1,)
    given = np.asarray(asked[-1])
    region = d.controller.editor.draft().region
    expected = logits_of(Crop.of(blob() == 9), region)
    np.testing.assert_array_equal(given, expected)
    assert d.preview.data.any(), "the refined mask is on show"
    d.click(40, 58)
    assert asked[-1] is d.controller.editor.draft().rounds[0].answer
    data = d.commit()
    assert data.max() == 1
    np.testing.assert_array_equal(cells.data, blob())
    assert d.controller.target.labels is not cells


def test_undo_and_redo_bring_the_mask_along(desk, image, asked) -> None:
    d = desk(image)
    d.viewer.add_labels(blob())
    d.controller.set_image(d.images[0])
    d.ready()
    take_up(d, 40, 50)
    d.answered()
    mask = d.controller.editor.draft().answer.mask()
    d.controller.undo()
    assert not d.controller.editor.draft().prompts
    d.controller.redo()
    d.answered()
    assert asked[-1] is not None
    np.testing.assert_array_equal(d.controller.editor.draft().answer.mask(), mask)
    d.controller.undo()
    d.click(40, 50)
    assert asked[-1] is None, "another object begins with nothing"


def test_a_moved_point_is_asked_with_the_label_s_mask_again(desk, image, asked) -> None:
    d = desk(image)
    d.viewer.add_labels(blob())
    d.controller.set_image(d.images[0])
    d.ready()
    take_up(d, 40, 50)
    d.answered()
    first = asked[-1]
    moved = np.array(d.points.data)
    moved[0] = (41, 55)
    d.points.data = moved
    d.answered()
    np.testing.assert_array_equal(asked[-1], first)


def test_the_output_comes_first_and_other_layers_from_the_top(desk, image) -> None:
    d = desk(image)
    below, above = blob(), np.zeros_like(blob())
    above[35:45, 45:55] = 3
    d.viewer.add_labels(below, name="below")
    top = d.viewer.add_labels(above, name="above")
    d.viewer.add_labels(np.full((5, 5), 4), name="elsewhere")
    d.viewer.add_labels(blob() + 1, name="moved", translate=(1, 1))
    d.controller.set_image(d.images[0])
    d.ready()
    take_up(d, 40, 50)
    assert "'above'" in d.status
    d.answered()
    d.commit()
    take_up(d, 40, 50)
    assert "Label 1 is in the making again" in d.status
    d.controller.clear()
    top.visible = False
    take_up(d, 40, 50)
    assert "'below'" in d.status
    take_up(d, 32, 42)
    assert "Commit or clear" in d.status


def test_a_label_of_the_output_that_was_brushed_is_its_own_guess(
    desk, image, asked
) -> None:
    d = desk(image)
    d.ready()
    d.click(40, 50)
    d.commit()
    labels = d.controller.target.labels
    labels.brush_size = 9
    labels.paint((40, 95), 1)
    brushed = labels.data == 1
    take_up(d, 40, 50)
    d.answered()
    draft = d.controller.editor.draft()
    assert draft.prompts.points_rc == ((40.0, 50.0),), "its point is known"
    expected = logits_of(Crop.of(brushed), draft.region)
    np.testing.assert_array_equal(asked[-1], expected)
    d.controller.clear()
    for _ in range(3):
        d.controller.undo()
    np.testing.assert_array_equal(labels.data == 1, brushed)


def test_an_unchanged_label_comes_back_without_asking(desk, image, asked) -> None:
    d = desk(image)
    d.ready()
    d.click(40, 50)
    d.commit()
    count = len(asked)
    take_up(d, 40, 50)
    assert d.controller.view().can_commit
    assert len(asked) == count


def test_in_a_transposed_stack(desk, asked) -> None:
    stack = np.random.default_rng(0).integers(0, 255, (3, 60, 4, 80), np.uint8)
    cells = np.zeros(stack.shape, np.uint16)
    cells[1, 20:40, 2, 30:55] = 7
    d = desk(stack)
    d.viewer.add_labels(cells.copy(), name="cells")
    d.controller.set_image(d.images[0])
    d.viewer.dims.order = (2, 0, 3, 1)
    d.viewer.dims.set_point(0, 1)
    d.viewer.dims.set_point(2, 2)
    d.ready()
    take_up(d, 1, 30, 2, 40)
    d.answered()
    assert d.controller.editor.draft().prompts.box_rc == (30, 20, 54, 39)
    np.testing.assert_array_equal(d.viewer.layers["cells"].data, cells)


def test_the_logits_of_a_large_region_are_sampled() -> None:
    crop = Crop.of(np.ones((4000, 4000), bool), (1000, 2000))
    logits = logits_of(crop, Region(0, 0, 20_000, 20_000))
    share = (logits > 0).mean()
    assert share == pytest.approx(0.04, abs=0.002)
    assert logits_of(crop, Region(10_000, 10_000, 12_000, 12_000)) is None
