"""Shared fixtures: real graphs, a loaded model, an image with things in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import napari.settings
import numpy as np
import pytest
from desk import Desk
from graphs import write_model
from serving import packed, put_into_table, row_for, serving

import napari_sam21 as sam
from napari_sam21.models import home
from napari_sam21.models.choosing import wish
from napari_sam21.models.keeping import shared_store


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Keep models, embeddings and settings of the person who runs this out of it."""
    folder = tmp_path / "places"
    variables = ("HOME", "MIRROR", "CACHE", "SESSIONS", "SETTINGS", "PROVIDER")
    for variable in variables:
        monkeypatch.delenv(f"NAPARI_SAM21_{variable}", raising=False)
    for kind in ("data", "cache", "config"):
        # Children are told by the environment, where their system listens to it.
        monkeypatch.setenv(f"XDG_{kind.upper()}_HOME", str(folder / kind))
    monkeypatch.setattr(home, "user_data_path", lambda *_, **__: folder / "data")
    monkeypatch.setattr(home, "user_cache_path", lambda *_, **__: folder / "cache")
    monkeypatch.setattr(home, "user_config_path", lambda *_, **__: folder / "config")
    monkeypatch.setattr(wish, "user_config_path", lambda *_, **__: folder / "config")
    shared_store.cache_clear()
    # From napari 0.9 on there are settings of plugins, beside those of napari.
    file = str(folder / "config" / "napari" / "settings.yaml")
    monkeypatch.setattr(napari.settings, "_CFG_PATH", file, raising=False)
    getattr(napari.settings, "_clear_plugin_settings_cache", lambda: None)()
    yield folder
    if shared_store.cache_info().currsize:
        shared_store().close()
        shared_store().memory.clear()
        shared_store.cache_clear()


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the two files of a tiny model of the card's contract."""
    return write_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def tiny(tiny_folder: Path) -> sam.Model:
    """The tiny model, loaded."""
    return sam.load_model(tiny_folder)


@pytest.fixture
def image() -> np.ndarray:
    """A grey image of 120 x 200 pixels: a gradient with two bright discs."""
    rows, columns = np.mgrid[:120, :200]
    image = columns * 0.2
    for row, column, radius in ((40, 50, 14), (80, 150, 18)):
        image[(rows - row) ** 2 + (columns - column) ** 2 < radius**2] = 200
    return image.astype(np.uint8)


@pytest.fixture
def desk(tiny_folder: Path) -> Iterator[Callable[..., Desk]]:
    """Make desks with the tiny model, and close them in the end."""
    made: list[Desk] = []

    def make(*images: np.ndarray, **options: Any) -> Desk:
        made.append(Desk(tiny_folder, *images, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def encodes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Keys of all inputs that are encoded from now on; they are encoded as ever."""
    keys: list[str] = []
    encode = sam.Model.encode_input

    def noted(model: sam.Model, model_input: Any, *rest: Any) -> Any:
        keys.append(model.key(model_input))
        return encode(model, model_input, *rest)

    monkeypatch.setattr(sam.Model, "encode_input", noted)
    return keys


@pytest.fixture
def published(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """The archive of a model named "published", which a server on this machine has."""
    (tmp_path / "served").mkdir()
    archive = packed(tiny_folder, tmp_path / "served" / "published.dtmodel")
    with serving(archive.parent) as address:
        put_into_table(row_for(archive, address), monkeypatch)
        yield archive
