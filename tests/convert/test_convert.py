"""The two files: what they hold, what they answer, and that they come whole or not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

import napari_sam21 as sam
from benchmarks.seeded import drop_large_masks
from napari_sam21.core.errors import Cancelled, ModelError
from napari_sam21.core.runtime import Graph
from napari_sam21.core.sam2 import Model
from napari_sam21.models.convert import STEPS, convert
from napari_sam21.models.convert.compare import difference
from napari_sam21.models.convert.network import reference_decode
from napari_sam21.models.convert.signature import (
    SINGLE_MASK,
    decoder_outputs,
    encoder_outputs,
)
from napari_sam21.samples import read_image

TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def model(converted) -> Model:
    return sam.load_model(converted.folder)


@pytest.fixture(scope="module")
def embedding(model) -> sam.Embedding:
    return model.encode(read_image("histology"))


@pytest.fixture(scope="module")
def decoder(converted) -> Graph:
    return Graph(converted.folder / "decoder.onnx", "decoder")


def prompts(count: int, per_object: int = 1) -> list[sam.Prompts]:
    rng = np.random.default_rng(count)
    points = rng.uniform((0, 0), (256, 320), (count, per_object, 2))
    labels = rng.integers(0, 2, (count, per_object))
    labels[:, 0] = 1
    return [sam.Prompts(*each) for each in zip(points, labels, strict=True)]


# --- files ------------------------------------------------------------------------


def test_the_report_tells_what_was_done(converted, checkpoint) -> None:
    assert converted.architecture == "tiny"
    assert converted.licence == "CC0-1.0"
    assert converted.agrees
    assert converted.worst < TOLERANCE
    assert [file.name for file in converted.files] == [
        "config.json", "decoder.onnx", "encoder.onnx",
    ]  # fmt: skip
    assert {error.tensor for error in converted.errors} == {
        *encoder_outputs(), *decoder_outputs(True, False),
    }  # fmt: skip
    assert checkpoint.name in str(converted)


@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_onnx_files_are_valid_and_described(part: str, converted) -> None:
    path = converted.folder / f"{part}.onnx"
    onnx.checker.check_model(str(path), full_check=True)
    found = onnx.load(path)
    noted = {entry.key: entry.value for entry in found.metadata_props}
    assert noted["part"] == part
    assert noted["source_sha256"] == converted.source_sha256
    assert noted["licence"] == "CC0-1.0"
    assert noted["architecture"] == "sam2.1-hiera-tiny"
    assert noted["torch"] == torch.__version__
    assert noted["onnx"] == onnx.__version__
    assert noted["sam2"] != "unknown"
    assert found.opset_import[0].version == 20
    assert len(found.graph.node) == converted.nodes[path.name]


@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_onnx_files_name_no_path_of_this_machine(part: str, converted) -> None:
    found = onnx.load(converted.folder / f"{part}.onnx")
    del found.graph.initializer[:]  # weights spell any three letters somewhere
    content = found.SerializeToString()
    for trace in (b"site-packages", b".py", str(Path.home()).encode(), b"Traceback"):
        assert trace not in content


def test_config_names_the_files(converted) -> None:
    config = json.loads((converted.folder / "config.json").read_text("utf-8"))
    assert config["id"] == "mask-object-seeded"
    assert config["arch"] == "sam2"
    for file in converted.files:
        if file.name != "config.json":
            assert config["files"][file.name]["sha256"] == file.sha256


def test_files_keep_the_cards_contract(model) -> None:
    assert model.contract.logits_name == "low_res_masks"
    assert model.contract.batches


def test_large_masks_are_the_small_ones_enlarged(decoder, embedding) -> None:
    feeds = feeds_of(embedding, np.full((1, 1, 2), 500, np.float32), np.ones((1, 1)))
    large, small = decoder.run(feeds, ["masks", "low_res_masks"])
    wanted = torch.nn.functional.interpolate(
        torch.from_numpy(small), size=(1024, 1024), mode="bilinear"
    )
    np.testing.assert_allclose(large, wanted, atol=1e-5)


# --- answers ----------------------------------------------------------------------


def feeds_of(embedding, coords, labels, mask=None):
    count = len(coords)
    return {
        **embedding.features,
        "point_coords": coords.astype(np.float32),
        "point_labels": labels.astype(np.float32),
        "mask_input": np.zeros((count, 1, 256, 256), np.float32)
        if mask is None
        else mask,
        "has_mask_input": np.full(count, mask is not None, np.float32),
    }


def as_torch(embedding: sam.Embedding) -> tuple[torch.Tensor, ...]:
    return tuple(torch.from_numpy(each.copy()) for each in embedding.features.values())


@pytest.mark.parametrize("points", [1, 2, 7, 40])
@pytest.mark.parametrize("objects", [1, 3])
def test_any_number_of_objects_and_points(
    points: int, objects: int, decoder, embedding, network
) -> None:
    rng = np.random.default_rng(points)
    coords = rng.uniform(0, 1024, (objects, points, 2)).astype(np.float32)
    labels = rng.integers(0, 4, (objects, points)).astype(np.float32)
    mask = rng.normal(size=(objects, 1, 256, 256)).astype(np.float32)
    names = list(decoder_outputs(True, False))
    found = decoder.run(feeds_of(embedding, coords, labels, mask), names)
    features = tuple(
        torch.from_numpy(each.copy()) for each in embedding.features.values()
    )
    for index in range(objects):
        one = slice(index, index + 1)
        given = torch.from_numpy(coords[one]), torch.from_numpy(labels[one])
        wanted = reference_decode(
            network, features, given, torch.from_numpy(mask[one]), False
        )
        for name, ours, theirs in zip(names, found, wanted, strict=True):
            error = difference("", name, ours[one], theirs.numpy())
            assert error.relative < TOLERANCE, error


@pytest.mark.parametrize("per_object", [1, 4])
def test_sixteen_objects_at_once_are_sixteen_runs(per_object, model, embedding) -> None:
    asked = prompts(16, per_object)
    first = [model.decode(embedding, each) for each in asked]
    feedback = [answer if i % 2 else None for i, answer in enumerate(first)]
    together = model.decode_many(embedding, asked, feedback)
    for each, previous, found in zip(asked, feedback, together, strict=True):
        alone = model.decode(embedding, each, previous)
        np.testing.assert_allclose(found.logits, alone.logits, atol=1e-4)
        np.testing.assert_allclose(found.scores, alone.scores, atol=1e-4)


def test_extended_files_answer_the_same(extended, model, embedding) -> None:
    other = sam.load_model(extended.folder)
    assert not other.contract.batches
    again = other.encode(read_image("histology"))
    for name, feature in embedding.features.items():
        np.testing.assert_allclose(again.features[name], feature, atol=1e-4)
    for each in prompts(2, 3):
        ours, theirs = model.decode(embedding, each), other.decode(again, each)
        np.testing.assert_allclose(ours.logits, theirs.logits, atol=1e-4)


def test_the_fourth_token_is_the_single_mask(extended, embedding, network) -> None:
    assert {error.tensor for error in extended.errors} >= set(SINGLE_MASK)
    decoder = Graph(extended.folder / "decoder.onnx", "decoder")
    coords = np.array([[[400.0, 300.0], [10.0, 900.0]]], np.float32)
    labels = np.array([[1.0, 0.0]], np.float32)
    logits, iou = decoder.run(feeds_of(embedding, coords, labels), list(SINGLE_MASK))
    assert logits.shape == (1, 1, 256, 256)
    assert iou.shape == (1, 1)
    features = tuple(
        torch.from_numpy(each.copy()) for each in embedding.features.values()
    )
    points = torch.from_numpy(coords), torch.from_numpy(labels)
    wanted = reference_decode(network, features, points, None, True)
    assert difference("", "logits", logits, wanted[3].numpy()).relative < TOLERANCE
    np.testing.assert_allclose(iou, wanted[4], atol=1e-5)


def test_weights_outside_the_files(extended) -> None:
    names = [file.name for file in extended.files]
    assert names == [
        "config.json", "decoder.onnx", "decoder.onnx.data", "encoder.onnx",
        "encoder.onnx.data",
    ]  # fmt: skip
    sizes = {file.name: file.nbytes for file in extended.files}
    assert sizes["encoder.onnx"] < 2_000_000 < 100_000_000 < sizes["encoder.onnx.data"]
    for part in ("encoder", "decoder"):
        onnx.checker.check_model(str(extended.folder / f"{part}.onnx"), full_check=True)


def test_a_folder_with_weights_outside_can_be_moved(extended, tmp_path) -> None:
    moved = shutil.copytree(extended.folder, tmp_path / "moved")
    assert sam.load_model(moved).model_id == sam.load_model(extended.folder).model_id


def test_the_drifted_contract_answers_the_same(
    converted, model, embedding, tmp_path
) -> None:
    folder = shutil.copytree(converted.folder, tmp_path / "two-output")
    drop_large_masks(folder)
    other = sam.load_model(folder)
    assert other.contract.logits_name == "masks"
    for each in prompts(2, 2):
        ours, theirs = model.decode(embedding, each), other.decode(embedding, each)
        np.testing.assert_array_equal(ours.logits, theirs.logits)


# --- all or nothing ---------------------------------------------------------------


def test_progress_is_told_step_by_step_and_a_stop_leaves_nothing(
    checkpoint, tmp_path
) -> None:
    heard: list[tuple[str, int, int]] = []
    cancel = sam.Cancellation()

    def listen(step: str, done: int, total: int) -> None:
        heard.append((step, done, total))
        if step == STEPS[3]:
            cancel.cancel()

    with pytest.raises(Cancelled):
        convert(checkpoint, tmp_path / "out", progress=listen, cancel=cancel)
    steps = len(STEPS)
    assert heard == [(step, i, steps) for i, step in enumerate(STEPS[: len(heard)])]
    assert len(heard) >= 4
    assert not list(tmp_path.iterdir())


def test_ctrl_c_leaves_nothing(checkpoint, tmp_path) -> None:
    def interrupt(step: str, done: int, total: int) -> None:
        if step == STEPS[2]:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        convert(checkpoint, tmp_path / "out", progress=interrupt)
    assert not list(tmp_path.iterdir())


def test_a_disagreement_is_refused() -> None:
    from napari_sam21.models.convert.compare import _refuse_large

    right = np.random.default_rng(0).normal(size=100).astype(np.float32)
    _refuse_large([difference("case", "masks", right + 1e-3, right)])
    wrong = difference("one point", "masks", right + 1, right)
    with pytest.raises(ModelError, match=r"masks \(one point\) is off by"):
        _refuse_large([wrong])
    nothing = np.full(100, np.nan, np.float32)
    with pytest.raises(ModelError, match="disagree with torch"):
        _refuse_large([difference("one point", "masks", nothing, right)])
