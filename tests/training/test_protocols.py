from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.segmentation import flood

import napari_sam21 as sam
from training.evaluation.baselines import BASELINES
from training.evaluation.flooding import Flood
from training.evaluation.grid import through_grid
from training.evaluation.otsu import Watershed
from training.evaluation.patches import iou, targets
from training.evaluation.protocols import (
    PROTOCOLS,
    QUICK,
    STANDARD,
    Box,
    Curve,
    Jitter,
    Rounds,
    Scatter,
    random_errors,
)
from training.evaluation.sitting import EMPTY, Session, Sitting
from training.evaluation.tallies import tally


@dataclass
class Oracle:
    """Grows the object whose pixel was clicked first by a share with each click.

    Of its three candidates the second is best, and its scores say so.
    """

    labels: np.ndarray
    growth: float = 0.25
    asked: list[sam.Prompts] = field(default_factory=list)

    def encode(self, image: np.ndarray) -> None:
        return None

    def decode(self, embedding: Any, prompts: sam.Prompts, previous: Any) -> Shown:
        self.asked.append(prompts)
        if prompts.box_rc is not None:
            r0, c0, r1, c1 = (int(edge) for edge in prompts.box_rc)
            number = np.bincount(self.labels[r0:r1, c0:c1].ravel())[1:].argmax() + 1
        else:
            row, column = prompts.points_of(1)[0]
            number = self.labels[int(row), int(column)]
        whole = np.argwhere(self.labels == number)
        share = min(1.0, self.growth * len(prompts.point_labels)) or 1.0
        return Shown(self.labels.shape, whole[: round(share * len(whole))])


@dataclass(frozen=True, eq=False)
class Shown:
    shape: tuple[int, ...]
    pixels: np.ndarray
    scores = np.array([0.3, 0.8, 0.4], np.float32)
    best = 1

    def crop(self, index: int | None = None) -> tuple[np.ndarray, tuple[int, int]]:
        mask = np.zeros(self.shape, bool)
        kept = self.pixels if index in (None, 1) else self.pixels[:1]
        mask[tuple(kept.T)] = True
        return mask, (0, 0)


@pytest.fixture
def oracle(labels: np.ndarray) -> Sitting:
    return Sitting.of(Oracle(labels), labels, labels, "an image")


def test_the_curve_and_what_the_first_click_said(oracle: Sitting) -> None:
    found = Curve(every=5, most=8).run(oracle)
    for ious in found["ious"]:
        # Pixels by rows are a quarter, a half, … of the object; then it is perfect.
        assert ious == pytest.approx([0.25, 0.5, 0.75, 1, 1], abs=0.01)
    assert found["msa"]["5"] == 1
    assert found["msa"]["1"] == 0
    facts = found["first"][0]
    assert facts["best"] == 1
    assert facts["scores"] == [0.3, 0.8, 0.4]
    assert facts["candidates"][1] == pytest.approx(0.25, abs=0.01)


def test_a_perfect_mask_is_not_clicked_again(oracle: Sitting) -> None:
    Curve(every=10, most=20).run(oracle)
    most = max(len(prompts.point_labels) for prompts in oracle.segmenter.asked)
    assert most == 4


def test_clicks_go_on_until_enough(labels: np.ndarray) -> None:
    slow = Sitting.of(Oracle(labels, 0.061), labels, labels, "x")
    found = Curve(every=10, most=20, enough=0.9).run(slow)
    assert {len(ious) for ious in found["ious"]} == {15}
    never = Sitting.of(Oracle(labels, 0.01), labels, labels, "x")
    assert {len(ious) for ious in Curve().run(never)["ious"]} == {20}


def test_tallies_of_the_oracle(oracle: Sitting) -> None:
    names = ("curve", "jitter", "box", "scatter", "grid", "rounds")
    sums = tally({name: PROTOCOLS[name].run(oracle) for name in names})
    means = {name: total / count for name, (total, count) in sums.items() if count}
    assert means["noc_80"] == means["noc_90"] == 4
    assert means["never_90"] == 0
    assert means["agreement"] == 1
    assert means["score_error"] == pytest.approx(0.55, abs=0.01)
    assert means["score_bias"] == pytest.approx(0.55, abs=0.01)
    assert means["jitter_cost"] == 0
    assert means["box"] == means["msa_box"] == means["iou_10"] == 1
    assert sums["iou_1"][1] == 3
    assert sums["scatter_20"] == (1.0, 1)
    assert means["scatter_collapsed"] == 0
    assert means["rounds_point_0"] == 0


def test_no_figures_of_predictions_without_predictions(labels: np.ndarray) -> None:
    sitting = Sitting.of(Watershed(), labels, labels, "x")
    sums = tally({"quick": PROTOCOLS["quick"].run(sitting)})
    assert sums["agreement"] == (0, 0)
    assert "noc_80" not in sums


def test_an_image_without_objects(labels: np.ndarray) -> None:
    sitting = Sitting.of(Oracle(labels), labels, labels * 0, "x")
    names = (*STANDARD, *QUICK, "rounds")
    sums = tally({name: PROTOCOLS[name].run(sitting) for name in names})
    assert {count for _, count in sums.values()} == {0}


def test_jitter_stays_inside_and_is_the_same_each_time(oracle: Sitting) -> None:
    target = oracle.targets[1]
    drawn = [Jitter().click(target.patch, np.random.default_rng(n)) for n in range(300)]
    assert {oracle.truth[click] > 0 for click in drawn} == {True}
    away = np.array(drawn) - (60, 90)
    assert away.std() == pytest.approx(0.25 * 20, rel=0.15)
    first = Jitter().run(oracle)
    asked = list(oracle.segmenter.asked)
    oracle.segmenter.asked.clear()
    assert Jitter().run(oracle) == first
    assert oracle.segmenter.asked == asked


def test_jitter_of_a_thin_object_falls_back_to_its_middle() -> None:
    labels = np.zeros((200, 200), int)
    labels[100, :] = 1
    (target,) = targets(labels)
    wide = Jitter(share=1e6)
    click = wide.click(target.patch, np.random.default_rng(0))
    assert labels[click] == 1


def test_boxes_are_the_bounding_boxes(oracle: Sitting, labels: np.ndarray) -> None:
    found = Box().run(oracle)
    assert found["ious"] == [1, 1, 1]
    rows, columns = np.nonzero(labels == 1)
    box = rows.min(), columns.min(), rows.max() + 1, columns.max() + 1
    assert oracle.segmenter.asked[0].box_rc == box


def test_scattered_clicks_are_true(oracle: Sitting, labels: np.ndarray) -> None:
    clicks = Scatter().draw(oracle, oracle.targets[0])
    assert len(clicks) == 20
    assert clicks[0][1] == 1
    assert {sign for _, sign in clicks} == {0, 1}
    assert all((labels[point] == 1) == bool(sign) for point, sign in clicks)


def test_random_errors(oracle: Sitting) -> None:
    one, other = (target.patch for target in oracle.targets[:2])
    rng = np.random.default_rng(0)
    (missed, plus), (extra, minus) = random_errors(one, other, rng)
    assert (plus, minus) == (1, 0)
    assert oracle.truth[missed] == oracle.truth[60, 90]
    assert oracle.truth[extra] == oracle.truth[30, 30]
    assert random_errors(one, one, rng) == []


def test_rounds_from_points_and_boxes(oracle: Sitting) -> None:
    assert Rounds().run(oracle)["msa"][0] == 0
    assert Rounds(start="box").run(oracle)["msa"][0] == 1


def test_every_protocol_has_a_key_of_its_own() -> None:
    assert len({each.key for each in PROTOCOLS.values()}) == len(PROTOCOLS)


def test_a_model_of_the_package_is_a_segmenter(
    tiny: sam.Model, image: np.ndarray
) -> None:
    labels = np.zeros(image.shape, int)
    labels[20:60, 30:70] = 1
    sitting = Sitting.of(tiny, image, labels, "x")
    session = Session(sitting)
    assert session.shown is EMPTY
    session.ask(((40, 50), 1))
    session.ask(((50, 60), 0))
    facts = session.facts(sitting.targets[0].patch)
    assert facts["best"] == 1
    assert len(facts["candidates"]) == 3
    quick = PROTOCOLS["quick"].run(sitting)
    assert len(quick["ious"][0]) == 5


# --- baselines -------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(BASELINES))
@pytest.mark.parametrize("bright", [True, False])
@pytest.mark.parametrize("colour", [True, False])
def test_baselines_segment_plain_discs(
    labels: np.ndarray, name: str, bright: bool, colour: bool
) -> None:
    image = np.where((labels > 0) == bright, 200, 40).astype(np.uint8)
    image = np.stack([image] * 3, -1) if colour else image
    sitting = Sitting.of(BASELINES[name], image, labels, "x")
    assert min(ious[0] for ious in Curve(1, 1).run(sitting)["ious"]) > 0.75
    assert min(Box().run(sitting)["ious"]) > 0.75


def test_watershed_parts_touching_discs(labels: np.ndarray) -> None:
    rows, columns = np.mgrid[:80, :80]
    left = (rows - 40) ** 2 + (columns - 26) ** 2 < 256
    right = (rows - 40) ** 2 + (columns - 52) ** 2 < 256
    truth = np.where(left, 1, np.where(right, 2, 0))
    image = (truth > 0) * 200.0
    sitting = Sitting.of(Watershed(), image, truth, "x")
    assert min(ious[0] for ious in Curve(1, 1).run(sitting)["ious"]) > 0.9
    # As one part, a negative click cuts it.
    whole = Sitting.of(Watershed(peak_distance=40), image, truth, "x")
    session = Session(whole)
    wanted = whole.targets[0].patch
    assert iou(session.ask(((40, 26), 1)), wanted) < 0.6
    assert iou(session.ask(((40, 52), 0)), wanted) > 0.9


def test_a_flood_is_bounded_by_its_tolerance() -> None:
    ramp = np.tile(np.linspace(0, 1, 100), (20, 1))
    wand = Flood(tolerance=0.1)
    grey = wand.encode(ramp)
    mask, (_, left) = wand.decode(grey, sam.Prompts([(10, 50)], [1])).crop()
    assert (left, mask.shape[1]) == pytest.approx((40, 20), abs=2)
    both = sam.Prompts([(10, 50), (10, 59)], [1, 0])
    assert wand.decode(grey, both).crop()[0].any()
    assert not wand.decode(grey, sam.Prompts([(10, 50)], [0])).crop()[0].any()


def test_a_flood_is_the_same_in_windows_and_in_the_whole() -> None:
    grey = gaussian_filter(np.random.default_rng(0).random((150, 200)), 3)
    grey = (grey - grey.min()) / np.ptp(grey)
    for pixel in ((0, 0), (75, 100), (149, 199), (20, 180)):
        for tolerance in (0.05, 0.2, 0.4):
            whole = flood(grey, pixel, tolerance=tolerance)
            assert (Flood(tolerance).fill(grey, pixel, {}) == whole).all()


def test_a_flat_image_breaks_no_baseline() -> None:
    image, labels = np.full((40, 40), 7, np.uint8), np.zeros((40, 40), int)
    labels[10:20, 10:20] = 1
    for baseline in BASELINES.values():
        sitting = Sitting.of(baseline, image, labels, "x")
        assert len(Box().run(sitting)["ious"]) == 1
        assert len(Curve(2, 2).run(sitting)["ious"][0]) == 2


# --- grid ------------------------------------------------------------------------


def test_the_grid_costs_nothing_where_it_is_as_fine_as_the_image() -> None:
    labels = np.zeros((256, 256), int)
    labels[100:113, 50:90] = 1
    (target,) = targets(labels)
    assert iou(through_grid(target.patch, labels.shape), target.patch) == 1


def test_the_grid_costs_small_objects_of_large_images_most() -> None:
    caps = []
    for radius in (5, 12, 60):
        rows, columns = np.mgrid[:1000, :1000]
        labels = ((rows - 503) ** 2 + (columns - 498) ** 2 < radius**2).astype(int)
        (target,) = targets(labels)
        caps.append(iou(through_grid(target.patch, labels.shape), target.patch))
    assert caps == sorted(caps)
    assert 0.6 < caps[0] < 0.95
    assert caps[2] > 0.97
