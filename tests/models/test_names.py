"""What imported models are called, and those that the table knows by their digest."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from graphs import write_model
from models.server import names_in, sha256, source_of

import napari_sam21 as sam
from napari_sam21.core.errors import ModelError
from napari_sam21.models.imports import default_name, import_model
from napari_sam21.models.library import own_names, remove, state_of
from napari_sam21.models.record import read_record

BAD_NAMES = (
    "", ".", "..", "a/b", "a\\b", ".staged-x", "-x", "x.", "x" * 65, "ä", "a b", "CON",
    "nul.model", "com1", "a\0", "a\n",
)  # fmt: skip


@pytest.mark.parametrize("name", BAD_NAMES)
def test_names_that_no_folder_should_have(
    name: str, tiny_folder: Path, models: Path
) -> None:
    with pytest.raises(ModelError, match="cannot be called .* up to 64 letters") as e:
        import_model(tiny_folder, name=name)
    assert repr(name) in str(e.value)
    assert names_in(models) == []


@pytest.mark.parametrize("name", ["starter", "sam2.1-tiny", "SAM2.1-Tiny"])
def test_names_of_the_table_are_kept_for_it(name: str, tiny_folder: Path) -> None:
    with pytest.raises(ModelError, match="is the name of a model of the table, and th"):
        import_model(tiny_folder, name=name, replace=True)


@pytest.mark.parametrize("name", ["mine", "MINE"])
@pytest.mark.usefixtures("older")
def test_a_name_that_is_taken(name: str, tmp_path: Path, models: Path) -> None:
    other = write_model(tmp_path / "other", seed=1, batches=True)
    with pytest.raises(
        ModelError, match=r"there is a model named 'mine' al.*--replace"
    ):
        import_model(other, name=name)
    assert not read_record(models / "mine").batches
    assert import_model(other, name=name, replace=True) == "mine"
    assert read_record(models / "mine").batches
    assert names_in(models) == ["mine"]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("My cells (2).zip", "My-cells-2"),
        ("..hidden.zip", "hidden"),
        ("ä.zip", "model"),
        ("x" * 63 + ".y.zip", "x" * 63),
        ("sam2.1_hiera.dtmodel", "sam2.1_hiera"),
    ],
)
def test_names_after_files(file: str, name: str, tmp_path: Path) -> None:
    (tmp_path / file).touch()
    assert default_name([tmp_path / file]) == name


def test_names_after_two_files_and_text_paths(
    tiny_folder: Path, tmp_path: Path
) -> None:
    files = []
    for part in ("encoder", "decoder"):
        files.append(str(tmp_path / f"cells-v2.{part}.onnx"))
        shutil.copy(tiny_folder / f"{part}.onnx", files[-1])
    assert import_model(*files) == "cells-v2"
    assert own_names() == ("cells-v2",)
    remove("cells-v2")
    assert own_names() == ()


# --- models that the table knows --------------------------------------------------


def test_a_known_archive_becomes_the_model_of_the_table(
    archive: bytes, use: Callable, tmp_path: Path, models: Path
) -> None:
    use(source_of("https://models.invalid/a.dtmodel", archive))
    path = tmp_path / "carried on a stick.zip"
    path.write_bytes(archive)
    assert import_model(path) == "served"
    assert state_of("served").ready
    assert read_record(models / "served").source == "https://models.invalid/a.dtmodel"
    assert own_names() == ()
    assert import_model(path, name="copy") == "copy"
    assert own_names() == ("copy",)


@pytest.mark.parametrize("form", ["folder", "two files"])
def test_known_files_become_the_model_of_the_table(
    form: str, use: Callable, tiny_folder: Path
) -> None:
    files = [tiny_folder / "encoder.onnx", tiny_folder / "decoder.onnx"]
    digests = {each.name: sha256(each.read_bytes()) for each in files}
    use(source_of("https://models.invalid/a.zip", b"", files=digests))
    paths = [tiny_folder] if form == "folder" else files
    assert import_model(*paths) == "served"
    assert state_of("served").ready


def test_what_is_imported_works_like_what_it_came_from(
    tiny_folder: Path, tiny: sam.Model, image: np.ndarray
) -> None:
    model = sam.load_model(import_model(tiny_folder, name="mine"))
    assert model.model_id == tiny.model_id
    prompts = sam.Prompts([(40, 50)], [1])
    answers = [each.decode(each.encode(image), prompts) for each in (model, tiny)]
    np.testing.assert_array_equal(answers[0].logits, answers[1].logits)


def test_two_outputs_and_batches_are_noted(tmp_path: Path, models: Path) -> None:
    import_model(write_model(tmp_path / "two", two_outputs=True, batches=True))
    record = read_record(models / "two")
    assert (record.contract, record.batches) == ("two-output", True)
