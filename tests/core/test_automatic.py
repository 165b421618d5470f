"""Segment everything: filters, tiles, labels that stay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from graphs import write_model

import napari_sam21 as sam
from napari_sam21 import samples
from napari_sam21.core.automatic import (
    Filters,
    Found,
    Objects,
    find_seeds,
    refine_labels,
    segment_points,
    segment_tiles,
)
from napari_sam21.core.automatic.candidates import candidates, distinct, stability
from napari_sam21.core.automatic.objects import ordered
from napari_sam21.core.automatic.tiles import is_cut, tiles_of, whole_objects
from napari_sam21.core.crops import Crop
from napari_sam21.core.errors import Cancelled, EmbeddingMismatchError, PromptError
from napari_sam21.core.geometry import Region
from napari_sam21.core.regions import regions_at

ALL = Filters(points_per_side=4, min_score=0, min_stability=0)


@pytest.fixture(scope="module")
def starter() -> sam.Model:
    return sam.load_model("starter")


@pytest.fixture(scope="module")
def nuclei(starter: sam.Model) -> sam.Embedding:
    return starter.encode(samples.read_image("fluorescence")[:256, :256])


def square(r: int, c: int, side: int, score: float = 0.9, **where: Region) -> Found:
    crop = Crop(np.ones((side, side), bool), (r, c))
    region = where.get("region", Region(0, 0, 100, 100))
    return Found(crop, score, 1.0, (float(r), float(c)), region)


# --- filters ---------------------------------------------------------------------


def test_stability_is_the_iou_of_two_cuts() -> None:
    logits = np.linspace(-2, 2, 100, dtype=np.float32).reshape(10, 10)
    assert stability(logits, 1.0) == (logits > 1).sum() / (logits > -1).sum()
    assert stability(np.full((4, 4), -9, np.float32)) == 0


def test_suppression_keeps_the_better_one_of_two() -> None:
    boxes = [(0, 0, 10, 10), (0, 0, 10, 9), (20, 20, 30, 30)]
    assert distinct(boxes, [0.5, 0.9, 0.7], 0.7) == [1, 2]
    assert distinct(boxes, [0.5, 0.9, 0.7], 0.95) == [1, 2, 0]
    assert distinct([], [], 0.7) == []


def test_a_candidate_is_drawn_as_its_answer_would(
    starter: sam.Model, nuclei: sam.Embedding
) -> None:
    answer = starter.decode(nuclei, sam.Prompts([(100, 100)], [1]))
    found = list(candidates(answer, (100, 100), ALL))
    assert found
    for each in found:
        index = list(answer.scores).index(np.float32(each.score))
        mask, origin = answer.crop(index)
        crop = each.crop(nuclei.region, nuclei.shape)
        assert crop.origin_rc == origin
        np.testing.assert_array_equal(crop.mask, mask)
        assert each.logits.size < 256 * 256


@pytest.mark.parametrize(
    "wrong", [{"points_per_side": 0}, {"min_score": 2}, {"offset": -1}]
)
def test_filters_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(PromptError, match=next(iter(wrong))):
        Filters(**wrong)  # type: ignore[arg-type]


# --- one region ------------------------------------------------------------------


def test_nuclei_are_found_and_are_nuclei(
    starter: sam.Model, nuclei: sam.Embedding
) -> None:
    seen: list[tuple[int, int]] = []
    filters = Filters(points_per_side=9, min_score=0.7, min_stability=0.7)
    found = sam.segment_everything(
        starter, nuclei, filters, progress=lambda *done: seen.append(done)
    )
    assert seen[-1] == (81, 81)
    scores = [each.score for each in found]
    assert scores == sorted(scores, reverse=True)
    truth = samples.read_labels("fluorescence")[:256, :256]
    labels = found.labels()
    hits = 0
    for number in np.unique(truth)[1:]:
        mask = truth == number
        best = np.bincount(labels[mask]).argmax()
        mine = labels == best
        hits += bool(best) and (mask & mine).sum() / (mask | mine).sum() > 0.7
    assert hits >= 0.4 * (len(np.unique(truth)) - 1)


def test_batches_give_what_single_runs_give(tmp_path: Path, image: np.ndarray) -> None:
    single = sam.load_model(write_model(tmp_path / "one"))
    many = sam.load_model(write_model(tmp_path / "many", batches=True))
    assert many.contract.batches
    first, second = (
        sam.segment_everything(m, m.encode(image), ALL).labels() for m in (single, many)
    )
    assert first.any()
    np.testing.assert_array_equal(first, second)


def test_cancel_is_heard_between_batches(tiny: sam.Model, image: np.ndarray) -> None:
    cancel = sam.Cancellation()
    with pytest.raises(Cancelled):
        sam.segment_everything(
            tiny,
            tiny.encode(image),
            Filters(points_per_side=8),
            progress=lambda *_: cancel.cancel(),
            cancel=cancel,
        )


# --- labels ----------------------------------------------------------------------


def test_nothing_there_is_lost_or_overwritten() -> None:
    rng = np.random.default_rng(0)
    labels = (rng.random((100, 100)) < 0.2).astype(np.uint16) * 7
    before = labels.copy()
    found = [
        square(*rng.integers(0, 80, 2), 20, float(rng.random())) for _ in range(30)
    ]
    numbers = ordered(found, (100, 100)).paint(labels, first=8)
    assert numbers
    np.testing.assert_array_equal(labels[before != 0], before[before != 0])
    assert set(np.unique(labels)) == {0, 7, *numbers}


def test_the_better_one_has_the_pixels_and_a_rest_goes() -> None:
    found = [square(0, 0, 20, 0.9), square(0, 15, 20, 0.8), square(2, 2, 16, 0.7)]
    apart = Objects(tuple(found), (100, 100)).apart()
    assert [each.crop.area for each in apart] == [400, 300]
    assert sum(each.crop.area for each in apart) == (apart.labels() > 0).sum()


def test_labels_of_another_plane_or_too_narrow_are_refused() -> None:
    found = Objects((square(0, 0, 5),), (100, 100))
    with pytest.raises(EmbeddingMismatchError, match="same plane"):
        found.paint(np.zeros((5, 5), np.uint16))
    with pytest.raises(EmbeddingMismatchError, match="does not fit into uint8"):
        found.paint(np.zeros((100, 100), np.uint8), first=256)


# --- tiles -----------------------------------------------------------------------


def test_each_grid_point_is_asked_once_away_from_inner_edges() -> None:
    shape = (600, 520)
    tiles = tiles_of(shape, -2, 8)
    points = [point for _, mine in tiles for point in mine]
    assert len(points) == len(set(points)) == 19 * 16
    for region, mine in tiles:
        for row, column in mine:
            assert region.contains(row, column)
            assert region.r0 == 0 or row - region.r0 > 50
            assert region.c1 == shape[1] or region.c1 - column > 50


LEFT, RIGHT = Region(0, 0, 100, 100), Region(0, 50, 100, 150)


def strip(c0: int, c1: int, region: Region, score: float = 0.9) -> Found:
    crop = Crop(np.ones((10, c1 - c0), bool), (40, c0))
    return Found(crop, score, 1.0, (45.0, float(c0)), region)


def test_a_cut_object_gives_way_to_the_whole_one() -> None:
    cut, whole = strip(70, 100, LEFT, 0.95), strip(70, 120, RIGHT, 0.8)
    assert is_cut(cut, (100, 150))
    assert whole_objects([cut, whole], (100, 150), Filters()) == [whole]


def test_two_pieces_become_one_object() -> None:
    pieces = [strip(20, 100, LEFT), strip(50, 130, RIGHT)]
    (one,) = whole_objects(pieces, (100, 150), Filters())
    assert one.crop.window == (40, 20, 50, 130)
    assert one.region == Region(0, 0, 100, 150)


def test_neighbours_at_an_edge_stay_two() -> None:
    pieces = [strip(20, 100, LEFT), strip(50, 60, RIGHT)]
    assert len(whole_objects(pieces, (100, 150), Filters())) == 2


def test_an_object_larger_than_any_tile_is_whole_again() -> None:
    shape = (700, 900)
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    truth = Crop.of(((rows - 350) / 200) ** 2 + ((columns - 450) / 380) ** 2 < 1)
    pieces = [
        Found(truth.clipped(region), 0.9, 1.0, (0.0, 0.0), region)
        for region in regions_at(shape, -2)
    ]
    pieces = [piece for piece in pieces if piece.crop]
    (one,) = whole_objects(pieces, shape, Filters())
    assert one.crop.iou(truth) == 1


def test_without_a_level_the_plane_is_one_region(
    tiny: sam.Model, image: np.ndarray
) -> None:
    seen: list[Region] = []

    def encode(region: Region) -> sam.Embedding:
        seen.append(region)
        return tiny.encode(image, region=region)

    tiled = segment_tiles(tiny, (120, 200), encode, filters=ALL)
    whole = sam.segment_everything(tiny, tiny.encode(image), ALL)
    assert seen == [Region(0, 0, 120, 200)]
    np.testing.assert_array_equal(tiled.labels(), whole.labels())


# --- seeds -----------------------------------------------------------------------


@pytest.mark.parametrize("method", ["distance", "blobs"])
@pytest.mark.parametrize("dark", [False, True])
def test_seeds_lie_on_the_blobs(image: np.ndarray, method: str, dark: bool) -> None:
    seen = 255 - image if dark else image
    seeds = find_seeds(seen, 30, method, dark)
    near = [np.hypot(row - 40, column - 50) < 6 for row, column in seeds]
    far = [np.hypot(row - 80, column - 150) < 6 for row, column in seeds]
    assert any(near)
    assert any(far)
    assert len(seeds) <= 4


def test_no_seeds_in_a_flat_image_and_no_unknown_method(image: np.ndarray) -> None:
    assert find_seeds(np.zeros((50, 50)), 10) == []
    with pytest.raises(PromptError, match="not known"):
        find_seeds(image, 10, "magic")
    with pytest.raises(PromptError, match="diameter"):
        find_seeds(image, 0)


def test_one_object_for_each_point(starter: sam.Model, nuclei: sam.Embedding) -> None:
    truth = samples.read_labels("fluorescence")[:256, :256]
    from skimage.measure import regionprops

    middles = [each.centroid for each in regionprops(truth) if each.area > 300][:6]
    found = segment_points(starter, nuclei, middles)
    assert len(found) == 6
    for point, each in zip(middles, found, strict=True):
        assert each is not None
        assert each.point_rc == point
        assert each.crop.holds(*point)


def test_refining_labels_keeps_their_numbers(
    starter: sam.Model, nuclei: sam.Embedding
) -> None:
    truth = samples.read_labels("fluorescence")[:256, :256].astype(int)
    numbers = np.unique(truth)[1:][
        np.bincount(truth.ravel())[np.unique(truth)[1:]] > 300
    ]
    coarse = np.where(np.isin(truth, numbers), np.roll(truth, 2, axis=0), 0)
    found = refine_labels(starter, nuclei, coarse)
    before, after = [], []
    for number, each in found.items():
        if number in numbers and each is not None:
            mask = Crop.of(truth == number)
            before.append(mask.iou(Crop.of(coarse == number)))
            after.append(mask.iou(each.crop))
    assert len(after) >= 5
    assert np.mean(after) > np.mean(before)
