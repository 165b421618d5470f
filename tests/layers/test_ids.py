"""New labels are new, whatever was done to the layer."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from napari.components import Dims, ViewerModel
from napari.layers import Labels
from pump import PumpHost

from napari_sam21.core.errors import Cancelled
from napari_sam21.core.lanes import Lane
from napari_sam21.core.runtime import Cancellation
from napari_sam21.layers import output
from napari_sam21.layers.ids import LabelIds


@pytest.fixture
def labels() -> Labels:
    data = np.zeros((40, 50), np.uint16)
    data[3, 4] = 5
    return Labels(data)


@pytest.fixture
def ids(labels: Labels) -> LabelIds:
    host = PumpHost()
    found = LabelIds(
        labels, Dims(ndim=2), Lane("count", host.deliver), lambda: None, print
    )
    host.until(lambda: found.next is not None)
    return found


SPOT = (np.array([7]), np.array([7]))
STROKES = {
    "brush": lambda labels: labels.paint((20, 20), 9),
    "fill": lambda labels: labels.fill((20, 20), 9),
    "polygon": lambda labels: labels.paint_polygon([[1, 1], [1, 9], [9, 9]], 9),
    "data_setitem": lambda labels: labels.data_setitem(
        (np.array([7]), np.array([7])), 9
    ),
}


@pytest.mark.parametrize("stroke", STROKES)
def test_follows_napari_tools(labels, ids, stroke) -> None:
    assert ids.next == 6
    STROKES[stroke](labels)
    assert ids.next == 10


def test_edits_in_place_are_looked_for_when_they_are_shown(labels) -> None:
    host = PumpHost()
    found = LabelIds(labels, Dims(ndim=2), Lane("count", host.deliver), int, print)
    host.until(lambda: found.next == 6)
    labels.data[30, 30] = 77
    labels.refresh()
    assert found.next is None, "nobody knows which labels are free now"
    host.until(lambda: found.next == 78)


def test_a_move_of_the_view_is_no_reason_to_count_again(labels) -> None:
    host = PumpHost()
    viewer = ViewerModel()
    layer = viewer.add_labels(np.zeros((5, 40, 50), np.uint16))
    lane = Lane("count", host.deliver)
    found = LabelIds(layer, viewer.dims, lane, int, print, largest=3)
    refreshed = []
    layer.events.set_data.connect(lambda _: refreshed.append(1))
    for step in range(5):
        viewer.dims.set_point(0, step)
        viewer.dims.order = (1, 0, 2) if step % 2 else (0, 1, 2)
    assert refreshed
    assert found.next == 4


def test_our_own_writes_are_no_reason_to_count_again(labels, ids) -> None:
    with ids.writing():
        labels.data[30, 30] = 6
        labels.refresh()
        ids.used(6)
    assert ids.next == 7


def test_a_failed_count_is_tried_again(labels) -> None:
    host, failures = PumpHost(), []

    class Broken:
        """An array whose first reading fails, as one on a network drive may."""

        shape, dtype, tries = (4, 4), np.dtype(np.uint16), 0

        def __getitem__(self, key: object) -> np.ndarray:
            self.tries += 1
            if self.tries == 1:
                raise OSError("the drive is gone")
            return np.full((4, 4), 3, np.uint16)

    found = LabelIds(
        labels,
        Dims(ndim=2),
        Lane("count", host.deliver),
        lambda: None,
        failures.append,
        largest=0,
    )
    broken = Broken()
    found._labels = type("Layer", (), {"data": broken, "multiscale": False})
    found._scan()
    host.until(lambda: failures)
    assert found.next is None
    found.count()
    host.until(lambda: found.next == 4)


def test_count_stops_between_blocks(monkeypatch) -> None:
    monkeypatch.setattr(output, "BLOCK_ELEMENTS", 10)
    cancel = Cancellation()
    read = []

    class Blocks:
        shape = (100, 10)

        def __getitem__(self, key: slice) -> np.ndarray:
            read.append(key)
            cancel.cancel()
            return np.zeros((1, 10), np.uint8)

    with pytest.raises(Cancelled):
        output.largest_id(Blocks(), cancel)
    assert len(read) == 1


def test_blocks_cover_the_array(monkeypatch) -> None:
    monkeypatch.setattr(output, "BLOCK_ELEMENTS", 70)
    data = np.arange(37 * 30).reshape(37, 30)
    assert output.largest_id(data) == data.max()
    assert output.largest_id(da.from_array(data, chunks=7)) == data.max()
