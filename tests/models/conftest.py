"""What the tests of fetching and importing share."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from models.server import Server, archive_of, row_of, running, source_of
from serving import put_into_table

from napari_sam21.models import home
from napari_sam21.models.imports import import_model
from napari_sam21.models.table import ModelRow, Source

NAME = "served.dtmodel"


@pytest.fixture
def server() -> Iterator[Server]:
    with running() as state:
        yield state


@pytest.fixture(scope="session")
def archive(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A published model."""
    folder = tmp_path_factory.mktemp("served")
    for part in ("encoder.onnx", "decoder.onnx"):
        (folder / part).write_bytes((tiny_folder / part).read_bytes())
    return archive_of(folder)


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ModelRow]:
    """Put a model with some sources into the table."""

    def put(*sources: Source, name: str = "served") -> ModelRow:
        row = row_of(*sources, name=name)
        put_into_table(row, monkeypatch)
        return row

    return put


@pytest.fixture
def served(server: Server, archive: bytes, use: Callable[..., ModelRow]) -> Source:
    """The one source of the model "served", all in order."""
    source = source_of(server.put(NAME, archive), archive)
    use(source)
    return source


@pytest.fixture
def models(places: Path) -> Path:
    """Where models are kept."""
    return places / "data" / "models"


@pytest.fixture
def downloads(places: Path) -> Path:
    """Where downloads are kept until they are complete."""
    return places / "cache" / "downloads"


@pytest.fixture(scope="session")
def imported(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model that was imported as "mine"."""
    shelf = tmp_path_factory.mktemp("imported")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(home, "user_data_path", lambda *_, **__: shelf)
        import_model(tiny_folder, name="mine")
    return shelf / "models" / "mine"


@pytest.fixture
def older(imported: Path, models: Path) -> Path:
    """A model of the user's own, "mine", that is there before."""
    return Path(shutil.copytree(imported, models / "mine"))
