"""Preferences: one small file that anything may have happened to."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict
from pathlib import Path

import pytest

from napari_sam21.models import home, keeping, last, preferences
from napari_sam21.models.preferences import LARGEST, Preferences

MINE = Preferences("overwrite", hover=False, journal=False, threads=3)


@pytest.fixture
def file(places: Path) -> Path:
    return places / "config" / "preferences.json"


def test_what_was_chosen_is_remembered(file) -> None:
    assert preferences.chosen() == Preferences()
    assert not file.exists()
    preferences.remember(MINE)
    assert preferences.chosen() == MINE
    assert [each.name for each in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b"null",
        b"[" * 60_000,
        b'{"policy": 3, "hover": "yes", "journal": null, "threads": -1, "page": []}',
        b'{"threads": 1e9}',
        b'{"threads": true, "unknown": {}}',
        b'{"policy": "' + b"x" * LARGEST + b'"}',
    ],
)
def test_damage_is_as_at_first(file, content: bytes) -> None:
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    assert preferences.chosen() == Preferences()
    preferences.remember(MINE)
    assert preferences.chosen() == MINE


def test_what_is_right_is_taken_of_a_file_that_is_partly_wrong(file) -> None:
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({**asdict(MINE), "hover": "perhaps"}))
    assert preferences.chosen() == Preferences("overwrite", True, False, 3)


def test_a_folder_that_cannot_be_written_is_no_error(file) -> None:
    file.parent.parent.mkdir(parents=True, exist_ok=True)
    file.parent.write_text("in the way")
    preferences.remember(MINE)
    assert preferences.chosen() == Preferences()


def test_many_may_write_at_once(file) -> None:
    def write(threads: int) -> None:
        for _ in range(20):
            preferences.remember(Preferences(threads=threads))
            assert preferences.chosen().threads in range(1, 5)

    workers = [threading.Thread(target=write, args=(n,)) for n in range(1, 5)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_settings_can_be_elsewhere_or_off(monkeypatch, tmp_path, places) -> None:
    monkeypatch.setenv(home.SETTINGS_VARIABLE, str(tmp_path / "mine"))
    preferences.remember(MINE)
    last.remember_model("sam2.1-tiny")
    keeping.remember_ahead(False)
    names = {each.name for each in (tmp_path / "mine").iterdir()}
    assert names == {"preferences.json", "settings.json", "embeddings.json"}
    monkeypatch.setenv(home.SETTINGS_VARIABLE, "off")
    assert home.settings_folder() is None
    preferences.remember(MINE)
    last.remember_model("sam2.1-tiny")
    keeping.remember_ahead(False)
    assert preferences.chosen() == Preferences()
    assert last.last_model() == "starter"
    assert keeping.chosen().ahead
    assert not (places / "config" / "preferences.json").exists()
