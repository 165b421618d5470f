"""Models that come as files: what is refused leaves no trace, and why it is said."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graphs import decoder
from models.hostile import (
    encrypted,
    entry,
    no_model,
    not_a_number,
    packed,
    parts,
    refused,
    verbatim,
)
from models.server import names_in

import napari_sam21 as sam
from napari_sam21.core.errors import ModelError
from napari_sam21.models import archive as archives
from napari_sam21.models.imports import import_model
from napari_sam21.models.library import state_of

ENCODER, DECODER = "model/encoder.onnx", "model/decoder.onnx"


@pytest.fixture
def members(tiny_folder: Path) -> dict[Any, bytes]:
    return parts(tiny_folder)


# --- archives that lie ------------------------------------------------------------

NOT_PUBLISHED = r"This is not a model as it is published: nothing was unpacked; get it"
ENTRIES = {
    "path escape": (entry("../evil"), r"'\.\./evil' in .* leads out of the archive"),
    "nested escape": (
        entry("model/a/../../../evil"),
        "evil' in .* leads out of the ar",
    ),
    "windows escape": (verbatim("..\\evil"), "evil' in .* leads out of the archive"),
    "inner backslash": (
        verbatim("model\\evil"),
        "evil' in .* leads out of the archive",
    ),
    "absolute path": (entry("/etc/evil"), "'/etc/evil' in .* is an absolute path"),
    "drive": (verbatim("C:/evil"), "'C:/evil' in .* is an absolute path"),
    "drive, relative": (verbatim("C:evil"), "'C:evil' in .* is an absolute path"),
    "share": (verbatim("\\\\host\\evil"), "evil' in .* is an absolute path"),
    "symlink": (entry("model/evil", stat.S_IFLNK), "model/evil' in .* is a link"),
    "device": (entry("model/evil", stat.S_IFCHR), "evil' in .* is no plain file"),
    "pipe": (entry("model/evil", stat.S_IFIFO), "evil' in .* is no plain file"),
}


@pytest.mark.parametrize(("evil", "words"), ENTRIES.values(), ids=ENTRIES)
@pytest.mark.usefixtures("older")
def test_entries_that_no_model_has(
    evil: Any, words: str, members: dict, tmp_path: Path, models: Path
) -> None:
    path = tmp_path / "evil.zip"
    path.write_bytes(packed({**members, evil: b"/etc/passwd"}))
    refused(path, f"{words}.*{NOT_PUBLISHED}", models)
    with pytest.raises(ModelError, match=words):
        sam.load_model(path)
    assert not list(tmp_path.rglob("evil"))
    assert not list(tmp_path.parent.glob("evil"))


@pytest.mark.usefixtures("older")
def test_the_decoder_as_a_link(members: dict, tmp_path: Path, models: Path) -> None:
    link = entry(DECODER, stat.S_IFLNK)
    path = tmp_path / "evil.zip"
    path.write_bytes(packed({ENCODER: members[ENCODER], link: b"/etc/passwd"}))
    refused(path, f"model/decoder.onnx' in .* is a link. {NOT_PUBLISHED}", models)


@pytest.mark.usefixtures("older")
def test_a_zip_bomb(members: dict, tmp_path: Path, models: Path) -> None:
    path = tmp_path / "bomb.zip"
    path.write_bytes(packed({**members, DECODER: bytes(archives.BOMB_SIZE + 1)}))
    assert path.stat().st_size < 1 << 18
    refused(path, r"would unpack from \d\d,\d{3} to 33,554,433 bytes, which", models)


@pytest.mark.usefixtures("older")
def test_a_bomb_of_many_small_ones(
    members: dict, tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "BOMB_SIZE", 1 << 20)
    small = {f"model/{number}": bytes(900_000) for number in range(9)}
    path = tmp_path / "bomb.zip"
    path.write_bytes(packed({**members, **small}))
    refused(path, r"bomb.zip would unpack from [\d,]+ to 8,1\d\d,\d{3} bytes", models)


@pytest.mark.usefixtures("older")
def test_an_overlong_member(
    members: dict, tmp_path: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "SIZE_LIMIT", 100_000)
    path = tmp_path / "long.zip"
    path.write_bytes(packed({**members, "model/long": bytes(100_001)}))
    words = "'model/long' in .* would unpack to 100,001 bytes, more than an ONNX file"
    refused(path, words, models)


@pytest.mark.usefixtures("older")
def test_an_encrypted_member(members: dict, tmp_path: Path, models: Path) -> None:
    path = tmp_path / "secret.zip"
    path.write_bytes(encrypted(packed(members)))
    refused(path, f"model/encoder.onnx' in .* is encrypted. {NOT_PUBLISHED}", models)


@pytest.mark.parametrize("cut", [0, 100, 5000, -30])
@pytest.mark.usefixtures("older")
def test_a_truncated_archive(
    cut: int, members: dict, tmp_path: Path, models: Path
) -> None:
    path = tmp_path / "cut.dtmodel"
    path.write_bytes(packed(members)[:cut])
    refused(path, "cut.dtmodel is not a readable archive.*fetch or copy it ag", models)


def test_other_files_are_passed_over(
    members: dict, tmp_path: Path, models: Path
) -> None:
    path = tmp_path / "mine.zip"
    path.write_bytes(packed({**members, "model/run.py": b"", "__MACOSX/x": b""}))
    assert import_model(path) == "mine"
    assert names_in(models / "mine") == ["decoder.onnx", "encoder.onnx", "model.json"]


# --- files that are no model ------------------------------------------------------

PARTS = {
    "truncated": (
        ENCODER,
        lambda c: c[: len(c) // 2],
        "encoder of model .* is damaged",
    ),
    "empty": (DECODER, lambda c: b"", "decoder of model .* is not an ONNX model"),
    "text": (DECODER, lambda c: b"<html></html>", "decoder of model .* is not an ONNX"),
    "another graph": (
        ENCODER,
        lambda c: no_model(),
        "encoder of model .* is not a SAM",
    ),
    "wrong contract": (
        DECODER,
        lambda c: decoder(names={"low_res_masks": "low"}).SerializeToString(),
        r"decoder of model .* is not a SAM 2",
    ),
    "no numbers": (
        DECODER,
        lambda c: not_a_number().SerializeToString(),
        "answers a click with values that are no numbers; convert or export it again",
    ),
    "a name that is no text": (
        ENCODER,
        lambda c: (
            c[: int(len(c) * 0.984375)] + b"\x80" + c[int(len(c) * 0.984375) + 1 :]
        ),
        "encoder of model .* is damaged .a name in it is no text",
    ),
    "swapped": (ENCODER, lambda c: decoder().SerializeToString(), "is not a SAM 2"),
}


@pytest.mark.parametrize(("part", "change", "words"), PARTS.values(), ids=PARTS)
@pytest.mark.parametrize("form", ["folder", "archive", "two files"])
@pytest.mark.usefixtures("older")
def test_parts_that_do_not_work(
    form: str, part: str, change: Callable, words: str, members: dict, tmp_path: Path,
    models: Path,
) -> None:  # fmt: skip
    members[part] = change(members[part])
    folder = tmp_path / "model"
    folder.mkdir()
    for name, content in members.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "model.zip").write_bytes(packed(members))
    path: Any = {
        "folder": folder,
        "archive": tmp_path / "model.zip",
        "two files": (folder / "encoder.onnx", folder / "decoder.onnx"),
    }[form]
    refused(path, words, models)


def test_paths_that_are_nothing(
    tiny_folder: Path, tmp_path: Path, models: Path
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.txt").write_text("text")
    one = tiny_folder / "encoder.onnx"
    for paths, words in (
        ((), "nothing was named to import; name a .dtmodel or .zip archive, a folder"),
        ((tmp_path / "starter",), "starter does not exist; name a .dtmodel"),
        ((tmp_path / ("x" * 300),), "xx does not exist"),
        ((tmp_path / "empty",), "holds 0 files named …encoder.onnx.*contains: nothing"),
        ((tmp_path / "a.txt",), "a.txt cannot be imported; name a .dtmodel or .zip"),
        ((one,), "encoder.onnx cannot be imported; name"),
        ((one, one), "holds 2 files named …encoder.onnx, expected one"),
        ((one, tmp_path / "a.txt"), "encoder.onnx and .*a.txt cannot be imported"),
    ):
        with pytest.raises(ModelError, match=words):
            import_model(*paths)
    assert names_in(models) == []


# --- what a model says of itself --------------------------------------------------

CONFIGS = {
    "good": (b'{"name": "My cells", "license": "CC0-1.0"}', "My cells", "CC0-1.0"),
    "no JSON": (b"{name: 3", "mine", "not stated"),
    "no text": (b"\xff\xfe\xff", "mine", "not stated"),
    "a list": (b"[1, 2]", "mine", "not stated"),
    "other types": (b'{"name": {"a": 1}, "license": 3}', "mine", "not stated"),
    "too deep": (b"[" * 100_000, "mine", "not stated"),
    "terminal": (b'{"name": "\\u001b[31mred\\nline \\u202Eb"}', "[31mred line b",
                 "not stated"),
    "surrogate": (b'{"name": "a\\ud800b"}', "a b", "not stated"),
    "long": (json.dumps({"name": "x" * 999}).encode(), "x" * 80, "not stated"),
}  # fmt: skip


@pytest.mark.parametrize(("config", "title", "licence"), CONFIGS.values(), ids=CONFIGS)
def test_a_config_that_anyone_may_have_written(
    config: bytes, title: str, licence: str, members: dict, tmp_path: Path
) -> None:
    path = tmp_path / "mine.zip"
    path.write_bytes(packed({**members, "model/config.json": config}))
    state = state_of(import_model(path))
    assert (state.title, state.licence) == (title, licence)


@pytest.mark.usefixtures("older")
def test_a_config_too_large(members: dict, tmp_path: Path, models: Path) -> None:
    big = np.random.default_rng(0).bytes((1 << 20) + 1)
    path = tmp_path / "big.zip"
    path.write_bytes(packed({**members, "model/config.json": big}))
    refused(path, "config.json of .*big.zip is larger than 1,048,576 bytes", models)
