"""Whatever the bytes are, the answer is a model or one of our errors."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from models.hostile import packed, parts, with_external
from models.server import names_in

import napari_sam21 as sam
from napari_sam21.core.errors import Sam21Error
from napari_sam21.models.external import external_files
from napari_sam21.models.imports import import_model
from napari_sam21.models.publisher import _digests
from napari_sam21.models.record import read_record

few = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
CHANGES = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=6)),
    min_size=1, max_size=5,
)  # fmt: skip


def changed(content: bytes, changes: list[tuple[float, bytes]], cut: float) -> bytes:
    """Bytes with some of them others, and perhaps without an end."""
    found = bytearray(content)
    for place, new in changes:
        start = int(place * len(found))
        found[start : start + len(new)] = new
    return bytes(found[: int(cut * len(found)) + 1])


@pytest.fixture(scope="module")
def members(tiny_folder: Path) -> dict[str, bytes]:
    return parts(tiny_folder) | {"model/config.json": b'{"name": "x"}'}


def tried(path: Path, models: Path) -> None:
    """Load and import; what comes in is whole, what does not leaves nothing."""
    with suppress(Sam21Error):
        sam.load_model(path)
    with suppress(Sam21Error):
        import_model(path, name="mine", replace=True)
    assert names_in(models) in ([], ["mine"])


@given(content=st.binary(max_size=300))
@few
def test_any_bytes_as_an_archive(content: bytes, models: Path, tmp_path: Path) -> None:
    path = tmp_path / "any.zip"
    path.write_bytes(content)
    tried(path, models)


@given(changes=CHANGES, cut=st.just(1.0) | st.floats(0, 1))
@few
def test_archives_with_other_bytes(
    changes: list, cut: float, members: dict, models: Path, tmp_path: Path
) -> None:
    path = tmp_path / "changed.zip"
    path.write_bytes(changed(packed(members), changes, cut))
    tried(path, models)


@given(changes=CHANGES)
@few
def test_directories_of_archives_with_other_bytes(
    changes: list, members: dict, models: Path, tmp_path: Path
) -> None:
    """Names, sizes, methods and flags stand at the end."""
    whole = packed(members)
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        start = archive.start_dir
    path = tmp_path / "changed.zip"
    path.write_bytes(whole[:start] + changed(whole[start:], changes, 1.0))
    tried(path, models)


@given(changes=CHANGES, part=st.sampled_from(["encoder", "decoder"]))
@few
def test_models_with_other_bytes(
    changes: list, part: str, members: dict, models: Path
) -> None:
    with tempfile.TemporaryDirectory() as place:
        for name, content in members.items():
            Path(place, Path(name).name).write_bytes(content)
        path = Path(place, f"{part}.onnx")
        path.write_bytes(changed(path.read_bytes(), changes, 1.0))
        tried(Path(place), models)


@given(changes=CHANGES, cut=st.just(1.0) | st.floats(0, 1))
@few
def test_references_with_other_bytes(changes: list, cut: float) -> None:
    content = with_external("../secret").SerializeToString()
    with suppress(Sam21Error):
        assert isinstance(external_files(changed(content, changes, cut), "x"), tuple)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.floats(),
    lambda each: (
        st.lists(each, max_size=4)
        | st.dictionaries(st.sampled_from(["files", "format", "size", "x"]), each)
    ),
    max_leaves=9,
)


@given(found=anything)
@few
def test_records_of_anything(found: object, tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(json.dumps(found))
    with suppress(Sam21Error):
        read_record(tmp_path)


@given(found=anything)
@few
def test_lists_of_digests_of_anything(found: object) -> None:
    assert list(_digests(found, "x")) == []
