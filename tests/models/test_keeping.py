"""What the user chose about embeddings: remembered, and weaker than the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_sam21 import doctor
from napari_sam21.models import keeping
from napari_sam21.models.keeping import Keeping, chosen, remember
from napari_sam21.models.last import last_model, remember_model


def test_at_first_embeddings_are_in_the_users_cache(places: Path) -> None:
    assert chosen() == Keeping()
    assert keeping.embeddings_wanted()
    assert keeping.embeddings_folder() == places / "cache" / "embeddings"
    assert keeping.disk_store().folder == places / "cache" / "embeddings"


def test_a_choice_is_remembered_beside_the_last_model(tmp_path: Path) -> None:
    remember_model("sam2.1-tiny")
    choice = Keeping(folder=str(tmp_path / "big"), budget=123_000_000, ahead=False)
    remember(choice)
    assert chosen() == choice
    assert last_model() == "sam2.1-tiny"
    store = keeping.disk_store()
    assert store.folder == tmp_path / "big" / "embeddings"
    assert store.budget == 123_000_000


def test_switched_off(places: Path) -> None:
    remember(Keeping(on_disk=False))
    assert keeping.disk_store() is None
    assert "memory only (switched off in the dock)" in doctor.places()["embeddings in"]


@pytest.mark.parametrize("said", ["off", "folder"])
def test_the_environment_wins(
    said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = said if said == "off" else str(tmp_path / said)
    monkeypatch.setenv("NAPARI_SAM21_CACHE", named)
    remember(Keeping(on_disk=said == "off", folder="/elsewhere"))
    assert keeping.embeddings_wanted() == (said != "off")
    if said != "off":
        assert keeping.embeddings_folder() == tmp_path / said / "embeddings"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Keeping()),
        ("[1]", Keeping()),
        ('{"on_disk": "no", "folder": 3, "budget": -1, "ahead": false}',
         Keeping(ahead=False)),
        ('{"budget": true, "folder": "/a", "more": 1}', Keeping(folder="/a", budget=1)),
    ],
)  # fmt: skip
def test_a_file_that_somebody_edited(
    places: Path, text: str, expected: Keeping
) -> None:
    path = places / "config" / "embeddings.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert chosen() == expected


def test_settings_that_cannot_be_written_are_no_error(places: Path) -> None:
    (places / "config").parent.mkdir(parents=True, exist_ok=True)
    (places / "config").write_text("a file")
    remember(Keeping(on_disk=False))
    assert chosen() == Keeping()
