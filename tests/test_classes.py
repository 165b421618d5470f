"""Named classes: their ids are the pixels of semantic labels, and must not move."""

from __future__ import annotations

import pytest

from napari_sam21.control.classes import ClassBook
from napari_sam21.core.errors import LayerError


def test_ids_count_in_the_order_of_naming() -> None:
    book = ClassBook()
    book.choose("  mitotic   cell ")
    book.note_all(["dead", "", "mitotic cell"])
    assert book.ids == {"mitotic cell": 1, "dead": 2}
    assert book.chosen_id() == 1
    book.choose("")
    with pytest.raises(LayerError, match="no class is chosen"):
        book.chosen_id()


def test_ids_of_an_earlier_session_stay() -> None:
    book = ClassBook()
    book.restore({"dead": 5, "mitotic": 2})
    book.note_all(["apoptotic", "dead"])
    assert book.ids == {"dead": 5, "mitotic": 2, "apoptotic": 6}


@pytest.mark.parametrize("ids", [None, 3, {"a": "x"}, {"a": 0}, {"a": -1}, ["a"]])
def test_damaged_ids_are_left_out(ids: object) -> None:
    book = ClassBook()
    book.restore(ids)
    assert book.ids == {}


def test_what_is_named_already_is_not_changed() -> None:
    book = ClassBook()
    book.note("dead")
    book.restore({"dead": 9, "other": 1, "new": 4})
    assert book.ids == {"dead": 1, "new": 4}
