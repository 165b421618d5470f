"""Neighbours and plans: pure values, checked against what one would list by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_sam21.core.errors import PlanError
from napari_sam21.core.geometry import Region, whole_plane
from napari_sam21.core.regions import beside, count_at, level_of, levels_of, regions_at
from napari_sam21.layers.ahead import (
    level_named,
    make_plan,
    moved,
    neighbours,
    regions_of,
)
from napari_sam21.layers.planes import Plane

STACK = Plane((1, 2), ((0, 3),), (600, 900))
WHOLE = whole_plane(STACK.shape)


def slices(found: list[tuple[Plane, Region]], axis: int = 0) -> list[int]:
    return [dict(plane.hidden)[axis] for plane, _ in found]


@pytest.mark.parametrize(
    ("index", "expected"), [(3, [4, 2, 5, 1]), (0, [1, 2]), (9, [8, 7]), (8, [9, 7, 6])]
)
def test_the_next_slices_come_first(index: int, expected: list[int]) -> None:
    plane = moved(STACK, {0: index})
    found = neighbours(plane, (10, 600, 900), WHOLE)
    assert slices(found) == expected
    assert {region for _, region in found} == {WHOLE}


def test_slices_of_several_axes_are_one_step_away() -> None:
    plane = Plane((2, 3), ((0, 1), (1, 5)), (60, 80))
    found = neighbours(plane, (3, 10, 60, 80), whole_plane(plane.shape))
    assert [plane.hidden for plane, _ in found] == [
        ((0, 1), (1, 6)), ((0, 2), (1, 5)), ((0, 1), (1, 4)), ((0, 0), (1, 5)),
    ]  # fmt: skip


def test_regions_beside_come_after_slices() -> None:
    region = Region(128, 256, 384, 512)
    found = neighbours(STACK, (10, 600, 900), region)
    assert slices(found[:4]) == [4, 2, 5, 1]
    assert {each for _, each in found[:4]} == {region}
    assert [each for _, each in found[4:]] == [
        Region(128, 384, 384, 640), Region(128, 128, 384, 384),
        Region(256, 256, 512, 512), Region(0, 256, 256, 512),
    ]  # fmt: skip


def test_a_plane_has_no_neighbours() -> None:
    plane = Plane((0, 1), (), (600, 900))
    assert neighbours(plane, (600, 900), whole_plane(plane.shape)) == []


@given(
    st.tuples(st.integers(1, 3000), st.integers(1, 3000)),
    st.integers(-2, 1),
    st.randoms(use_true_random=False),
)
def test_regions_beside_are_of_the_pyramid_and_overlap(shape, level, random) -> None:
    if level not in set(levels_of(shape)):
        return
    known = regions_at(shape, level)
    assert count_at(shape, level) == len(known)
    region = random.choice(known)
    assert level_of(shape, region) == level
    found = beside(shape, region)
    assert len(set(found)) == len(found) <= 4
    assert region not in found
    for each in found:
        assert each in known
        overlap = Region(
            max(each.r0, region.r0), max(each.c0, region.c0),
            min(each.r1, region.r1), min(each.c1, region.c1),
        )  # fmt: skip
        area = region.height * region.width
        assert 2 * overlap.height * overlap.width >= area
    assert found or len(known) == 1 or len({r.r0 for r in known}) == 1


def test_a_region_of_no_pyramid_has_none_beside() -> None:
    assert beside((600, 900), Region(5, 5, 261, 261)) == ()
    assert level_of((600, 900), WHOLE) is None


def test_a_plan_begins_where_one_is() -> None:
    plan = make_plan(STACK, {0: range(10)}, (WHOLE,), 100)
    assert slices(list(plan.targets)) == [3, 4, 2, 5, 1, 6, 0, 7, 8, 9]
    assert not plan.is_cut


def test_a_plan_that_does_not_fit_is_cut() -> None:
    regions = regions_of(STACK.shape, -1)
    plan = make_plan(STACK, {0: range(10)}, regions, 15)
    assert plan.wanted == 10 * len(regions) == 60
    assert plan.is_cut
    assert [t for t in plan.targets if t[0] == STACK] == [(STACK, r) for r in regions]
    assert slices(list(plan.targets)) == [3] * 6 + [4] * 6 + [2] * 3


def test_silly_plans_are_refused() -> None:
    with pytest.raises(PlanError, match=r"20,000 embeddings, 335\.5 GB: more than"):
        make_plan(STACK, {0: range(20_000)}, (WHOLE,), 100)
    with pytest.raises(PlanError, match="take fewer slices or larger regions"):
        regions_of((20_000, 20_000), -2)
    with pytest.raises(PlanError, match="make room on the disk"):
        make_plan(STACK, {}, (WHOLE,), 0)
    with pytest.raises(PlanError, match="at least one slice"):
        make_plan(STACK, {0: range(0)}, (WHOLE,), 9)


def test_regions_are_named_by_their_side() -> None:
    assert level_named((2000, 3000), 512) == -1
    with pytest.raises(PlanError, match="there are: 256, 512, 1024, 2048; or take"):
        level_named((2000, 3000), 300)
    with pytest.raises(PlanError, match="none: the plane is small"):
        level_named((200, 200), 256)
