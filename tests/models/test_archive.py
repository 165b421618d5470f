"""Where the two files of a model are: folders and archives as they are published."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from napari_sam21.core.errors import ModelError
from napari_sam21.models import archive
from napari_sam21.models.archive import find_files

ENCODER, DECODER = b"the encoder " * 50, b"the decoder " * 40
PAIR = {"encoder.onnx": ENCODER, "decoder.onnx": DECODER}
LAYOUTS = {
    "flat": PAIR,
    "darktable": {
        "mask-object-sam21-tiny/config.json": b"{}",
        "mask-object-sam21-tiny/encoder.onnx": ENCODER,
        "mask-object-sam21-tiny/decoder.onnx": DECODER,
    },
    "samexporter": {
        "sam2.1_hiera_tiny.encoder.onnx": ENCODER,
        "sam2.1_hiera_tiny.decoder.onnx": DECODER,
        "config.yaml": b"",
    },
    "deep": {"a/b/c/encoder.onnx": ENCODER, "a/b/c/decoder.onnx": DECODER},
    "dotted": {"./tiny/encoder.onnx": ENCODER, "./tiny/decoder.onnx": DECODER},
}


def pack(path: Path, members: dict[str, bytes], method: int = 8) -> Path:
    with zipfile.ZipFile(path, "w", method) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return path


def spread(folder: Path, members: dict[str, bytes]) -> Path:
    folder.mkdir()
    for name, content in members.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("members", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("suffix", [".dtmodel", ".zip", ".ZIP"])
def test_archives_are_read_without_unpacking(
    members: dict[str, bytes], suffix: str, tmp_path: Path
) -> None:
    found = find_files(pack(tmp_path / f"mine{suffix}", members))
    assert (found.name, found.encoder, found.decoder) == ("mine", ENCODER, DECODER)
    assert [each.name for each in tmp_path.iterdir()] == [f"mine{suffix}"]


@pytest.mark.parametrize("layout", ["flat", "samexporter"])
def test_folders_give_paths(layout: str, tmp_path: Path) -> None:
    found = find_files(spread(tmp_path / "mine", LAYOUTS[layout]))
    assert found.name == "mine"
    assert Path(found.encoder).read_bytes() == ENCODER
    assert Path(found.decoder).read_bytes() == DECODER


INCOMPLETE = {
    "no decoder": ({"encoder.onnx": ENCODER, "x.txt": b""}, "0 files .*decoder.onnx"),
    "two encoders": ({**PAIR, "b.encoder.onnx": b""}, "2 files .*encoder.onnx"),
    "neither": ({"readme.md": b""}, "0 files .*encoder.onnx, .*contains: readme.md"),
    "empty": ({}, "contains: nothing"),
}


@pytest.mark.parametrize(("members", "message"), INCOMPLETE.values(), ids=INCOMPLETE)
def test_exactly_one_of_each_is_needed(
    members: dict[str, bytes], message: str, tmp_path: Path
) -> None:
    sources = pack(tmp_path / "a.zip", members), spread(tmp_path / "a", members)
    for source in sources:
        with pytest.raises(ModelError, match=message):
            find_files(source)


@pytest.mark.parametrize("name", ["missing", "missing.zip", "missing.dtmodel"])
def test_a_missing_path_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=rf"{name} does not exist; pass what holds"):
        find_files(tmp_path / name)


def test_a_lone_file_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "encoder.onnx"
    path.write_bytes(ENCODER)
    with pytest.raises(ModelError, match="neither a folder nor a .dtmodel or .zip"):
        find_files(path)


# --- archives that lie or are damaged --------------------------------------------


def overwritten(content: bytes, start: int, patch: bytes) -> bytes:
    return content[:start] + patch + content[start + len(patch) :]


DAMAGES = {
    "empty": lambda content: b"",
    "text": lambda content: b"<html>not found</html>",
    "truncated": lambda content: content[: len(content) // 2],
    "bad stream": lambda content: overwritten(content, 42, b"\xff" * 12),
    "bad checksum": lambda content: content.replace(ENCODER[:20], DECODER[:20]),
}


@pytest.mark.parametrize(
    ("damage", "method"),
    [(name, 0 if name == "bad checksum" else 8) for name in DAMAGES],
    ids=DAMAGES,
)
def test_damaged_archives_are_refused(damage: str, method: int, tmp_path: Path) -> None:
    path = pack(tmp_path / "mine.dtmodel", PAIR, method)
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    with pytest.raises(ModelError, match="mine.dtmodel is not a readable archive"):
        find_files(path)


def test_an_encrypted_member_is_refused(tmp_path: Path) -> None:
    path = pack(tmp_path / "mine.dtmodel", PAIR)
    content = path.read_bytes()
    # Bit 0 of the flags, in the local header and in the directory.
    content = overwritten(content, 6, b"\x01")
    content = overwritten(content, content.index(b"PK\x01\x02") + 8, b"\x01")
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"encoder.onnx' in .*mine.dtmodel is encrypt"):
        find_files(path)


def test_a_member_too_large_for_a_model_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pack(tmp_path / "bomb.zip", {**PAIR, "decoder.onnx": bytes(100_000)})
    monkeypatch.setattr(archive, "SIZE_LIMIT", 99_999)
    with pytest.raises(
        ModelError, match=r"decoder.onnx' in .*bomb.zip would .*100,000"
    ):
        find_files(path)


def test_a_member_of_the_largest_size_is_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pack(tmp_path / "mine.zip", PAIR)
    monkeypatch.setattr(archive, "SIZE_LIMIT", len(ENCODER))
    assert find_files(path).encoder == ENCODER


def test_macos_twins_are_passed_over(tmp_path: Path, tiny_folder: Path) -> None:
    path = tmp_path / "mac.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for part in ("encoder.onnx", "decoder.onnx"):
            archive.write(tiny_folder / part, f"model/{part}")
            archive.writestr(f"__MACOSX/model/._{part}", b"attributes")
    assert find_files(path).encoder == (tiny_folder / "encoder.onnx").read_bytes()
