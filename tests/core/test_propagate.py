"""Objects through a stack."""

from __future__ import annotations

import numpy as np
import pytest

import napari_sam21 as sam
from napari_sam21.core.crops import Crop, crops_of
from napari_sam21.core.errors import Cancelled, PromptError
from napari_sam21.core.framing import encode_framed
from napari_sam21.core.geometry import Region
from napari_sam21.core.propagation import Asking, Step, StopRules
from napari_sam21.core.propagation.ask import Carried, kept_apart, prompts_for
from napari_sam21.core.propagation.look import likeness, look_of
from napari_sam21.core.propagation.rules import Evidence
from napari_sam21.core.propagation.sweep import is_nearest

SHAPE = (64, 96)
LENIENT = StopRules(0, 0, 1e9, 1, -1)


def disc(row: float, column: float, radius: float = 9) -> np.ndarray:
    rows, columns = np.ogrid[: SHAPE[0], : SHAPE[1]]
    return (rows - row) ** 2 + (columns - column) ** 2 <= radius**2


def truth() -> np.ndarray:
    """Two touching discs that move together in slices 1 … 6 of eight."""
    labels = np.zeros((8, *SHAPE), np.uint16)
    for z in range(1, 7):
        labels[z][disc(30 + z, 30 + 2 * z)] = 1
        labels[z][disc(30 + z, 49 + 2 * z)] = 2
    return labels


@pytest.fixture(scope="module")
def model() -> sam.Model:
    return sam.load_model("starter")


def image_of(labels: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 4, labels.shape)
    return np.array([30, 150, 110])[labels] + noise


@pytest.fixture(scope="module")
def steps(model: sam.Model) -> list[Step]:
    labels = truth()
    image = image_of(labels)

    def embed(z: int, region: Region) -> sam.Embedding:
        return encode_framed(model, image[z], region, (0, 180))

    return list(sam.propagate(model, embed, SHAPE, {3: crops_of(labels[3])}, (0, 8)))


def test_moving_objects_are_followed_both_ways(steps: list[Step]) -> None:
    labels = truth()
    found = {(s.number, s.index): s.crop for s in steps if not s.stopped}
    for number in (1, 2):
        for z in (1, 2, 4, 5, 6):
            mask = Crop.of(labels[z] == number)
            assert found[number, z].iou(mask) > 0.7, (number, z)


def test_each_ends_with_a_reason(steps: list[Step]) -> None:
    ends = {(step.number, step.index) for step in steps if step.stopped}
    assert ends == {(1, 0), (1, 7), (2, 0), (2, 7)}


def test_touching_objects_share_no_pixel(steps: list[Step]) -> None:
    for z in (1, 2, 4, 5, 6):
        one, two = (step.crop for step in steps if step.index == z)
        assert one.shared(two) == 0


def test_slices_come_forwards_then_backwards(steps: list[Step]) -> None:
    assert [step.index for step in steps if step.number == 1] == [4, 5, 6, 7, 2, 1, 0]


# --- with a model of discs -------------------------------------------------------


def plain(tiny: sam.Model, seen: list[int]):
    image = np.zeros(SHAPE, np.uint8)
    embedding = tiny.encode(image)

    def embed(z: int, region: Region) -> sam.Embedding:
        seen.append(z)
        return embedding

    return embed


def test_one_embedding_a_slice_and_none_where_nothing_is_left(tiny: sam.Model) -> None:
    seen: list[int] = []
    crops = {n: Crop.of(disc(30, 20 * n, 5)) for n in (1, 2, 3)}
    found = list(
        sam.propagate(
            tiny, plain(tiny, seen), SHAPE, {2: crops}, (0, 5), StopRules(min_score=1)
        )
    )
    assert seen == [2, 3, 1]
    assert {step.stopped for step in found} == {"predicted IoU too low"}


def test_between_keyframes_both_sides_meet_in_the_middle(tiny: sam.Model) -> None:
    crop = Crop.of(disc(30, 40))
    keys = {1: {7: crop}, 6: {7: crop}}
    found = sam.propagate(tiny, plain(tiny, []), SHAPE, keys, (0, 8), LENIENT)
    assert [step.index for step in found] == [2, 3, 7, 5, 4, 0]


def test_a_corrected_keyframe_is_never_returned_and_restarts(tiny: sam.Model) -> None:
    keys = {0: {1: Crop.of(disc(20, 20))}, 3: {1: Crop.of(disc(40, 70))}}
    found = list(sam.propagate(tiny, plain(tiny, []), SHAPE, keys, (0, 6), LENIENT))
    assert {step.index for step in found} == {1, 2, 4, 5}
    for step in found:
        assert step.crop.holds(40, 70) == (step.index > 1)


def test_cancel_is_heard(tiny: sam.Model) -> None:
    cancel = sam.Cancellation()
    keys = {0: {1: Crop.of(disc(30, 40))}}
    going = sam.propagate(
        tiny, plain(tiny, []), SHAPE, keys, (0, 8), LENIENT, cancel=cancel
    )
    next(going)
    cancel.cancel()
    with pytest.raises(Cancelled):
        next(going)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({9: {1: Crop.of(disc(30, 40))}}, "outside the slices 0 … 7"),
        ({2: {5: Crop.of(np.zeros(SHAPE))}}, "object 5 has an empty mask in slice 2"),
    ],
)
def test_wrong_keyframes_are_refused(tiny: sam.Model, keys: dict, words: str) -> None:
    with pytest.raises(PromptError, match=words):
        list(sam.propagate(tiny, plain(tiny, []), SHAPE, keys, (0, 8)))


# --- parts -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (Evidence(0.9, 0.9, 1.0, 50, 0.99), ""),
        (Evidence(0.9, 0.0, 0.0, 0, 0.0), "nothing left of it"),
        (Evidence(0.4, 0.9, 1.0, 50, 0.99), "predicted IoU too low"),
        (Evidence(0.9, 0.2, 1.0, 50, 0.99), "too little overlap"),
        (Evidence(0.9, 0.9, 2.6, 50, 0.99), "area grew too much"),
        (Evidence(0.9, 0.9, 0.3, 50, 0.99), "area shrank too much"),
        (Evidence(0.9, 0.9, 1.0, 50, 0.70), "looks like something else"),
    ],
)
def test_reasons(seen: Evidence, why: str) -> None:
    assert StopRules().reason(seen) == why


def test_rules_out_of_range_are_refused() -> None:
    with pytest.raises(PromptError, match="min_overlap"):
        StopRules(min_overlap=3)
    with pytest.raises(PromptError, match="max_jump"):
        StopRules(max_jump=0.5)


@pytest.mark.parametrize(
    ("index", "forwards", "backwards"),
    [(0, False, True), (3, True, False), (4, True, False), (5, False, True),
     (8, True, False)],
)  # fmt: skip
def test_the_nearest_keyframe_takes_a_slice(
    index: int, forwards: bool, backwards: bool
) -> None:
    assert is_nearest([2, 6], index, 1) is forwards
    assert is_nearest([2, 6], index, -1) is backwards


def test_prompts_have_the_middle_the_box_and_the_touching_neighbour() -> None:
    crops = {
        1: Crop.of(disc(30, 30)),
        2: Crop.of(disc(30, 49)),
        3: Crop.of(disc(30, 85)),
    }
    prompts = prompts_for(1, crops, Region(0, 0, *SHAPE), Asking(points=1))
    assert prompts.points_of(1) == ((30, 30),)
    assert prompts.points_of(0) == ((30, 49),)
    assert prompts.box_rc == (19, 19, 41, 41)


def test_a_pixel_of_two_goes_to_the_higher_logit(tiny: sam.Model) -> None:
    embedding = tiny.encode(np.zeros(SHAPE, np.uint8))
    answers = [
        tiny.decode(embedding, sam.Prompts([(30, column)], [1])) for column in (40, 43)
    ]
    found = {
        number: Carried(Crop(*answer.crop()), 0.9, answer)
        for number, answer in enumerate(answers, 1)
    }
    assert found[1].crop.shared(found[2].crop) > 0
    apart = kept_apart(found)
    assert apart[1].crop.shared(apart[2].crop) == 0
    assert apart[1].crop.holds(30, 40)
    assert apart[2].crop.holds(30, 44)
    both = apart[1].crop.joined(apart[2].crop)
    assert both.area == found[1].crop.joined(found[2].crop).area


def test_looks_tell_an_object_from_its_surroundings(model: sam.Model) -> None:
    image = image_of(truth())[3]
    embedding = encode_framed(model, image, contrast_limits=(0, 180))
    inside, again = Crop.of(disc(33, 36)), Crop.of(disc(33, 36, 7))
    look = look_of(embedding, inside)
    assert likeness(look, look) == pytest.approx(1, abs=1e-5)
    assert likeness(look, look_of(embedding, again)) > 0.9
    assert likeness(look, look_of(embedding, Crop.of(disc(10, 80)))) < 0.8
