"""Which checkpoints are taken, which are refused, and that none can run code."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sam2.build_sam import build_sam2

from napari_sam21.core.errors import ModelError
from napari_sam21.models.convert import ARCHITECTURES, convert
from napari_sam21.models.convert.architectures import recognise
from napari_sam21.models.convert.checkpoint import read_checkpoint
from napari_sam21.models.convert.network import build, enlargement, load, position

PATCHES = "image_encoder.trunk.patch_embed.proj.weight"
CLASS_HEAD = "sam_mask_decoder.iou_prediction_head.layers.0.weight"


def refused(path: Path, match: str, **options: Any) -> None:
    """`convert` refuses, and leaves nothing beside the checkpoint."""
    before = set(path.parent.iterdir()) if path.parent.is_dir() else set()
    with pytest.raises(ModelError, match=match):
        convert(path, path.parent / "out", **options)
    assert set(path.parent.iterdir()) == before


# --- what is taken ----------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["", "module.", "model.", "sam2.model."])
@pytest.mark.parametrize("container", [None, "model", "state_dict"])
def test_fine_tuned_states_are_read(
    prefix: str, container: str | None, save, tiny_network, repeated
) -> None:
    state = {prefix + name: each for name, each in repeated(tiny_network).items()}
    path = save(state if container is None else {container: state, "epoch": 7})
    load(tiny_network, read_checkpoint(path))
    wanted = repeated(tiny_network)
    for name in (PATCHES, CLASS_HEAD, "no_mem_embed"):
        assert tiny_network.state_dict()[name].flatten()[0] == wanted[name].flatten()[0]


@pytest.mark.parametrize("precision", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_become_float32(
    precision, save, tiny_network, repeated
) -> None:
    state = {name: each.to(precision) for name, each in repeated(tiny_network).items()}
    load(tiny_network, read_checkpoint(save({"model": state})))
    found = tiny_network.state_dict()[PATCHES]
    assert found.dtype == torch.float32
    assert found.flatten()[0] == state[PATCHES].flatten()[0].float()


def test_the_video_part_may_be_missing_or_changed(save, tiny_network, repeated) -> None:
    state = repeated(tiny_network, 0.25)
    image = {name: each for name, each in state.items() if "mem" not in name}
    image["no_mem_embed"] = state["no_mem_embed"]
    image["maskmem_tpos_enc"] = torch.zeros(4, 1, 1, 64)
    load(tiny_network, read_checkpoint(save({"model": image})))
    assert (
        tiny_network.state_dict()[PATCHES].flatten()[0] == image[PATCHES].flatten()[0]
    )


# --- what is refused --------------------------------------------------------------


class Evil:
    """Runs a command when it is unpickled."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> Any:
        return os.system, (f"echo pwned > {self.proof}",)


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_checkpoint_is_refused_and_not_run(
    zipped: bool, tmp_path, tiny_network, repeated
) -> None:
    content = {"model": repeated(tiny_network), "extra": Evil(tmp_path / "proof")}
    path = tmp_path / "evil.pt"
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    names = r"posix\.system|nt\.system" if zipped else "functions of its own"
    refused(path, rf"evil\.pt was refused: .*({names})")


def test_a_bare_pickle_is_refused_and_not_run(tmp_path) -> None:
    path = tmp_path / "evil.pt"
    path.write_bytes(pickle.dumps(Evil(tmp_path / "proof")))
    refused(path, "was refused|not a readable torch checkpoint")


def test_torchs_advice_to_drop_the_safeguard_is_not_passed_on(tmp_path) -> None:
    path = tmp_path / "evil.pt"
    path.write_bytes(pickle.dumps(Evil(tmp_path / "proof")))
    with pytest.raises(ModelError) as caught:
        convert(path, tmp_path / "out")
    assert "weights_only" not in str(caught.value)


def test_a_truncated_checkpoint_is_refused(checkpoint, tmp_path) -> None:
    path = tmp_path / "cut.pt"
    with checkpoint.open("rb") as whole:
        path.write_bytes(whole.read(checkpoint.stat().st_size // 2))
    refused(path, r"cut\.pt is not a readable torch checkpoint .*fetch it again")


@pytest.mark.parametrize("content", [b"", b"hello world" * 99, b"\x89PNG\r\n", b"PK"])
def test_other_files_are_refused(content: bytes, tmp_path) -> None:
    path = tmp_path / "other.pt"
    path.write_bytes(content)
    refused(path, "not a readable torch checkpoint")


@pytest.mark.parametrize("zipped", [True, False])
def test_damaged_files_are_refused_or_read(zipped: bool, tmp_path) -> None:
    path, random = tmp_path / "damaged.pt", np.random.default_rng(0)
    torch.save({"a": torch.zeros(9)}, path, _use_new_zipfile_serialization=zipped)
    whole = bytearray(path.read_bytes())
    for _ in range(300):
        damaged = whole.copy()
        for place in random.integers(0, len(whole), 4):
            damaged[place] = random.integers(0, 256)
        path.write_bytes(damaged[: random.integers(1, len(whole) + 1)])
        with pytest.raises(ModelError):  # what can be read holds no SAM 2
            read_checkpoint(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path) -> None:
    refused(tmp_path / "missing.pt", r"missing\.pt cannot be read \(No such file")
    (tmp_path / "folder").mkdir()
    refused(tmp_path / "folder", "cannot be read")


def test_sam_20_is_refused(save, repeated) -> None:
    older = build_sam2("configs/sam2/sam2_hiera_t.yaml", None, device="cpu")
    refused(save({"model": repeated(older)}), r"is a checkpoint of SAM 2\.0")


def test_tensors_that_do_not_fit_are_named(save, tiny_network, repeated) -> None:
    state = repeated(tiny_network)
    del state[CLASS_HEAD]
    state["image_encoder.trunk.blocks.0.attn.qkv.lora_a"] = torch.zeros(4)
    state["sam_mask_decoder.mask_tokens.weight"] = torch.zeros(5, 256)
    refused(
        save({"model": state}),
        rf"1 missing: {CLASS_HEAD}; 1 unexpected: .*lora_a; 1 of another shape: "
        r"sam_mask_decoder\.mask_tokens\.weight \(5, 256\), expected \(4, 256\)",
    )


def test_weights_that_are_not_finite_are_refused(save, tiny_network, repeated) -> None:
    state = repeated(tiny_network)
    state[PATCHES] = torch.tensor(float("nan")).expand(state[PATCHES].shape)
    refused(save({"model": state}), f"not finite, in {PATCHES}: the training")


def test_another_architecture_is_refused(save, tiny_network, repeated) -> None:
    path = save({"model": repeated(tiny_network)})
    refused(path, "holds the tiny architecture, not large", architecture="large")


def test_a_taken_folder_is_refused_before_anything_is_read(tmp_path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("1")
    refused(tmp_path / "missing.pt", "not empty")


# --- every architecture -----------------------------------------------------------


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_architecture_is_built_recognised_and_positioned(name: str) -> None:
    model = build(ARCHITECTURES[name])
    assert recognise(model.state_dict(), name) is ARCHITECTURES[name]
    trunk = model.image_encoder.trunk
    with torch.no_grad():
        trunk.pos_embed.normal_()
        trunk.pos_embed_window.normal_()
        wanted = trunk._get_pos_embed((256, 256))
    trunk.register_buffer("enlarge", enlargement(trunk.pos_embed))
    torch.testing.assert_close(position(trunk), wanted, atol=1e-5, rtol=1e-5)
