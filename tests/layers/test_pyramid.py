"""Levels: which there are, and how they hang together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_sam21.layers.pyramid import (
    COARSEST,
    TEXTURE_LIMIT,
    factors_between,
    level_shapes,
    needs_levels,
)


def test_only_planes_above_the_limit_need_levels() -> None:
    assert not needs_levels((TEXTURE_LIMIT, TEXTURE_LIMIT))
    assert needs_levels((4, TEXTURE_LIMIT + 1, 10))


def test_levels_of_a_large_plane() -> None:
    found = level_shapes((20_001, 20_000))
    assert found == (
        (20_001, 20_000), (10_001, 10_000), (5_001, 5_000), (2_501, 2_500),
        (1_251, 1_250),
    )  # fmt: skip


def test_a_stack_is_halved_along_its_planes_only() -> None:
    found = level_shapes((3, 20_000, 5_000, 2))
    assert {(each[0], each[3]) for each in found} == {(3, 2)}
    assert max(found[-1]) <= COARSEST


@given(st.integers(1, 40_000), st.integers(1, 400), st.integers(0, 5))
def test_every_level_we_make_is_known_again(rows: int, columns: int, k: int) -> None:
    factor = 1 << k
    coarse = (-(-rows // factor), -(-columns // factor), 7)
    found = factors_between((rows, columns, 7), coarse)
    assert found is not None
    assert found[2] == 1
    for size, less, each in zip((rows, columns), coarse, found, strict=False):
        assert -(-size // each) == less, "as many pixels as every each-th there are"


@pytest.mark.parametrize("factor", [2, 3, 4, 5, 10])
@pytest.mark.parametrize("size", [2048, 4097, 20_000])
def test_pyramids_of_others_with_their_last_pixel_dropped(size, factor) -> None:
    assert factors_between((size, size), (size // factor,) * 2) == (factor, factor)


@pytest.mark.parametrize("coarse", [(13, 19), (40, 60), (0, 15), (10,)])
def test_what_is_no_level(coarse) -> None:
    assert factors_between((20, 30), coarse) is None
