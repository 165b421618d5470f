"""Prompts as values, and as the decoder's tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_sam21.core.errors import PromptError
from napari_sam21.core.geometry import Region
from napari_sam21.core.prompts import Prompts, to_tensors

REGION = Region(0, 0, 100, 200)
OFFSET = Region(300, 40, 400, 240)


def test_clicks_become_model_points_in_their_order() -> None:
    coords, labels = to_tensors(Prompts([(25, 50), (50, 100.5)], [1, 0]), REGION)
    np.testing.assert_allclose(coords, [[[256, 256], [514.56, 512]]])
    np.testing.assert_array_equal(labels, [[1, 0]])
    assert coords.dtype == labels.dtype == np.float32


def test_a_box_is_two_points_before_the_clicks() -> None:
    prompts = Prompts([(25, 50)], [0], box_rc=(10, 20, 60, 120))
    coords, labels = to_tensors(prompts, REGION)
    np.testing.assert_allclose(
        coords, [[[102.4, 102.4], [614.4, 614.4], [256, 256]]], rtol=1e-6
    )
    np.testing.assert_array_equal(labels, [[2, 3, 0]])


def test_a_box_alone_is_enough() -> None:
    coords, labels = to_tensors(Prompts(box_rc=(10, 20, 60, 120)), REGION)
    assert coords.shape == (1, 2, 2)
    np.testing.assert_array_equal(labels, [[2, 3]])


@pytest.mark.parametrize(
    "corners", [(10, 20, 60, 120), (60, 120, 10, 20), (10, 120, 60, 20)]
)
def test_any_two_opposite_corners_make_the_same_box(corners: Any) -> None:
    assert Prompts(box_rc=corners) == Prompts(box_rc=(10, 20, 60, 120))


def test_a_generous_box_is_clipped_to_the_region() -> None:
    coords, _ = to_tensors(Prompts(box_rc=(200, -9, 350, 999)), OFFSET)
    np.testing.assert_allclose(coords, [[[0, 0], [1024, 512]]])


@pytest.mark.parametrize(
    "box", [(0, 0, 50, 39), (0, 0, 300, 300), (300, 240, 350, 300), (400, 40, 500, 99)]
)
def test_a_box_outside_is_refused(box: Any) -> None:
    with pytest.raises(PromptError, match=r"box .* outside the embedded region"):
        to_tensors(Prompts(box_rc=box), OFFSET)


@pytest.mark.parametrize(
    "point", [(299.4, 50), (400, 50), (350, 39.4), (350, 240), (-1, -1), (1e9, 50)]
)
def test_a_point_outside_is_refused(point: tuple[float, float]) -> None:
    prompts = Prompts([(350, 100), point], [1, 1])
    with pytest.raises(PromptError, match=r"outside the embedded region \(300, 40, "):
        to_tensors(prompts, OFFSET)


@pytest.mark.parametrize("empty", [Prompts(), Prompts([], []), Prompts((), (), None)])
def test_nothing_is_no_prompt(empty: Prompts) -> None:
    assert not empty
    with pytest.raises(PromptError, match="at least one point or a box"):
        to_tensors(empty, REGION)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([(1, 2)], []), "1 points but 0 point_labels"),
        (([], [1]), "0 points but 1 point_labels"),
        (([(1, 2)], [1, 0]), "one label .* for each point"),
        (([(1, 2)], [2]), "label 2 is not known; use 1"),
        (([(1, 2)], [-1]), "label -1 is not known"),
        (([(1, 2)], ["+"]), r"label '\+' is not known"),
        (([(1, 2)], [0.5]), r"label 0\.5 is not known"),
        (([(1, np.nan)], [1]), "not a finite"),
        (([(np.inf, 1)], [1]), "not a finite"),
        (([(1, 2, 3)], [1]), r"point \(1\.0, 2\.0, 3\.0\) is not"),
        (([(1,)], [1]), "pair"),
        (([1.0, 2.0], [1]), "pair"),  # the brackets of the list forgotten
        (([], [], (1, 2, 3)), "four finite numbers"),
        (([], [], (1, 2, 3, np.nan)), "four finite numbers"),
    ],
)
def test_malformed_prompts_are_refused(arguments: Any, message: str) -> None:
    with pytest.raises(PromptError, match=message):
        Prompts(*arguments)


def test_arrays_are_accepted_and_become_plain_tuples() -> None:
    found = Prompts(
        np.array([[1, 2.5], [3, 4]], np.float32),
        np.array([1, 0], np.int8),
        np.array([9, 8, 7, 6]),
    )
    assert found == Prompts([(1, 2.5), (3, 4)], [1, 0], (7, 6, 9, 8))
    assert found.points_rc == ((1.0, 2.5), (3.0, 4.0))
    assert found.point_labels == (1, 0)
    assert type(found.point_labels[0]) is int


def test_a_later_change_of_the_array_does_not_reach_the_prompts() -> None:
    points = np.array([[1.0, 2.0]])
    prompts = Prompts(points, [1])
    points[:] = 0
    assert prompts.points_rc == ((1.0, 2.0),)


def test_equal_prompts_have_equal_hashes() -> None:
    one, other = Prompts([[1, 2]], [1]), Prompts(np.array([(1.0, 2.0)]), (True,))
    assert one == other
    assert len({one, other, Prompts([(1, 2)], [0]), Prompts([(2, 1)], [1])}) == 3


def test_points_by_their_sign() -> None:
    prompts = Prompts([(1, 2), (3, 4), (5, 6)], [1, 0, 1])
    assert prompts.points_of(1) == ((1, 2), (5, 6))
    assert prompts.points_of(0) == ((3, 4),)


FIRST = Prompts([(1, 2)], [1])
BOXED = Prompts([(1, 2)], [1], (0, 0, 5, 5))


@pytest.mark.parametrize(
    ("later", "earlier", "expected"),
    [
        (FIRST, FIRST, True),
        (FIRST, Prompts(), True),
        (Prompts([(1, 2), (3, 4)], [1, 0]), FIRST, True),
        (BOXED, FIRST, True),  # a box was added
        (BOXED, Prompts(box_rc=(0, 0, 5, 5)), True),
        (FIRST, BOXED, False),  # the box went
        (Prompts([(1, 2)], [1], (0, 0, 5, 6)), BOXED, False),  # or changed
        (Prompts(), FIRST, False),
        (Prompts([(1, 2)], [0]), FIRST, False),  # flipped
        (Prompts([(1, 2.5)], [1]), FIRST, False),  # moved
        (Prompts([(3, 4), (1, 2)], [1, 1]), FIRST, False),  # put before
    ],
)
def test_extends(later: Prompts, earlier: Prompts, expected: bool) -> None:
    assert later.extends(earlier) is expected
