"""All of the converter that needs no torch: recognising, naming, writing down.

The conversion itself is tested in tests/convert, where torch and sam2 are installed.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_sam21.core.contract import ANY, Tensor, check_decoder, check_encoder
from napari_sam21.core.errors import ModelError
from napari_sam21.models.convert import (
    ARCHITECTURES,
    STEPS,
    ConversionReport,
    TensorError,
    convert,
)
from napari_sam21.models.convert.architectures import (
    PATCHES,
    Architecture,
    check_told,
    published_as,
    recognise,
)
from napari_sam21.models.convert.checkpoint import (
    Checkpoint,
    check_names,
    find_state,
    name_some,
)
from napari_sam21.models.convert.describe import gather, metadata, write_config
from napari_sam21.models.convert.needs import versions
from napari_sam21.models.convert.report import WrittenFile
from napari_sam21.models.convert.signature import (
    SINGLE_MASK,
    Shapes,
    decoder_inputs,
    decoder_outputs,
    encoder_inputs,
    encoder_outputs,
)
from napari_sam21.models.convert.workshop import new_folder

TINY = ARCHITECTURES["tiny"]


def state_of(
    width: int, blocks: int, video: bool = True, newer: bool = True
) -> dict[str, np.ndarray]:
    """Names and shapes of a trunk, and of a bit of the video part."""
    state = {PATCHES: np.empty((width, 3, 7, 7), np.float32)}
    for block in range(blocks):
        name = f"image_encoder.trunk.blocks.{block}.norm1.weight"
        state[name] = np.empty(width, np.float32)
    if video:
        state["memory_attention.norm.weight"] = np.empty(256, np.float32)
    if video and newer:
        state["no_obj_embed_spatial"] = np.empty((1, 64), np.float32)
    return state


# --- what has to be installed -----------------------------------------------------


def test_importing_it_loads_nothing_heavy() -> None:
    code = "import sys, napari_sam21.models.convert; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    heavy = {"torch", "sam2", "onnx", "onnxscript", "onnxruntime", "hydra", "napari"}
    assert not heavy & set(done.stdout.split())


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch):
    """Say which of the packages are there, whatever is."""

    def say(*names: str) -> None:
        needed = ("torch", "onnx", "onnxscript", "onnx_ir", "hydra", "iopath", "tqdm",
                  "sam2")  # fmt: skip
        for name in needed:
            found = sys if name in names else None  # None: as if it were not there
            monkeypatch.setitem(sys.modules, name, found)

    return say


def test_what_is_missing_is_named_with_both_steps(installed, tmp_path) -> None:
    installed("onnx", "tqdm")
    with pytest.raises(ModelError) as caught:
        convert(tmp_path / "any.pt", tmp_path / "out")
    message = str(caught.value)
    assert "not installed: torch, onnxscript, onnx_ir, hydra, iopath, sam2" in message
    assert 'pip install "napari-sam21[convert]"' in message
    assert "SAM2_BUILD_CUDA=0 pip install --no-deps --no-build-isolation" in message
    assert not list(tmp_path.iterdir())


def test_an_unknown_architecture_is_named_first(tmp_path) -> None:
    with pytest.raises(ModelError, match="'huge' is unknown; pass one of tiny, small"):
        convert(tmp_path / "any.pt", tmp_path / "out", architecture="huge")


# --- which architecture -----------------------------------------------------------


@pytest.mark.parametrize("row", ARCHITECTURES.values(), ids=lambda row: row.name)
def test_sizes_are_told_by_width_and_blocks(row: Architecture) -> None:
    assert recognise(state_of(row.width, row.blocks), "x.pt") is row
    assert len(row.published_sha256) == 64
    assert published_as(row.published_sha256) == row.published


def test_a_trunk_of_another_size_is_refused_with_the_table() -> None:
    with pytest.raises(ModelError, match=r"96 channels wide with 13 blocks; .*96 × 12"):
        recognise(state_of(96, 13), "x.pt")


def test_sam_20_is_told_from_21() -> None:
    with pytest.raises(ModelError, match=r"x\.pt is a checkpoint of SAM 2\.0"):
        recognise(state_of(96, 12, newer=False), "x.pt")


def test_a_checkpoint_without_the_video_part_is_taken() -> None:
    assert recognise(state_of(96, 12, video=False), "x.pt") is TINY


def test_what_was_told_must_be_so() -> None:
    with pytest.raises(ModelError, match="holds the small architecture, not tiny"):
        check_told(TINY, state_of(96, 16), "x.pt")


# --- where the weights are --------------------------------------------------------


@pytest.mark.parametrize("prefix", ["", "module.", "model.", "sam2.", "a.module.sam."])
@pytest.mark.parametrize("container", [None, "model", "state_dict", "model_state"])
def test_weights_are_found(prefix: str, container: str | None) -> None:
    inner = {prefix + name: each for name, each in state_of(96, 12).items()}
    content = inner if container is None else {container: inner, "epoch": 3}
    state, left_out = find_state(content, "x.pt")
    assert set(state) == set(state_of(96, 12))
    assert left_out == ()


def test_other_heads_beside_the_model_are_left_out_and_told() -> None:
    inner = {"sam." + name: each for name, each in state_of(96, 12).items()}
    state, left_out = find_state(inner | {"head.weight": np.zeros(3)}, "x.pt")
    assert "head.weight" not in state
    assert left_out == ("head.weight",)


def test_names_of_compiled_modules_are_read() -> None:
    inner = {
        name.replace("trunk.", "trunk._orig_mod."): each
        for name, each in state_of(96, 12).items()
    }
    assert recognise(find_state(inner, "x.pt")[0], "x.pt") is TINY


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({"vision_encoder.weight": np.zeros(3)}, "vision_encoder.weight"),
        ({"model": {}}, "It holds: model"),
        ({}, "It holds: nothing"),
        ([1, 2], "It holds: list"),
    ],
)
def test_other_contents_are_refused(content: object, found: str) -> None:
    with pytest.raises(ModelError, match=found):
        find_state(content, "x.pt")


def test_tensors_that_do_not_fit_are_named() -> None:
    expected = {f"a{i}": np.zeros(2) for i in range(8)}
    state = {"a0": np.zeros(2), "a1": np.zeros((3, 2)), "lora": np.zeros(1)}
    with pytest.raises(ModelError) as caught:
        check_names(state, expected, "x.pt")
    message = str(caught.value)
    assert "6 missing: a2, a3, a4, a5, a6 and 1 more" in message
    assert "1 unexpected: lora" in message
    assert "1 of another shape: a1 (3, 2), expected (2,)" in message
    assert "must be merged" in message


def test_short_lists_are_named_whole() -> None:
    assert name_some(["a", "b"]) == "a, b"


# --- names and shapes -------------------------------------------------------------


def declared(shapes: Shapes) -> dict[str, Tensor]:
    """As onnxruntime tells a file's tensors."""
    return {
        name: Tensor("float32", tuple(s if isinstance(s, int) else ANY for s in shape))
        for name, shape in shapes.items()
    }


def test_the_encoder_keeps_the_contract() -> None:
    check_encoder(declared(encoder_inputs()), declared(encoder_outputs()), "encoder")


@pytest.mark.parametrize("objects", [False, True])
@pytest.mark.parametrize("fourth_token", [False, True])
def test_the_decoder_keeps_the_contract(objects: bool, fourth_token: bool) -> None:
    outputs = declared(decoder_outputs(objects, fourth_token))
    contract = check_decoder(declared(decoder_inputs(objects)), outputs, "decoder")
    assert contract.logits_name == "low_res_masks"
    assert contract.batches is objects
    assert (set(SINGLE_MASK) <= set(outputs)) is fourth_token
    assert list(outputs)[:3] == ["masks", "iou_predictions", "low_res_masks"]


# --- what is written down ---------------------------------------------------------


def facts_of(sha256: str = "0" * 64, **options):
    checkpoint = Checkpoint("My Cells.pt", sha256, 5, {}, ())
    wanted = {"name": None, "licence": None, "objects": True, "fourth_token": False}
    return gather(checkpoint, TINY, versions(), **{**wanted, **options})


def test_config_has_the_keys_of_darktable_and_ours(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    (tmp_path / "encoder.onnx").write_bytes(b"abc")
    write_config(tmp_path, facts_of(licence="MIT"))
    config = json.loads((tmp_path / "config.json").read_text("utf-8"))
    darktable = {key: config[key] for key in ("id", "task", "arch", "backend")}
    assert darktable == {
        "id": "mask-object-my-cells",
        "task": "mask",
        "arch": "sam2",
        "backend": "onnx",
    }
    assert config["tiling"] is False
    assert config["license"] == "MIT"
    assert config["created"] == "1970-01-01T00:00:00+00:00"
    assert config["source"] == {"file": "My Cells.pt", "sha256": "0" * 64}
    assert config["files"]["encoder.onnx"]["bytes"] == 3
    assert config["object_axis"] is True


def test_the_licence_of_metas_files_is_known() -> None:
    assert facts_of(TINY.published_sha256).licence == "Apache-2.0"
    assert facts_of(TINY.published_sha256, licence="MIT").licence == "MIT"
    assert facts_of().licence is None
    assert metadata(facts_of(), "encoder")["licence"] == "not stated"


def test_metadata_are_words_without_paths() -> None:
    noted = metadata(facts_of(), "decoder")
    assert all(isinstance(value, str) for value in noted.values())
    assert noted["part"] == "decoder"
    assert noted["architecture"] == "sam2.1-hiera-tiny"
    assert not [value for value in noted.values() if "/" in value]


def report_of(relative: float) -> ConversionReport:
    return ConversionReport(
        Path("out"), "tiny", "x.pt", "ab" * 32, None, None,
        (WrittenFile("encoder.onnx", 1234, "cd" * 32),), {"encoder.onnx": 5},
        ("head.weight",), (TensorError("one point", "masks", 0.5, relative),), 3.2,
    )  # fmt: skip


def test_the_report_is_a_table_with_a_verdict() -> None:
    text = str(report_of(2e-6))
    assert "x.pt (SHA-256 abababababab…)" in text
    assert "licence not stated" in text
    assert "encoder.onnx: 1,234 bytes" in text
    assert "not used: 1 tensors of other heads" in text
    assert "2.0e-06" in text
    assert text.endswith("kept")
    assert report_of(2e-6).agrees
    assert str(report_of(2e-2)).endswith("EXCEEDED")
    assert not report_of(2e-2).agrees


def test_steps_are_words_for_people() -> None:
    assert STEPS[0] == "read the checkpoint"


# --- all or nothing ---------------------------------------------------------------


def fill(
    target: Path, error: type[BaseException] | None = None, overwrite: bool = False
) -> None:
    with new_folder(target, overwrite) as temporary:
        (temporary / "new").write_text("new")
        if error is not None:
            raise error


def test_the_folder_appears_when_all_is_done(tmp_path) -> None:
    target = tmp_path / "deep" / "model"
    with new_folder(target) as temporary:
        (temporary / "a").write_text("1")
        assert not target.exists()
    assert (target / "a").read_text() == "1"
    assert [path.name for path in target.parent.iterdir()] == ["model"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_nothing_is_left_after(error: type[BaseException], tmp_path) -> None:
    with pytest.raises(error):
        fill(tmp_path / "model", error=error)
    assert not list(tmp_path.iterdir())


def test_a_failure_keeps_what_was_there(tmp_path) -> None:
    target = tmp_path / "model"
    target.mkdir()
    (target / "old").write_text("old")
    with pytest.raises(RuntimeError):
        fill(target, error=RuntimeError, overwrite=True)
    assert [path.name for path in target.iterdir()] == ["old"]
    fill(target, overwrite=True)
    assert [path.name for path in target.iterdir()] == ["new"]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_taken_folder_is_refused(tmp_path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "a").write_text("1")
    with pytest.raises(ModelError, match="not empty"), new_folder(tmp_path / "model"):
        pass
    (tmp_path / "file").write_text("1")
    with pytest.raises(ModelError, match="is a file"), new_folder(tmp_path / "file"):
        pass


def test_a_folder_that_cannot_be_made_is_an_error_of_ours(tmp_path) -> None:
    (tmp_path / "file").write_text("1")
    with (
        pytest.raises(ModelError, match="cannot be written"),
        new_folder(tmp_path / "file" / "model"),
    ):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="no modes of POSIX")
def test_others_may_read_a_folder_as_the_umask_says(tmp_path) -> None:
    before = os.umask(0o022)
    try:
        with new_folder(tmp_path / "model"):
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "model").stat().st_mode) == 0o755
