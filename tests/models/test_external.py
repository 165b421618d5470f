"""Weights in further files: beside the model they come along, elsewhere never."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from graphs import encoder
from models.hostile import HIDEOUTS, packed, refused, weight_bytes, with_external

import napari_sam21 as sam
from napari_sam21.core.errors import EmbeddingMismatchError, ModelError
from napari_sam21.models.external import external_files, is_plain
from napari_sam21.models.imports import import_model
from napari_sam21.models.library import verify

DATA = "encoder.onnx.data"
ELSEWHERE = (
    "../secret", "/etc/passwd", "sub/weights", "sub\\weights", "..", ".", "",
    "C:\\secret", "C:secret", "\\\\host\\secret", "./weights", "*/_ORT_MEM_ADDR_/*",
)  # fmt: skip
OUTSIDE = r"keeps weights in {}, outside of its folder; expected a file beside it."
MISSING = r"keeps weights in '{}', which is not beside it as a plain file; bring that"


@pytest.fixture
def folder(tiny_folder: Path, tmp_path: Path) -> Path:
    """A model whose encoder keeps a weight in another file."""
    path = tmp_path / "model"
    path.mkdir()
    (path / "decoder.onnx").write_bytes((tiny_folder / "decoder.onnx").read_bytes())
    write(path, with_external(DATA))
    (path / DATA).write_bytes(weight_bytes())
    return path


def write(folder: Path, model: onnx.ModelProto) -> None:
    (folder / "encoder.onnx").write_bytes(model.SerializeToString())


def as_folder(folder: Path) -> Any:
    return folder


def as_archive(folder: Path) -> Any:
    path = folder.with_name("model.zip")
    members = {f"m/{each.name}": each.read_bytes() for each in folder.iterdir()}
    path.write_bytes(packed(members))
    return path


def as_two_files(folder: Path) -> Any:
    return folder / "encoder.onnx", folder / "decoder.onnx"


FORMS = [as_folder, as_archive, as_two_files]


# --- beside it --------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_weights_beside_the_model_come_along(
    form: Callable, folder: Path, models: Path, tiny: sam.Model, image: np.ndarray
) -> None:
    paths = form(folder)
    paths = paths if isinstance(paths, tuple) else (paths,)
    import_model(*paths, name="mine")
    assert (models / "mine" / DATA).read_bytes() == weight_bytes()
    assert verify("mine") == ""
    found = sam.load_model("mine").encode(image).features["image_embed"]
    np.testing.assert_allclose(found, tiny.encode(image).features["image_embed"])


def test_a_folder_is_loaded_where_it_is(folder: Path, image: np.ndarray) -> None:
    assert sam.load_model(folder).encode(image).shape == image.shape


def test_one_file_for_both(folder: Path, models: Path) -> None:
    model = onnx.load(folder / "decoder.onnx")
    for tensor in model.graph.initializer:
        if tensor.name == "radii":
            radii = onnx.numpy_helper.to_array(tensor).tobytes()
            tensor.ClearField("raw_data")
            tensor.data_location = onnx.TensorProto.EXTERNAL
            offset = len(weight_bytes())
            for key, value in (("location", DATA), ("offset", str(offset)),
                               ("length", str(len(radii)))):  # fmt: skip
                tensor.external_data.add(key=key, value=value)
    onnx.save(model, folder / "decoder.onnx")
    (folder / DATA).write_bytes(weight_bytes() + radii)
    # Without a length, the encoder would read to the end of the file.
    first = with_external(DATA)
    for tensor in first.graph.initializer:
        if tensor.external_data:
            tensor.external_data.add(key="length", value=str(offset))
    write(folder, first)
    import_model(folder, name="mine")
    assert len(list((models / "mine").iterdir())) == 4


# --- elsewhere --------------------------------------------------------------------


@pytest.mark.parametrize("location", ELSEWHERE)
@pytest.mark.usefixtures("older")
def test_weights_elsewhere_are_refused(
    location: str, folder: Path, models: Path
) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "weights").write_bytes(weight_bytes())
    (folder.parent / "secret").write_bytes(weight_bytes())
    write(folder, with_external(location))
    (folder / "weights").write_bytes(weight_bytes())
    words = OUTSIDE.format(".*")
    refused(as_folder(folder), words, models)
    with pytest.raises(ModelError, match=words) as caught:
        sam.load_model(folder)
    assert repr(location) in str(caught.value)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.usefixtures("older")
def test_every_form_is_looked_at(form: Callable, folder: Path, models: Path) -> None:
    (folder.parent / "secret").write_bytes(weight_bytes())
    write(folder, with_external("../secret"))
    refused(form(folder), OUTSIDE.format("'../secret'"), models)


@pytest.mark.parametrize("hide", HIDEOUTS.values(), ids=HIDEOUTS)
@pytest.mark.usefixtures("older")
def test_every_place_is_looked_at(hide: Callable, folder: Path, models: Path) -> None:
    model = encoder()
    hide(model)
    write(folder, model)
    refused(folder, OUTSIDE.format("'../secret'"), models)
    with pytest.raises(ModelError, match=OUTSIDE.format("'../secret'")):
        sam.load_model(folder)


@pytest.mark.usefixtures("older")
def test_a_link_beside_it_is_refused(folder: Path, models: Path) -> None:
    (folder / DATA).rename(folder.parent / "secret")
    (folder / DATA).symlink_to(folder.parent / "secret")
    refused(folder, MISSING.format(DATA), models)
    refused(as_two_files(folder), MISSING.format(DATA), models)
    with pytest.raises(ModelError, match=MISSING.format(DATA)):
        sam.load_model(folder)


ABSENT = ["gone", "x" * 300, "a\0b"]
OURS = ["config.json", "model.json", "MODEL.JSON", "a.encoder.onnx"]


@pytest.mark.parametrize("name", ABSENT + OURS)
@pytest.mark.usefixtures("older")
def test_weights_that_are_not_there_or_cannot_be(
    name: str, folder: Path, models: Path
) -> None:
    if name in OURS:
        (folder / name).write_bytes(weight_bytes())
    write(folder, with_external(name))
    paths = as_two_files(folder)
    refused(paths, "which is not beside it as a plain file; bring that", models)


def test_an_archive_that_is_only_read_has_nothing_beside_it(folder: Path) -> None:
    with pytest.raises(ModelError, match="import the model from the archive or folder"):
        sam.load_model(as_archive(folder))


# --- by itself --------------------------------------------------------------------


def test_most_files_are_not_even_parsed(tiny_folder: Path) -> None:
    assert external_files(tiny_folder / "encoder.onnx", "encoder") == ()
    assert external_files(b"no onnx at all", "encoder") == ()


def test_the_word_alone_is_no_reference() -> None:
    model = encoder()
    model.doc_string = "the location of cells"
    assert external_files(model.SerializeToString(), "encoder") == ()


@pytest.mark.parametrize("content", [b"location", b"\x3a\xff\xff\xff\x7flocation"])
def test_what_cannot_be_parsed_is_refused(content: bytes) -> None:
    with pytest.raises(ModelError, match="encoder is not an ONNX model or is damaged"):
        external_files(content, "encoder")


def field(number: int, content: bytes) -> bytes:
    """A field of a message, as it is written."""
    size, length = len(content), b""
    while size > 127:
        length += bytes([size & 127 | 128])
        size >>= 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + content


def test_subgraphs_without_end_are_refused() -> None:
    """Deeper than onnxruntime would read, so that nothing can hide there."""
    model = onnx.ModelProto()
    HIDEOUTS["constant"](model)
    graph = model.graph.SerializeToString()
    for _ in range(120):  # Attribute.g, Node.attribute, Graph.node
        graph = field(1, field(5, field(6, graph)))
    content = field(7, graph)
    with pytest.raises(ModelError, match="encoder is not an ONNX model or is damaged"):
        external_files(content, "encoder")


@pytest.mark.parametrize("name", ["a", "a.data", "ä b", "..a", "encoder.onnx.data"])
def test_plain_names(name: str) -> None:
    assert is_plain(name)


@pytest.mark.parametrize("name", ELSEWHERE)
def test_other_names(name: str) -> None:
    assert not is_plain(name)


def test_models_that_differ_in_outside_weights_only_are_told_apart(
    folder: Path, image: np.ndarray
) -> None:
    """An embedding of one must never be taken for one of the other."""
    first = sam.load_model(folder)
    weights = np.frombuffer((folder / DATA).read_bytes(), np.float32) + 1
    (folder / DATA).write_bytes(weights.tobytes())
    second = sam.load_model(folder)
    assert first.model_id != second.model_id
    with pytest.raises(EmbeddingMismatchError, match="was made by encoder"):
        second.decode(first.encode(image), sam.Prompts([(40, 50)], [1]))
