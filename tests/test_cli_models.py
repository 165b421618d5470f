"""The commands about models: list, import, remove, path, verify, card, clean."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from graphs import write_model
from test_cli import WIDE, call

import napari_sam21 as sam
from napari_sam21.core.disk_store import DiskStore
from napari_sam21.models import clean, home, keeping
from napari_sam21.session.journal import Journal
from napari_sam21.session.shelf import new_folder, sessions


@pytest.fixture
def mine(tiny_folder: Path) -> str:
    """A model of one's own."""
    done = call("models", "import", str(tiny_folder), "--name", "mine")
    assert done.exit_code == 0, done.output
    return "mine"


def listed() -> dict[str, Any]:
    return {each["name"]: each for each in json.loads(call("models", "--json").stdout)}


def test_the_list_says_what_is_here_and_what_can_be_fetched() -> None:
    found = listed()
    assert found["starter"]["state"] == "ready"
    assert found["sam2.1-tiny"]["state"] == "absent"
    assert found["sam2.1-tiny"]["bytes"] == 137_000_000
    for word in ("starter", "to fetch", "137 MB", "Apache-2.0"):
        assert word in call("models").stdout


def test_an_import_is_listed_found_and_used(mine: str, tmp_path: Path) -> None:
    assert listed()[mine]["own"] is True
    folder = Path(call("models", "path", mine).stdout.strip())
    assert (folder / "encoder.onnx").is_file()
    out = tmp_path / "out"
    done = call("demo", "--no-gui", "--model", mine, "--out", str(out))
    assert done.exit_code == 0, done.output
    assert (out / "overlay.png").is_file()


def test_an_import_may_be_two_files(tiny_folder: Path) -> None:
    paths = [str(tiny_folder / f"{part}.onnx") for part in ("encoder", "decoder")]
    done = call("models", "import", *paths, "--name", "two", "--json")
    assert json.loads(done.stdout)["name"] == "two"


def test_a_taken_name_is_not_replaced_unasked(mine: str, tiny_folder: Path) -> None:
    again = ("models", "import", str(tiny_folder), "--name", mine)
    done = call(*again)
    assert done.exit_code == 1
    assert "there is a model named 'mine' already" in done.stderr
    assert call(*again, "--replace").exit_code == 0


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "odd", names={"low_res_masks": "low"})
    done = call("models", "import", str(folder))
    assert done.exit_code == 1
    assert "is not a SAM 2.1 decoder" in done.stderr
    assert "odd" not in listed()


def test_removing_asks(mine: str) -> None:
    refused = call("models", "remove", mine)
    assert refused.exit_code == 2
    assert "Nobody is there to answer: add --yes" in refused.stderr
    assert mine in listed()
    assert call("models", "remove", mine, "--yes").exit_code == 0
    assert mine not in listed()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("starter", "is part of napari-sam21 and stays"),
        ("sam2.1-tiny", "is not on this machine"),
        ("nothing", "there is no model named 'nothing'"),
    ],
)
def test_what_cannot_be_removed(name: str, message: str) -> None:
    done = call("models", "remove", name, "--yes")
    assert done.exit_code == 1
    assert message in done.stderr


def test_the_path_of_an_absent_model_says_how_to_come_by_it() -> None:
    done = call("models", "path", "sam2.1-tiny")
    assert done.exit_code == 1
    assert "napari-sam21 setup sam2.1-tiny" in done.stderr


def test_verify_finds_a_changed_file(mine: str) -> None:
    assert call("models", "verify").exit_code == 0
    path = Path(call("models", "path", mine).stdout.strip()) / "decoder.onnx"
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    done = call("models", "verify", "--json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert found["starter"] is None
    assert "decoder.onnx has changed" in found[mine]


def test_a_file_of_another_size_is_seen_in_the_list(mine: str) -> None:
    path = Path(call("models", "path", mine).stdout.strip()) / "decoder.onnx"
    path.write_bytes(b"short")
    assert listed()[mine]["state"] == "broken"
    assert "decoder.onnx has 5 bytes" in call("models").stdout
    assert "import it again" in call("models", "path", mine).stderr


def test_the_card_names_licence_data_and_limitations() -> None:
    text = call("models", "card", "sam2.1-tiny").stdout
    for word in ("Apache-2.0", "SA-1B", "Known limitations", "Reproducibility"):
        assert word in text
    assert "not SAM" in call("models", "card", "starter").stdout


def test_clean_says_what_and_how_much_and_asks(
    mine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clean, "BUSY_SECONDS", 0.0)
    part = home.partial_folder() / "abc.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(2_000_000))
    refused = call("clean", "--all")
    assert refused.exit_code == 2
    assert "2 MB  downloads that are not complete" in refused.stdout
    assert f"model {mine}" in refused.stdout
    assert part.exists()
    assert call("clean", "--yes").exit_code == 0
    assert not part.exists()
    assert mine in listed()
    assert call("clean", "--models", "--yes").exit_code == 0
    assert mine not in listed()
    assert "nothing to delete" in call("clean", "--all").stdout


def test_clean_leaves_a_download_that_runs(mine: str) -> None:
    part = home.partial_folder() / "abc.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"just now")
    assert "nothing to delete" in call("clean", "--cache").stdout


def keep_embedding(tiny: sam.Model, image: np.ndarray) -> Path:
    """Put an embedding where a session would; return its file."""
    folder = keeping.embeddings_folder()
    DiskStore(folder).put(tiny.encode(image))
    (path,) = folder.iterdir()
    return path


@pytest.mark.parametrize("named", ["", "scratch", "off"])
def test_clean_deletes_embeddings_and_nothing_else_of_the_user(
    named: str,
    tiny: sam.Model,
    image: np.ndarray,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Those of the own cache too if the store is off; they are no use any more."""
    place = str(tmp_path / named) if named == "scratch" else named
    monkeypatch.setenv("NAPARI_SAM21_CACHE", place)
    path = keep_embedding(tiny, image)
    mine = path.parent / "thesis.txt"
    mine.write_text("mine")
    done = call("clean", "--cache", "--yes")
    assert f"17 MB  embeddings: {path.parent}" in done.stdout
    assert done.exit_code == 0
    assert list(path.parent.iterdir()) == [mine]
    assert "nothing to delete" in call("clean", "--cache").stdout


def test_clean_of_models_leaves_embeddings(tiny: sam.Model, image: np.ndarray) -> None:
    path = keep_embedding(tiny, image)
    assert "nothing to delete" in call("clean", "--models", "--yes").stdout
    assert path.exists()


def test_a_shared_folder_serves_everybody(
    mine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "lab"
    folder = Path(call("models", "path", mine).stdout.strip())
    shutil.copytree(folder, shared / "models" / "ours")
    monkeypatch.setenv(home.HOME_VARIABLE, str(shared))
    assert {mine, "ours"} <= listed().keys()


def test_convert_without_torch_says_what_to_install(tmp_path: Path) -> None:
    """In a process where torch cannot be found, installed or not."""
    checkpoint = tmp_path / "mine.pt"
    checkpoint.write_bytes(b"weights")
    code = (
        "import sys; sys.modules['torch'] = None;"
        "from napari_sam21.cli import app; app()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "convert", str(checkpoint)],
        env=os.environ | WIDE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "napari-sam21[convert]" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [["setup", "--help"], ["models", "--help"]])
def test_help_names_the_options(arguments: list[str]) -> None:
    done = call(*arguments)
    assert done.exit_code == 0
    assert "--json" in done.stdout


# --- setup: the one command that uses the network ---------------------------------


def test_setup_asks_says_what_and_fetches(published: Path) -> None:
    refused = call("setup", "published")
    assert refused.exit_code == 2
    for word in ("CC0-1.0", "127.0.0.1", "SHA-256", "Nobody is there to answer"):
        assert word in refused.output
    assert listed()["published"]["state"] == "absent"
    done = call("setup", "published", "--yes", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["fetched"] is True
    assert listed()["published"]["state"] == "ready"
    assert call("models", "verify", "published").exit_code == 0


def test_setup_of_what_is_here_fetches_nothing(published: Path) -> None:
    call("setup", "published", "--yes")
    published.unlink()
    done = call("setup", "published", "--json")
    assert json.loads(done.stdout)["fetched"] is False


def test_setup_of_a_missing_file_says_what_to_do(published: Path) -> None:
    published.unlink()
    done = call("setup", "published", "--yes")
    assert done.exit_code == 1
    assert "404" in done.stderr
    assert "napari-sam21 models import" in done.stderr


@pytest.mark.parametrize(
    ("name", "message"),
    [("nothing", "there is no model named 'nothing'"), ("starter", "starter is ready")],
)
def test_setup_of_other_names(name: str, message: str) -> None:
    assert message in call("setup", name, "--yes").output


def test_clean_asks_before_labels_are_lost(places: Path) -> None:
    shelf = home.sessions_folder()
    told = {"labels": {"shape": [9, 9], "dtype": "uint16"}, "image": {"name": "cells"}}
    opened, lost, safe = (Journal(new_folder(shelf), told) for _ in range(3))
    for each in (opened, lost, safe):
        each.add("prompts", marks=[[[1.0, 2.0], 1]])
    safe.add("saved", path="labels.tif")
    lost.close()
    safe.close()
    assert "nothing to delete" in call("clean", "--all").stdout
    refused = call("clean", "--sessions")
    assert refused.exit_code == 2
    assert "session, of cells" in refused.stdout
    assert "session with labels that were NOT SAVED, of cells" in refused.stdout
    assert "1 hold labels that are nowhere else" in refused.stderr
    assert lost.folder.is_dir()
    assert call("clean", "--sessions", "--yes").exit_code == 0
    assert [each.folder for each in sessions(shelf)] == [opened.folder]
    opened.close()
