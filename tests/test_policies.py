"""Only inside the selected label: an object is split, or gets parts."""

from __future__ import annotations

import numpy as np
import pytest
from desk import Desk


@pytest.fixture
def parent(desk, image) -> Desk:
    """A label 7 around the first disc, selected."""
    data = np.zeros(image.shape, np.uint16)
    data[30:50, 40:60] = 7
    d = desk(image)
    labels = d.viewer.add_labels(data)
    labels.selected_label = 7
    d.controller.set_image(d.images[0])
    d.controller.set_output(labels)
    d.controller.commits.policy = "inside"
    d.ready()
    d.host.until(lambda: d.controller.target.prepare(d.images[0]))
    return d


def test_a_part_is_cut_out_of_its_parent(parent: Desk) -> None:
    labels = parent.controller.target.labels
    before = labels.data.copy()
    parent.click(40, 58)
    mask = parent.controller.editor.draft().answer.mask()
    data = parent.commit()
    np.testing.assert_array_equal(data == 8, mask & (before == 7))
    np.testing.assert_array_equal(data == 7, ~mask & (before == 7))
    parent.controller.undo()
    np.testing.assert_array_equal(labels.data, before)


def test_outside_a_word_says_what_to_do(parent: Desk) -> None:
    before = parent.controller.target.labels.data.copy()
    parent.click(100, 150)
    np.testing.assert_array_equal(parent.commit(), before)
    assert "inside the selected label (7)" in parent.status
    assert parent.controller.view().can_commit, "the object is still there"


def test_erasing_is_kept_to_the_selected_label(parent: Desk) -> None:
    labels = parent.controller.target.labels
    labels.data[30:50, 60:70] = 3
    parent.controller.commits.kind = "erase"
    parent.click(40, 60)
    mask = parent.controller.editor.draft().answer.mask()
    assert mask[40, 62]
    data = parent.commit()
    assert not (data == 7)[mask].any()
    assert (data == 3).sum() == 200
