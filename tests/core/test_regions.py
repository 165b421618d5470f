"""The pyramid of regions: fixed, half-overlapping, and the smallest that holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_sam21.core.geometry import Region, whole_plane
from napari_sam21.core.regions import (
    Rect,
    choose_region,
    levels_of,
    regions_at,
    side_of,
)

sizes = st.integers(1, 30_000)
shapes = st.tuples(sizes, sizes)


@st.composite
def views(draw: st.DrawFn) -> tuple[tuple[int, int], Rect]:
    """A plane, and a rectangle that overlaps it and may reach out of it."""
    shape = draw(shapes)
    edges = []
    for size in shape:
        first = draw(st.floats(-size, size - 0.01))
        last = draw(st.floats(max(first, 0) + 0.01, 2 * size + 1))
        edges.append((first, last))
    (r0, r1), (c0, c1) = edges
    return shape, Rect(r0, c0, r1, c1)


def holds(region: Region, rect: Rect) -> bool:
    return (
        region.r0 <= rect.r0
        and region.c0 <= rect.c0
        and rect.r1 <= region.r1
        and rect.c1 <= region.c1
    )


def test_sides_double_from_256() -> None:
    assert [side_of(level) for level in range(-2, 3)] == [256, 512, 1024, 2048, 4096]


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((200, 256), []),
        ((200, 257), [-2]),
        ((520, 696), [-2, -1]),
        ((1024, 1024), [-2, -1]),
        ((20_000, 20_000), [-2, -1, 0, 1, 2, 3, 4]),
    ],
)
def test_levels_end_below_the_whole_plane(
    shape: tuple[int, int], expected: list[int]
) -> None:
    assert list(levels_of(shape)) == expected


@given(views())
def test_the_region_holds_what_is_seen(case: tuple[tuple[int, int], Rect]) -> None:
    shape, view = case
    seen = view.clipped(shape)
    assert seen is not None
    region = choose_region(shape, view)
    assert holds(region, seen)
    assert 0 <= region.r0 < region.r1 <= shape[0]
    assert 0 <= region.c0 < region.c1 <= shape[1]


@given(views())
def test_there_is_no_smaller_one(case: tuple[tuple[int, int], Rect]) -> None:
    shape, view = case
    seen, region = view.clipped(shape), choose_region(shape, view)
    assert seen is not None
    for level in levels_of(shape):
        # Few regions are looked at: the whole list of a large plane is long.
        if side_of(level) < 2048 and max(shape) > 8000:
            continue
        found = [each for each in regions_at(shape, level) if holds(each, seen)]
        if found:
            assert region.height * region.width <= min(
                each.height * each.width for each in found
            )
            break


@given(views())
def test_half_a_side_is_always_held(case: tuple[tuple[int, int], Rect]) -> None:
    """Squares overlap by half: the region is at most four times the view's side."""
    shape, view = case
    seen, region = view.clipped(shape), choose_region(shape, view)
    assert seen is not None
    longest = max(seen.r1 - seen.r0, seen.c1 - seen.c0)
    assert max(region.height, region.width) <= max(256, 4 * longest)


@given(views(), st.data())
def test_prompts_are_held_too(
    case: tuple[tuple[int, int], Rect], data: st.DataObject
) -> None:
    shape, view = case
    points = [
        tuple(data.draw(st.floats(-0.5, size - 0.5)) for size in shape)
        for _ in range(3)
    ]
    region = choose_region(shape, view, points)
    assert all(region.contains(row, column) for row, column in points)


@pytest.mark.parametrize(
    "view", [None, Rect(-10, -10, -1, -1), Rect(500, 0, 600, 10), Rect(5, 5, 5, 9)]
)
def test_without_a_view_it_is_the_whole_plane(view: Rect | None) -> None:
    assert choose_region((300, 400), view) == whole_plane((300, 400))


def test_among_equals_the_most_central_is_taken() -> None:
    view = Rect(1000, 1000, 1100, 1100)
    assert choose_region((4096, 4096), view) == Region(896, 896, 1152, 1152)


@pytest.mark.parametrize("shape", [(1000, 1000), (300, 5000), (257, 256)])
def test_a_level_covers_the_plane(shape: tuple[int, int]) -> None:
    for level in levels_of(shape):
        found = regions_at(shape, level)
        assert len(set(found)) == len(found)
        for row in range(0, shape[0], 37):
            for column in range(0, shape[1], 41):
                assert any(each.contains(row, column) for each in found)
        assert max(each.r1 for each in found) == shape[0]
        assert max(each.c1 for each in found) == shape[1]
