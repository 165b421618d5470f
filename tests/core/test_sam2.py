"""Encode and decode with a tiny real model: geometry, candidates, feedback, batches."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from graphs import RADII, SCORES, decoder, encoder, write_model

import napari_sam21 as sam
from napari_sam21.core import sam2
from napari_sam21.core.errors import (
    Cancelled,
    EmbeddingMismatchError,
    ImageError,
    ModelError,
    PromptError,
)
from napari_sam21.core.preprocess import prepare
from napari_sam21.core.providers.way import FAST, Way
from napari_sam21.core.runtime import Graph

CLICK = sam.Prompts([(40, 50)], [1])
OTHER = sam.Prompts([(80, 150)], [1])


class Counting(Graph):
    """A graph that remembers how many objects each run asked for."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.asked: list[int] = []

    def run(self, feeds: Any, outputs: Any, cancel: Any = None) -> list[np.ndarray]:
        self.asked.append(len(feeds["point_coords"]))
        return super().run(feeds, outputs, cancel)


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    rows, columns = np.mgrid[:120, :200]
    return ((rows + columns) % 97).astype(np.uint8)


@pytest.fixture(scope="module")
def embedding(tiny: sam.Model, picture: np.ndarray) -> sam.Embedding:
    return tiny.encode(picture)


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> sam.Model:
    """A model with another encoder: every shape is the same, no number is."""
    return sam.load_model(write_model(tmp_path_factory.mktemp("other"), seed=1))


@pytest.fixture(scope="module", params=[False, True], ids=["card", "two outputs"])
def batching(request: pytest.FixtureRequest) -> tuple[sam.Model, Counting]:
    """A model whose decoder takes many objects, and that decoder."""
    content = decoder(two_outputs=request.param, batches=True).SerializeToString()
    graph = Counting(content, "decoder")
    return sam.Model("tiny", Graph(encoder().SerializeToString(), "e"), graph), graph


def centre_of(mask: np.ndarray) -> np.ndarray:
    return np.argwhere(mask).mean(axis=0)


def disc_area(radius: float, height: int, width: int) -> float:
    """Of a disc of the model frame, in pixels of a region."""
    return math.pi * radius**2 * height * width / 1024**2


# --- embeddings ------------------------------------------------------------------


def test_an_embedding_says_what_it_is_of(embedding: sam.Embedding) -> None:
    assert {name: feature.shape for name, feature in embedding.features.items()} == {
        "high_res_feats_0": (1, 32, 256, 256),
        "high_res_feats_1": (1, 64, 128, 128),
        "image_embed": (1, 256, 64, 64),
    }
    assert embedding.shape == (120, 200)
    assert embedding.region == (0, 0, 120, 200)
    assert embedding.nbytes == 4 * (32 * 256**2 + 64 * 128**2 + 256 * 64**2)


def test_features_are_read_only(embedding: sam.Embedding) -> None:
    with pytest.raises(ValueError, match="read-only"):
        embedding.features["image_embed"][:] = 0


@pytest.mark.parametrize(
    "image", [np.zeros((1, 9), np.uint8), np.eye(7, 5), np.ones((2, 1, 3), np.uint8)]
)
def test_small_images_are_embedded_and_answered(
    image: np.ndarray, tiny: sam.Model
) -> None:
    answer = tiny.decode(tiny.encode(image), sam.Prompts([(0, 0)], [1]))
    assert answer.mask().shape == image.shape[:2]


def test_bad_images_never_reach_the_encoder(tiny: sam.Model) -> None:
    with pytest.raises(ImageError, match="holds no pixels"):
        tiny.encode(np.zeros((0, 4)))


def test_encode_can_be_cancelled(tiny: sam.Model, picture: np.ndarray) -> None:
    cancellation = sam.Cancellation()
    cancellation.cancel()
    with pytest.raises(Cancelled):
        tiny.encode(picture, cancel=cancellation)


# --- the key ---------------------------------------------------------------------

KEY_CHANGES: dict[str, Callable[[np.ndarray], tuple[np.ndarray, dict[str, Any]]]] = {
    "a pixel": lambda image: (image + (np.indices(image.shape).sum(0) == 0), {}),
    "contrast": lambda image: (image, {"contrast_limits": (0.0, 90.0)}),
    "gamma": lambda image: (image, {"gamma": 0.9}),
    "region": lambda image: (image, {"region": (0, 0, 120, 100)}),
}


@pytest.mark.parametrize("change", KEY_CHANGES.values(), ids=KEY_CHANGES)
def test_the_key_changes_with_what_is_seen(
    change: Callable[..., tuple[np.ndarray, dict[str, Any]]],
    tiny: sam.Model,
    picture: np.ndarray,
) -> None:
    limits = {"contrast_limits": (0.0, 96.0)}
    other, options = change(picture)
    before = tiny.key(prepare(picture, **limits))
    assert tiny.key(prepare(other, **{**limits, **options})) != before


def test_the_key_does_not_change_by_itself(
    embedding: sam.Embedding, tiny: sam.Model, tiny_folder: Path, picture: np.ndarray
) -> None:
    loaded_again = sam.load_model(tiny_folder)
    copy = np.asfortranarray(picture.astype(np.uint16))
    assert loaded_again.key(prepare(copy)) == embedding.key
    assert loaded_again.model_id == embedding.model_id == tiny.model_id


def test_the_key_changes_with_the_encoder_file(
    stranger: sam.Model, tiny: sam.Model, picture: np.ndarray
) -> None:
    seen = prepare(picture)
    assert stranger.key(seen) != tiny.key(seen)
    assert stranger.model_id != tiny.model_id


def test_the_key_changes_with_how_the_encoder_ran(
    tiny: sam.Model, picture: np.ndarray
) -> None:
    rounds = Way("CPUExecutionProvider", precision=FAST, behind=())
    graph = Graph(encoder().SerializeToString(), "encoder", rounds)
    fast = sam.Model("fast", graph, Graph(decoder().SerializeToString(), "decoder"))
    seen = prepare(picture)
    assert fast.model_id == tiny.model_id
    assert fast.key(seen) != tiny.key(seen)


# --- where a mask lands ----------------------------------------------------------

PLACES = [
    ((120, 200), None, (40, 50)),
    ((200, 120), None, (150, 30)),
    ((1500, 600), None, (1000, 300)),
    ((512, 512), (100, 200, 400, 500), (250, 350)),
    ((300, 700), (50, 300, 250, 650), (180, 420)),
    ((640, 640), (40, 60, 180, 240), (100, 120)),
]


@pytest.mark.parametrize(("shape", "region", "click"), PLACES)
def test_the_disc_lies_at_the_click(
    shape: tuple[int, int], region: Any, click: tuple[int, int], tiny: sam.Model
) -> None:
    found = tiny.encode(np.zeros(shape, np.uint8), region=region)
    answer = tiny.decode(found, sam.Prompts([click], [1]))
    r0, c0, r1, c1 = region or (0, 0, *shape)
    for index, radius in enumerate(RADII):
        mask = answer.mask(index)
        assert mask.shape == shape
        np.testing.assert_allclose(centre_of(mask), click, atol=1)
        area = disc_area(radius, r1 - r0, c1 - c0)
        np.testing.assert_allclose(mask.sum(), area, rtol=0.1, atol=6)


def test_nothing_is_drawn_outside_the_region(tiny: sam.Model) -> None:
    found = tiny.encode(np.zeros((100, 100), np.uint8), region=(40, 40, 60, 60))
    mask = tiny.decode(found, sam.Prompts([(41, 41)], [1])).mask(2)
    assert mask[40:60, 40:60].any()
    mask[40:60, 40:60] = False
    assert not mask.any()


def test_a_negative_click_cuts_out(tiny: sam.Model, embedding: sam.Embedding) -> None:
    both = sam.Prompts([(40, 50), (42, 56)], [1, 0])
    mask = tiny.decode(embedding, both).mask(2)
    assert mask[40, 50]
    assert not mask[42, 56]


def test_a_box_without_clicks_is_answered(
    tiny: sam.Model, embedding: sam.Embedding
) -> None:
    answer = tiny.decode(embedding, sam.Prompts(box_rc=(20, 30, 60, 70)))
    mask = answer.mask(0)  # the tiny decoder draws at both corners of a box
    assert mask[21, 31]
    assert mask[59, 69]
    assert not mask[90, 150]


# --- candidates ------------------------------------------------------------------


@pytest.fixture
def answer(tiny: sam.Model, embedding: sam.Embedding) -> sam.Answer:
    return tiny.decode(embedding, CLICK)


def test_three_candidates_with_scores(
    answer: sam.Answer, embedding: sam.Embedding
) -> None:
    np.testing.assert_allclose(answer.scores, SCORES, atol=1e-6)
    assert answer.scores.dtype == answer.logits.dtype == np.float32
    assert answer.logits.shape == (3, 256, 256)
    assert answer.best == answer.index == 1
    assert (answer.key, answer.region) == (embedding.key, embedding.region)


def test_choosing_leaves_the_answer_alone(answer: sam.Answer) -> None:
    chosen = answer.choose(2)
    assert (chosen.index, answer.index, chosen.best) == (2, 1, 1)
    np.testing.assert_array_equal(chosen.mask(), answer.mask(2))
    np.testing.assert_array_equal(answer.mask(), answer.mask(1))
    assert answer.mask(0).sum() < answer.mask(1).sum() < answer.mask(2).sum()


@pytest.mark.parametrize("index", [-1, 3])
def test_a_candidate_that_does_not_exist(index: int, answer: sam.Answer) -> None:
    for use in (answer.choose, answer.mask, answer.crop):
        with pytest.raises(ModelError, match=rf"candidate {index} .* choose 0 … 2"):
            use(index)


def test_the_crop_is_the_mask_in_its_bounding_box(answer: sam.Answer) -> None:
    crop, (row, column) = answer.crop(2)
    mask = answer.mask(2)
    rows, columns = np.nonzero(mask)
    assert (row, column) == (rows.min(), columns.min())
    assert crop.shape == (np.ptp(rows) + 1, np.ptp(columns) + 1)
    assert crop.sum() == mask.sum()


# --- feedback --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fed", "share"), [(10, 2.5), (-10, -2.5), (1000, 8), (-1000, -8), (0, 0)]
)
def test_logits_are_fed_back_clamped(
    fed: float, share: float, tiny: sam.Model, embedding: sam.Embedding, answer: Any
) -> None:
    again = tiny.decode(embedding, CLICK, np.full((256, 256), fed))
    np.testing.assert_allclose(again.logits - answer.logits, share, atol=1e-3)
    np.testing.assert_allclose(again.scores - answer.scores, 1e-3, atol=1e-6)


def test_an_answer_feeds_back_its_chosen_candidate(
    tiny: sam.Model, embedding: sam.Embedding, answer: sam.Answer
) -> None:
    chosen = answer.choose(2)
    by_answer = tiny.decode(embedding, CLICK, chosen)
    by_logits = tiny.decode(embedding, CLICK, answer.logits[2])
    np.testing.assert_array_equal(by_answer.logits, by_logits.logits)
    expected = answer.logits + 0.25 * np.clip(answer.logits[2], -32, 32)
    np.testing.assert_allclose(by_answer.logits, expected, atol=1e-3)


def test_logits_of_one_object_do_not_reach_the_next(
    tiny: sam.Model, embedding: sam.Embedding, answer: sam.Answer
) -> None:
    fresh = tiny.decode(embedding, OTHER)
    tiny.decode(embedding, CLICK, answer)
    np.testing.assert_array_equal(tiny.decode(embedding, OTHER).logits, fresh.logits)


def test_feeding_back_does_not_change_what_was_fed(
    tiny: sam.Model, embedding: sam.Embedding, answer: sam.Answer
) -> None:
    before = answer.logits.copy()
    tiny.decode(embedding, CLICK, answer)
    np.testing.assert_array_equal(answer.logits, before)


def test_a_mask_is_a_prompt(tiny: sam.Model, embedding: sam.Embedding) -> None:
    mask = np.zeros(embedding.shape, bool)
    mask[60:, 100:] = True
    prompts = sam.Prompts(box_rc=(60, 100, 120, 200))
    fed = tiny.decode(embedding, prompts, sam.mask_to_logits(mask, embedding))
    plain = tiny.decode(embedding, prompts)
    difference = fed.logits - plain.logits
    np.testing.assert_allclose(difference[:, 140:, 140:], 6.9068 / 4, atol=1e-3)
    np.testing.assert_allclose(difference[:, :120], -6.9068 / 4, atol=1e-3)


@pytest.mark.parametrize(
    "previous",
    [np.zeros((3, 256, 256)), np.zeros((1024, 1024)), np.full((256, 256), np.nan)],
)
def test_logits_that_cannot_be_fed_are_refused(
    previous: np.ndarray, tiny: sam.Model, embedding: sam.Embedding
) -> None:
    with pytest.raises(
        EmbeddingMismatchError, match=r"must be \(256, 256\) and finite"
    ):
        tiny.decode(embedding, CLICK, previous)


# --- what does not belong together -----------------------------------------------


def test_an_embedding_of_another_model_is_refused(
    stranger: sam.Model, embedding: sam.Embedding
) -> None:
    with pytest.raises(EmbeddingMismatchError, match="encode the image again"):
        stranger.decode(embedding, CLICK)


@pytest.mark.parametrize(
    ("change", "region"),
    [(1, None), (0, (0, 0, 120, 100))],
    ids=["other pixels", "other region"],
)
def test_an_answer_about_another_embedding_is_refused(
    change: int, region: Any, tiny: sam.Model, picture: np.ndarray, answer: sam.Answer
) -> None:
    pixels = picture.copy()
    pixels[5, 5] += change
    other = tiny.encode(pixels, region=region)
    with pytest.raises(EmbeddingMismatchError, match="start the object again"):
        tiny.decode(other, CLICK, answer)


def test_an_answer_about_a_region_with_equal_pixels_is_refused(
    tiny: sam.Model,
) -> None:
    image = np.zeros((64, 64), np.uint8)
    left, right = (
        tiny.encode(image, region=region)
        for region in ((0, 0, 64, 32), (0, 32, 64, 64))
    )
    assert left.key == right.key
    answer = tiny.decode(left, sam.Prompts([(9, 9)], [1]))
    with pytest.raises(EmbeddingMismatchError, match=r"region \(0, 0, 64, 32\), not"):
        tiny.decode(right, sam.Prompts([(9, 40)], [1]), answer)


@pytest.mark.parametrize("many", [False, True])
def test_no_prompt_is_refused(
    many: bool, tiny: sam.Model, embedding: sam.Embedding
) -> None:
    ask = (
        lambda: tiny.decode(embedding, sam.Prompts()),
        lambda: tiny.decode_many(embedding, [CLICK, sam.Prompts()]),
    )[many]
    with pytest.raises(PromptError, match="at least one point or a box"):
        ask()


# --- many objects ----------------------------------------------------------------

MIXED = [
    CLICK,
    sam.Prompts([(80, 150), (10, 10)], [1, 0]),
    sam.Prompts(box_rc=(20, 30, 60, 70)),
    OTHER,
    sam.Prompts([(60, 90)], [1], (20, 30, 110, 170)),
    sam.Prompts([(5, 5), (6, 6), (7, 30)], [1, 0, 1]),
    sam.Prompts([(119, 199)], [1]),
]


@pytest.mark.parametrize("fed", [False, True])
def test_many_objects_in_batches_equal_single_ones(
    fed: bool, batching: tuple[sam.Model, Counting], embedding: sam.Embedding
) -> None:
    model, _ = batching
    first = [model.decode(embedding, prompts) for prompts in MIXED]
    previous = [
        None,
        first[1],
        first[2].choose(0),
        None,
        first[4].logits[2],
        *first[5:],
    ]
    previous = [previous[i] if fed else None for i in range(len(MIXED))]
    found = model.decode_many(embedding, MIXED, previous)
    for answer, prompts, before in zip(found, MIXED, previous, strict=True):
        single = model.decode(embedding, prompts, before)
        np.testing.assert_allclose(answer.logits, single.logits, atol=1e-4)
        np.testing.assert_allclose(answer.scores, single.scores, atol=1e-6)
        assert answer.index == single.index


def test_many_objects_without_batches_equal_single_ones(
    tiny: sam.Model, embedding: sam.Embedding
) -> None:
    found = tiny.decode_many(embedding, MIXED)
    for answer, prompts in zip(found, MIXED, strict=True):
        single = tiny.decode(embedding, prompts)
        np.testing.assert_array_equal(answer.logits, single.logits)


def test_batches_hold_equally_many_prompts_and_are_bounded(
    batching: tuple[sam.Model, Counting],
    embedding: sam.Embedding,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, graph = batching
    monkeypatch.setattr(sam2, "BATCH", 2)
    graph.asked.clear()
    model.decode_many(embedding, MIXED)
    # Tokens: 1 2 2 1 3 3 1, so three, two and two objects.
    assert graph.asked == [2, 1, 2, 2]


def test_no_objects_no_answers(tiny: sam.Model, embedding: sam.Embedding) -> None:
    assert tiny.decode_many(embedding, []) == []


def test_one_previous_answer_for_each_object(
    tiny: sam.Model, embedding: sam.Embedding
) -> None:
    with pytest.raises(EmbeddingMismatchError, match="2 objects but 1 previous"):
        tiny.decode_many(embedding, [CLICK, OTHER], [None])


# --- files that hide what they are -----------------------------------------------


def hide_shapes(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph, whose inputs and outputs declare no shape at all."""
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.ClearField("shape")
    return model


def test_an_encoder_of_undeclared_wrong_shapes_shows_when_it_runs() -> None:
    model = hide_shapes(encoder())
    for attribute in model.graph.node[0].attribute:
        attribute.ints[:] = [8, 8]
    graph = Graph(model.SerializeToString(), "the sly encoder")
    sly = sam.Model("sly", graph, Graph(decoder().SerializeToString(), "decoder"))
    with pytest.raises(
        ModelError, match=r"sly encoder gave high_res_feats_0 .*128, 128"
    ):
        sly.encode(np.eye(5))


def test_a_decoder_of_undeclared_right_shapes_works(embedding: sam.Embedding) -> None:
    graph = Graph(hide_shapes(decoder()).SerializeToString(), "the shy decoder")
    assert graph.inputs["point_coords"].shape == ()
    model = sam.Model("shy", Graph(encoder().SerializeToString(), "encoder"), graph)
    assert model.decode(embedding, CLICK).mask()[40, 50]


def test_any_thread_may_ask(tiny: sam.Model, embedding: sam.Embedding) -> None:
    alone = tiny.decode_many(embedding, MIXED)
    with ThreadPoolExecutor(4) as pool:
        together = pool.map(partial(tiny.decode, embedding), MIXED)
    for answer, expected in zip(together, alone, strict=True):
        np.testing.assert_array_equal(answer.logits, expected.logits)
