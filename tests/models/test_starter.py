"""The embedded model: small, of the card's contract, and good enough to begin with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import napari_sam21 as sam
from napari_sam21.core.contract import check_decoder
from napari_sam21.core.runtime import Graph
from napari_sam21.models.weights import model_path

MEGABYTE = 1_000_000
SHAPE = (300, 400)
DISCS = ((90, 110, 12), (190, 280, 9))  # row, column, radius: nuclei are of that size
CENTRE = (90.0, 110.0)


def disc(row: float, column: float, radius: float) -> np.ndarray:
    rows, columns = np.indices(SHAPE)
    return (rows - row) ** 2 + (columns - column) ** 2 < radius**2


def overlap(mask: np.ndarray, truth: np.ndarray) -> float:
    return (mask & truth).sum() / (mask | truth).sum()


@pytest.fixture(scope="module")
def folder() -> Path:
    return model_path("starter")


@pytest.fixture(scope="module")
def starter() -> sam.Model:
    return sam.load_model("starter")


@pytest.fixture(scope="module")
def discs() -> np.ndarray:
    """Two bright discs, as large as nuclei, on a dark ground, with a camera's noise."""
    image = np.random.default_rng(0).normal(20, 4, SHAPE)
    for each in DISCS:
        image[disc(*each)] += 120
    return np.clip(image, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def embedding(starter: sam.Model, discs: np.ndarray) -> sam.Embedding:
    return starter.encode(discs)


def test_it_is_small(folder: Path) -> None:
    files = list(folder.glob("*.onnx"))
    assert len(files) == 2
    assert sum(file.stat().st_size for file in files) <= 12 * MEGABYTE


def test_the_decoder_keeps_the_contract_of_the_card(folder: Path) -> None:
    graph = Graph(folder / "decoder.onnx", "decoder")
    contract = check_decoder(graph.inputs, graph.outputs, "decoder")
    assert contract.logits_name == "low_res_masks"
    assert str(graph.outputs["masks"]).endswith(", 3, 1024, 1024]")
    assert str(graph.inputs["point_coords"]).endswith(", ?, 2]")


@pytest.mark.parametrize("target", DISCS)
def test_one_click_finds_a_disc(
    target: tuple[int, int, int], starter: sam.Model, embedding: sam.Embedding
) -> None:
    answer = starter.decode(embedding, sam.Prompts([target[:2]], [1]))
    assert overlap(answer.mask(), disc(*target)) >= 0.8


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_other_dtypes_show_the_same(
    dtype: type, starter: sam.Model, discs: np.ndarray
) -> None:
    found = starter.encode(discs.astype(dtype) * 100)
    answer = starter.decode(found, sam.Prompts([CENTRE], [1]))
    assert overlap(answer.mask(), disc(*DISCS[0])) >= 0.8


@pytest.mark.parametrize("count", [1, 2, 5])
def test_any_number_of_points(
    count: int, starter: sam.Model, embedding: sam.Embedding
) -> None:
    points = [CENTRE, (90, 140), (85, 105), (96, 116), (30, 300)]
    prompts = sam.Prompts(points[:count], [1, 0, 1, 1, 0][:count])
    answer = starter.decode(embedding, prompts)
    assert np.isfinite(answer.logits).all()
    assert overlap(answer.mask(), disc(*DISCS[0])) >= 0.8


def test_a_box_finds_a_disc(starter: sam.Model, embedding: sam.Embedding) -> None:
    answer = starter.decode(embedding, sam.Prompts(box_rc=(77, 97, 103, 123)))
    assert overlap(answer.mask(), disc(*DISCS[0])) >= 0.8


def test_feedback_keeps_what_was_found(
    starter: sam.Model, embedding: sam.Embedding
) -> None:
    prompts = sam.Prompts([CENTRE], [1])
    first = starter.decode(embedding, prompts)
    again = starter.decode(embedding, prompts, first)
    assert overlap(again.mask(), first.mask()) >= 0.9


def test_scores_are_believable(starter: sam.Model, embedding: sam.Embedding) -> None:
    answer = starter.decode(embedding, sam.Prompts([CENTRE], [1]))
    true = overlap(answer.mask(), disc(*DISCS[0]))
    assert answer.scores.max() == pytest.approx(true, abs=0.25)


def test_many_objects_equal_single_ones(
    starter: sam.Model, embedding: sam.Embedding
) -> None:
    prompts = [
        sam.Prompts([CENTRE], [1]),
        sam.Prompts([(190, 280), (90, 110)], [1, 0]),
        sam.Prompts(box_rc=(77, 97, 103, 123)),
        sam.Prompts([(190, 280)], [1]),
    ]
    found = starter.decode_many(embedding, prompts)
    for answer, each in zip(found, prompts, strict=True):
        single = starter.decode(embedding, each)
        np.testing.assert_allclose(answer.logits, single.logits, atol=1e-2)
        np.testing.assert_allclose(answer.scores, single.scores, atol=1e-3)


@pytest.mark.parametrize("value", [0, 255])
def test_an_empty_picture_is_answered(value: int, starter: sam.Model) -> None:
    found = starter.encode(np.full((50, 60), value, np.uint8))
    answer = starter.decode(found, sam.Prompts([(25, 30)], [1]))
    assert np.isfinite(answer.logits).all()
    assert np.isfinite(answer.scores).all()
