"""The table of models."""

from __future__ import annotations

import pytest

import napari_sam21 as sam


def test_the_starter_is_the_first_of_the_table() -> None:
    assert next(iter(sam.MODELS)) == "starter"


@pytest.mark.parametrize("row", sam.MODELS.values(), ids=sam.MODELS)
def test_rows_say_what_people_need_to_know(row: object) -> None:
    assert sam.MODELS[row.name] is row
    assert row.title
    assert row.licence
    assert row.data


def test_the_starter_says_that_it_is_not_sam() -> None:
    assert "not SAM" in sam.MODELS["starter"].title


def test_the_table_is_read_only() -> None:
    with pytest.raises(TypeError, match="does not support item assignment"):
        sam.MODELS["mine"] = sam.MODELS["starter"]
