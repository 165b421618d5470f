"""Which models are there, in which state, and how they leave."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from models.server import names_in

import napari_sam21 as sam
from napari_sam21.core.errors import ModelError
from napari_sam21.models import home, library
from napari_sam21.models.library import own_names, remove, state_of, states, verify
from napari_sam21.models.record import Record, read_record, write_record

TABLE = ["starter", "sam2.1-tiny", "sam2.1-small", "sam2.1-base-plus"]


def test_a_new_machine_has_the_starter_and_may_have_the_rest(places: Path) -> None:
    found = {state.name: state for state in states()}
    assert list(found) == TABLE
    assert [state.state for state in found.values()] == ["ready"] + 3 * ["absent"]
    assert found["starter"].built_in
    assert found["starter"].size > 1_000_000
    assert found["sam2.1-tiny"].size == 137_000_000
    assert found["sam2.1-tiny"].folder is None
    assert not places.exists()  # to look is not to change


@pytest.mark.usefixtures("older")
def test_ones_own_models_come_after_the_table(models: Path) -> None:
    state = states()[-1]
    assert (state.name, state.own, state.state) == ("mine", True, "ready")
    assert state.folder == models / "mine"
    files = [each for each in state.folder.iterdir() if each.name != "model.json"]
    assert state.size == sum(each.stat().st_size for each in files)


@pytest.mark.parametrize("name", TABLE[1:])
def test_an_absent_model_says_how_it_comes(name: str) -> None:
    words = (
        rf"model '{name}' is not on this machine \(\d\d\d MB\). Fetch it with "
        rf"napari_sam21.fetch_model\(\"{name}\"\), napari-sam21 setup {name} or in the"
    )
    with pytest.raises(ModelError, match=words):
        sam.load_model(name)
    for do in (remove, verify):
        with pytest.raises(ModelError, match=f"model '{name}' is not on this machine"):
            do(name)


# --- damage -----------------------------------------------------------------------

DAMAGES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "short": (lambda path: path.write_bytes(b"x" * 9), "has 9 bytes, expected "),
    "gone": (lambda path: path.unlink(), "is missing"),
    "a folder": (
        lambda path: (path.unlink(), path.mkdir()),
        r"bytes, expected|changed",
    ),
}


@pytest.mark.parametrize(("damage", "words"), DAMAGES.values(), ids=DAMAGES)
def test_damage_that_is_seen_at_a_glance(
    damage: Callable, words: str, older: Path
) -> None:
    damage(older / "decoder.onnx")
    state = state_of("mine")
    assert (state.state, state.ready) == ("broken", False)
    said = rf"model 'mine' in .*mine is damaged: decoder.onnx .*({words}).*; import it"
    with pytest.raises(ModelError, match=said):
        sam.load_model("mine")
    assert "decoder.onnx" in verify("mine")
    remove("mine")
    assert own_names() == ()


def test_damage_that_only_verifying_finds(older: Path) -> None:
    content = bytearray((older / "encoder.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (older / "encoder.onnx").write_bytes(content)
    assert state_of("mine").ready
    assert (
        verify("mine") == "encoder.onnx has changed since it came (its SHA-256 differs)"
    )


def test_what_verifying_says_of_whole_models(older: Path) -> None:
    assert verify("mine") == verify("starter") == ""


RECORDS: dict[str, Any] = {
    "empty": "",
    "no JSON": "{",
    "no text": b"\xff\xfe",
    "too deep": "[" * 100_000,
    "a list": "[]",
    "no files": {"files": {}},
    "files of other kinds": {"files": []},
    "a size in words": {"files": {"encoder.onnx": {"size": "9", "sha256": "a"}}},
    "a file more": {"files": {"encoder.onnx": {"size": 9, "sha256": "a", "more": 1}}},
    "a title of another kind": {"title": 3},
    "a field more": {"more": 1},
    "another format": {"format": 2},
}


@pytest.mark.parametrize("change", RECORDS.values(), ids=RECORDS)
def test_a_damaged_record_breaks_its_model_alone(change: Any, older: Path) -> None:
    path = older / "model.json"
    if isinstance(change, dict):
        change = json.dumps(json.loads(path.read_text()) | change)
    path.write_bytes(change if isinstance(change, bytes) else change.encode())
    assert [state.state for state in states()][-1] == "broken"
    with pytest.raises(ModelError, match="model.json cannot be read .*import the mod"):
        sam.load_model("mine")
    assert "model.json cannot be read" in verify("mine")
    remove("mine")
    assert own_names() == ()


def test_a_record_is_what_was_written(older: Path, tmp_path: Path) -> None:
    record = read_record(older)
    assert isinstance(record, Record)
    write_record(record, tmp_path)
    assert read_record(tmp_path) == record


# --- what is no model -------------------------------------------------------------


def test_only_whole_models_are_listed(older: Path, models: Path) -> None:
    for name in (f"{home.STAGED}abc", "bad name", "ä"):
        shutil.copytree(older, models / name)
    (models / "empty").mkdir()
    (models / "file").write_text("")
    shutil.copytree(older, models / "unrecorded")
    (models / "unrecorded" / "model.json").unlink()
    assert own_names() == ("mine",)
    for name in (f"{home.STAGED}abc", "bad name", "empty", "file", "unrecorded"):
        with pytest.raises(ModelError, match="there is no model named .*mine.*import"):
            state_of(name)


@pytest.mark.parametrize(
    "name", ["..", "../models/mine", "mine/../mine", "/", "", "a\0"]
)
@pytest.mark.usefixtures("older")
def test_names_never_lead_elsewhere(name: str, models: Path) -> None:
    for do in (remove, verify, state_of, sam.load_model):
        with pytest.raises(ModelError, match="there is no model named"):
            do(name)
    assert names_in(models) == ["mine"]


def test_a_model_that_goes_while_one_looks(
    older: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "own_names", lambda: ("gone", "mine"))
    assert [state.name for state in states()] == [*TABLE, "mine"]


# --- leaving ----------------------------------------------------------------------


def test_removing_frees_what_it_says(older: Path, models: Path) -> None:
    size = sum(path.stat().st_size for path in older.iterdir())
    assert remove("mine") == size
    assert names_in(models) == []
    with pytest.raises(ModelError, match="there is no model named 'mine'"):
        remove("mine")


def test_the_starter_stays() -> None:
    with pytest.raises(ModelError, match="'starter' is part of napari-sam21 and stays"):
        remove("starter")
    assert state_of("starter").ready


def test_what_cannot_be_removed_stays_whole(
    older: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def in_use(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(home, "set_aside", in_use)  # as Windows does for open files
    words = r"cannot be removed \(Permission denied\); it may be shared .* open"
    with pytest.raises(ModelError, match=words):
        remove("mine")
    assert names_in(models) == ["mine"]
    assert verify("mine") == ""


def test_a_move_that_fails_brings_the_old_model_back(
    older: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    staged = models / f"{home.STAGED}new"
    with pytest.raises(FileNotFoundError):
        home.move_into_place(staged, older)
    assert names_in(models) == ["mine"]
    assert verify("mine") == ""
