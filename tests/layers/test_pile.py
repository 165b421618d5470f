"""The preview of many objects: what lies there is what was found, and read back."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_sam21.core.crops import Crop
from napari_sam21.layers import pile as module
from napari_sam21.layers.batch import Batch, Piece
from napari_sam21.layers.pile import Pile
from napari_sam21.layers.planes import Plane

DISC = np.hypot(*(np.mgrid[:21, :31] - np.array([10, 15])[:, None, None])) < 10


@pytest.fixture
def viewer() -> ViewerModel:
    viewer = ViewerModel()
    viewer.add_image(np.zeros((6, 100, 120), np.uint8), scale=(3, 0.5, 0.25))
    return viewer


def shown(viewer: ViewerModel, pieces: list[Piece]) -> Pile:
    image = viewer.layers[0]
    return Pile(viewer, image, Batch(tuple(pieces)), image)


def value_at(pile: Pile, world: np.ndarray) -> int:
    place = np.round(pile.layer.world_to_data(world)).astype(int)
    return int(pile.layer.data[tuple(place)])


@pytest.mark.parametrize("displayed", [(1, 2), (2, 1)])
def test_what_was_put_in_is_read_back(viewer, displayed) -> None:
    shape = tuple((6, 100, 120)[axis] for axis in displayed)
    planes = [Plane(displayed, ((0, z),), shape) for z in (2, 4)]
    pieces = [
        Piece(1, planes[0], Crop(DISC, (30, 40))),
        Piece(1, planes[1], Crop(DISC, (33, 44))),
        Piece(2, planes[1], Crop(DISC, (5, 7))),
    ]
    pile = shown(viewer, pieces)
    found = {(p.number, p.plane): p.crop for p in pile.batch().pieces}
    assert len(found) == 3
    for piece in pieces:
        assert found[piece.number, piece.plane].iou(piece.crop) == 1
    position = planes[1].position(15.0, 22.0)
    world = viewer.layers[-1].data_to_world(position)
    assert value_at(pile, world) == 2


def test_a_preview_that_would_be_too_large_is_coarser(viewer, monkeypatch) -> None:
    monkeypatch.setattr(module, "MOST_PIXELS", 300)
    plane = Plane((1, 2), ((0, 2),), (100, 120))
    pieces = [Piece(1, plane, Crop(DISC, (30, 40)))]
    pile = shown(viewer, pieces)
    assert 60 < pile.layer.data.size <= 300
    assert pile.batch().pieces == tuple(pieces), "what is written is not coarser"
    world = viewer.layers[-1].data_to_world((2, 40, 55))
    assert value_at(pile, world) == 1


def test_an_object_painted_by_hand_counts(viewer) -> None:
    plane = Plane((1, 2), ((0, 2),), (100, 120))
    pile = shown(viewer, [Piece(1, plane, Crop(DISC, (30, 40)))])
    pile.layer.data[0, :2, :3] = 9
    extra = next(p for p in pile.batch().pieces if p.number == 9)
    assert extra.crop.window == (30, 40, 32, 43)
