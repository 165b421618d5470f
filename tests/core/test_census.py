"""Labels counted block by block."""

from __future__ import annotations

import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st

from napari_sam21.core import census
from napari_sam21.core.census import Block, Census, blocks_in, count_blocks, counts_of


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a small array have several blocks."""
    monkeypatch.setattr(census, "SIDE", 8)


def whole(shape: tuple[int, ...]) -> list[slice]:
    return [slice(0, size) for size in shape]


@pytest.mark.parametrize("shape", [(8, 8), (20, 9), (2, 7, 17), (2, 3, 8, 1)])
def test_blocks_cover_an_array_once(shape: tuple[int, ...]) -> None:
    times = np.zeros(shape, int)
    for block in blocks_in(whole(shape)):
        times[block.box(shape)] += 1
    assert (times == 1).all()


def test_blocks_of_a_box_are_those_it_touches() -> None:
    box = (slice(1, 2), slice(7, 9), slice(8, 16))
    assert set(blocks_in(box)) == {Block((1,), 0, 1), Block((1,), 1, 1)}


@pytest.mark.parametrize(
    "values", [[0, 0], [3, 3, 0, 1], [70_000, 70_000, 2], [-4, 0, 5], [2**40, 1]]
)
def test_counts(values: list[int]) -> None:
    ids, pixels = np.unique(values, return_counts=True)
    expected = dict(zip(ids.tolist(), pixels.tolist(), strict=True))
    expected.pop(0, None)
    assert counts_of(np.array(values)) == expected


@pytest.mark.parametrize("lazy", [False, True])
def test_a_census_knows_where_labels_are(lazy: bool) -> None:
    labels = np.zeros((2, 20, 20), np.uint16)
    labels[0, 6:10, 6:10], labels[1, 15:, 3], labels[1, 0, 0] = 4, 4, 9
    array = zarr.array(labels) if lazy else labels
    found = Census()
    for block, counts in count_blocks(
        array, list(blocks_in(whole((2, 20, 20))))
    ).items():
        found.put(block, counts)
    assert found.areas(4) == {(0,): 16, (1,): 5}
    assert found.area(9) == 1
    assert set(found.places(4)) == {
        *(Block((0,), r, c) for r in (0, 1) for c in (0, 1)),
        Block((1,), 1, 0),
        Block((1,), 2, 0),
    }
    assert (len(found), 9 in found, 5 in found) == (2, True, False)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3), st.dictionaries(st.integers(1, 4), st.integers(1, 9))
        )
    )
)
def test_the_last_count_of_a_block_counts(
    puts: list[tuple[int, dict[int, int]]],
) -> None:
    found, now = Census(), {}
    for at, counts in puts:
        before = now.get(at, {})
        now[at] = counts
        changed = found.put(Block((), 0, at), counts)
        assert changed == {n for n in before | counts if before.get(n) != counts.get(n)}
    totals: dict[int, int] = {}
    for counts in now.values():
        for label, pixels in counts.items():
            totals[label] = totals.get(label, 0) + pixels
    assert {label: found.area(label) for label in found.ids()} == totals
