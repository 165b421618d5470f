"""Cleaning: what the preview shows is what is committed."""

from __future__ import annotations

import numpy as np
import pytest
from desk import Desk
from scipy import ndimage

from napari_sam21.control.many import MADE_BY
from napari_sam21.core.crops import Crop
from napari_sam21.layers.batch import Batch, Piece

CORNERS_TOO = np.ones((3, 3))


@pytest.fixture
def pieces(desk, image) -> Desk:
    """An object of two discs, the first with a hole: as the tiny model answers."""
    d = desk(image)
    d.ready()
    d.click(40, 50)
    d.click(40, 50, label=0)
    d.click(90, 150)
    d.controller.choose(0)
    return d


def count(mask: np.ndarray) -> int:
    return int(ndimage.label(mask, CORNERS_TOO)[1])


def test_the_preview_shows_the_largest_piece_and_it_is_committed(pieces: Desk) -> None:
    raw = pieces.preview.data != 0
    assert count(raw) == 2
    pieces.controller.set_cleaning(True, False)
    shown = pieces.preview.data != 0
    assert count(shown) == 1
    assert shown.sum() < raw.sum()
    data = pieces.commit()
    np.testing.assert_array_equal(data == 1, shown)
    pieces.controller.undo()
    assert not data.any()
    pieces.controller.set_cleaning(False, False)
    np.testing.assert_array_equal(pieces.preview.data != 0, raw)


def test_holes_are_filled_unless_the_user_erased_them(pieces: Desk) -> None:
    raw = pieces.preview.data != 0
    filled = ndimage.binary_fill_holes(raw)
    assert filled.sum() > raw.sum()
    pieces.controller.set_cleaning(False, True)
    np.testing.assert_array_equal(pieces.preview.data != 0, filled)
    pieces.preview.brush_size = 3
    with pieces.preview.block_history():
        pieces.preview.paint((90, 150), 0)
    seen = pieces.preview.data != 0
    assert not seen[90, 150]
    np.testing.assert_array_equal(pieces.commit() == 1, seen)


def test_the_choice_holds_for_the_next_image(desk, image) -> None:
    d = desk(image, image[::-1].copy())
    d.controller.set_cleaning(True, True)
    d.controller.set_image(d.images[1])
    cleaning = d.controller.view().cleaning
    assert cleaning.largest_piece
    assert cleaning.fill_holes
    d.controller.set_cleaning(False, False)
    assert not d.controller.view().cleaning


def test_many_objects_are_cleaned_before_they_are_shown(
    desk, image, monkeypatch
) -> None:
    ring = np.ones((20, 20), bool)
    ring[5:9, 5:9] = False
    d = desk(image)
    d.ready()
    d.controller.set_cleaning(False, True)

    def job(work, site) -> Batch:
        pieces = [Piece(n, site.plane, Crop.of(ring, (20, 40 * n))) for n in (1, 2)]
        return Batch(tuple(pieces))

    monkeypatch.setitem(MADE_BY, job, "a test")
    d.controller.many._find("Looking", job)
    d.host.until(lambda: not d.controller.many.running)
    d.host.turn()
    d.controller.many.tray.accept()
    d.host.turn()
    data = np.asarray(d.controller.target.labels.data)
    assert [(data == number).sum() for number in (1, 2)] == [400, 400]
