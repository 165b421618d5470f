"""One write to labels, as a value."""

from __future__ import annotations

import numpy as np

from napari_sam21.core.delta import Delta


def test_indices_are_those_of_the_array() -> None:
    array = np.arange(4 * 5 * 6, dtype=np.uint16).reshape(4, 5, 6)
    box = (slice(2, 3), slice(1, 4), slice(3, 6))
    changed = array[box] % 2 == 0
    delta = Delta((2, 1, 3), changed, array[box][changed], 9)
    written = array.copy()
    written[delta.indices()] = delta.value
    assert (written != array).sum() == changed.sum()
    assert (written[box][changed] == 9).all()
    written[delta.indices()] = delta.before
    np.testing.assert_array_equal(written, array)


def test_size_is_that_of_its_arrays() -> None:
    changed = np.ones((1, 10, 20), bool)
    delta = Delta((0, 0, 0), changed, np.zeros(200, np.uint16), 1)
    assert delta.nbytes == 200 + 400


def test_background_takes_no_room() -> None:
    changed = np.ones((1, 10, 20), bool)
    delta = Delta((0, 0, 0), changed, np.broadcast_to(np.uint16(0), (200,)), 1)
    assert delta.nbytes == 200 + 2
