"""From a name or a path to a loaded model, and never over the network."""

from __future__ import annotations

import os
import shutil
import socket
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from graphs import write_model

import napari_sam21 as sam
from napari_sam21.core.errors import ModelError
from napari_sam21.models import home, library
from napari_sam21.models.digests import guessed
from napari_sam21.models.parts import compiled_folder

PROMPTS = sam.Prompts([(40, 50)], [1])


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever would open a connection here is an error."""

    def refuse(*arguments: Any, **options: Any) -> None:
        raise AssertionError("a model was fetched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def in_folder(source: Path, target: Path) -> Path:
    return source


def in_dtmodel(source: Path, target: Path) -> Path:
    """As darktable publishes it: a folder and a config inside a DEFLATE zip."""
    path = target / "mine.dtmodel"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("mine/config.json", '{"id": "mine", "task": "mask"}')
        for part in ("encoder", "decoder"):
            packed.write(source / f"{part}.onnx", f"mine/{part}.onnx")
    return path


def in_zip(source: Path, target: Path) -> Path:
    """As vietanhdev publishes it: the model's name before the part's."""
    path = target / "sam2.1_hiera_tiny_20260221.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for part in ("encoder", "decoder"):
            name = f"sam2.1_hiera_tiny.{part}.onnx"
            packed.write(source / f"{part}.onnx", name)
    return path


@pytest.mark.parametrize("bring", [in_folder, in_dtmodel, in_zip])
def test_every_form_is_the_same_model(
    bring: Any, tiny: sam.Model, tiny_folder: Path, tmp_path: Path, image: np.ndarray
) -> None:
    path = bring(tiny_folder, tmp_path)
    model = sam.load_model(path)
    assert model.name == path.stem
    assert model.model_id == tiny.model_id
    embedding = tiny.encode(image)
    assert model.encode(image).key == embedding.key
    answer = model.decode(embedding, PROMPTS)
    np.testing.assert_array_equal(answer.logits, tiny.decode(embedding, PROMPTS).logits)


@pytest.mark.parametrize("providers", [None, ("CPUExecutionProvider",)])
def test_providers(providers: Any, tiny_folder: Path) -> None:
    model = sam.load_model(tiny_folder, providers=providers)
    assert f"CPUExecutionProvider/{onnxruntime.__version__}" in repr(model)


def test_an_unknown_provider_is_refused(tiny_folder: Path) -> None:
    with pytest.raises(ModelError, match=r"\['NoSuchProvider'\] are not in this onnx"):
        sam.load_model(tiny_folder, providers=("NoSuchProvider",))


@pytest.mark.parametrize("name", ["sam99", "", "./tiny", "STARTER"])
def test_an_unknown_name_lists_the_known_ones(name: str) -> None:
    with pytest.raises(ModelError, match=r"no model named .*starter.*pathlib\.Path"):
        sam.load_model(name)


def test_a_path_as_text_is_not_taken_for_a_path(tiny_folder: Path) -> None:
    with pytest.raises(ModelError, match=r"pass a pathlib\.Path"):
        sam.load_model(str(tiny_folder))


def test_a_missing_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="nowhere does not exist"):
        sam.load_model(tmp_path / "nowhere")


def test_missing_files_of_the_table_are_not_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "PACKAGE_FOLDER", tmp_path)
    with pytest.raises(ModelError, match="files of model 'starter' are missing"):
        sam.load_model("starter")


@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_a_truncated_part_is_named(part: str, tmp_path: Path) -> None:
    path = write_model(tmp_path / "half") / f"{part}.onnx"
    path.write_bytes(path.read_bytes()[:1500])
    with pytest.raises(ModelError, match=f"{part} of model 'half' is not an ONNX"):
        sam.load_model(path.parent)


def test_a_part_of_another_contract_is_named(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "odd", names={"low_res_masks": "low"})
    with pytest.raises(ModelError, match="decoder of model 'odd' is not a SAM 2"):
        sam.load_model(folder)


# --- loading again ---------------------------------------------------------------


def loaded_again(folder: Path, tmp_path: Path) -> tuple[Path, sam.Model]:
    """A copy of a model that was loaded before, as the dock loads it."""
    copy = shutil.copytree(folder, tmp_path / "copy")
    return copy, sam.load_model(copy, providers=None)


def test_what_is_loaded_again_is_the_same_model(
    tiny: sam.Model, tiny_folder: Path, tmp_path: Path, image: np.ndarray
) -> None:
    copy, first = loaded_again(tiny_folder, tmp_path)
    assert guessed(copy / "encoder.onnx")[:16] == tiny.model_id
    again = sam.load_model(copy, providers=None)
    keys = {each.encode(image).key for each in (tiny, first, again)}
    assert len(keys) == 1


@pytest.mark.parametrize("not_kept", [False, True])
def test_a_file_that_changed_unnoticed_is_noticed(
    not_kept: bool, tiny_folder: Path, tmp_path: Path, image: np.ndarray
) -> None:
    """Another encoder of the same size, at the same time, under the same name."""
    copy, first = loaded_again(tiny_folder, tmp_path)
    path = copy / "encoder.onnx"
    stat = path.stat()
    other = write_model(tmp_path / "other", seed=1) / "encoder.onnx"
    path.write_bytes(other.read_bytes().ljust(stat.st_size, b"\0")[: stat.st_size])
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert guessed(path)[:16] == first.model_id  # as it looks
    kept = sorted(compiled_folder().iterdir())
    if not_kept:  # nothing of the other file may be kept as if it were of this one
        for each in kept:
            each.write_bytes(b"damaged")
    again = sam.load_model(copy, providers=None)
    assert again.model_id != first.model_id
    assert again.encode(image).key != first.encode(image).key
    back = sam.load_model(tiny_folder, providers=None).encode(image)
    assert back.key == first.encode(image).key
    assert (
        back.features["image_embed"] == first.encode(image).features["image_embed"]
    ).all()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": 1}'])
def test_damaged_notes_are_no_error(
    text: str, tiny_folder: Path, tmp_path: Path
) -> None:
    copy, first = loaded_again(tiny_folder, tmp_path)
    (home.own_cache() / "digests.json").write_text(text, encoding="utf-8")
    assert sam.load_model(copy, providers=None).model_id == first.model_id
