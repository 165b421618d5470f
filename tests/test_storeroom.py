"""The store of a session, seen and changed by a person."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pump import PumpHost

import napari_sam21 as sam
from napari_sam21.control.storeroom import Storeroom
from napari_sam21.core.errors import StoreError
from napari_sam21.core.store import EmbeddingStore, MemoryStore
from napari_sam21.models import keeping
from napari_sam21.models.keeping import shared_store


class Room:
    """A storeroom, its owner's thread, and all that it told."""

    def __init__(self) -> None:
        self.host, self.failures, self.changes = PumpHost(), [], 0
        self.store = shared_store()
        self.room = Storeroom(
            self.store, self.host.deliver, self._count, self.failures.append
        )

    def _count(self) -> None:
        self.changes += 1

    def looked(self) -> str:
        before = self.room._sizes
        self.room.look(soon=True)
        self.host.until(lambda: not self.room._lane.busy)
        assert before is not None or self.changes
        return self.room.in_words()


@pytest.fixture
def made(places: Path) -> Iterator[Room]:
    made = Room()
    yield made
    made.room.close()


def test_it_says_how_much_is_kept(made: Room, tiny: sam.Model) -> None:
    keeping.remember(keeping.Keeping(budget=2 * 10**9))
    made.store.use_disk(keeping.disk_store())
    assert made.room.in_words() == "Disk"
    assert made.looked() == "Disk: 0.0 of 2 GB"
    for value in range(3):
        made.store.put(tiny.encode(np.full((9, 9), value), contrast_limits=(0, 3)))
    made.store.flush()
    assert made.looked() == "Disk: 0.1 of 2 GB"
    assert str(keeping.embeddings_folder()) in made.room.tip()


def test_the_switch_works_at_once_and_is_remembered(
    made: Room, tiny: sam.Model, image: np.ndarray
) -> None:
    made.room.keep_on_disk(False)
    assert not made.room.on_disk
    assert made.room.in_words() == "In memory only"
    made.store.put(tiny.encode(image))
    assert made.store.flush()
    assert not keeping.embeddings_folder().exists()
    assert not keeping.chosen().on_disk
    made.room.keep_on_disk(True)
    made.store.put(tiny.encode(image))
    made.store.flush()
    assert len(list(keeping.embeddings_folder().iterdir())) == 1


def test_another_folder(
    made: Room, tiny: sam.Model, image: np.ndarray, tmp_path: Path
) -> None:
    (tmp_path / "big").mkdir()
    made.room.move(tmp_path / "big")
    made.store.put(tiny.encode(image))
    made.store.flush()
    assert len(list((tmp_path / "big" / "embeddings").iterdir())) == 1
    with pytest.raises(StoreError, match="no folder that you may write to"):
        made.room.move(tmp_path / "nothing")


def test_more_room(made: Room) -> None:
    made.room.give(5 * 10**9)
    assert made.store.disk.budget == 5 * 10**9
    assert made.store.capacity == 297
    with pytest.raises(StoreError, match=r"do not hold one embedding of 16\.8 MB"):
        made.room.give(1000)


def test_deleting_all(made: Room, tiny: sam.Model, image: np.ndarray) -> None:
    embedding = tiny.encode(image)
    made.store.put(embedding)
    made.store.flush()
    made.looked()
    made.room.delete_all()
    made.host.until(lambda: not made.room._lane.busy)
    assert made.room.in_words().startswith("Disk: 0.0 of ")
    assert made.store.get(embedding.key) is None
    assert made.failures == []


def test_the_environment_is_said(made: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    assert made.room.fixed == ""
    monkeypatch.setenv("NAPARI_SAM21_CACHE", "off")
    assert made.room.fixed == "NAPARI_SAM21_CACHE is set to off"
    assert "NAPARI_SAM21_CACHE is set to off" in made.room.tip()


def test_a_store_without_a_disk() -> None:
    host = PumpHost()
    for store in (MemoryStore(), EmbeddingStore(MemoryStore())):
        room = Storeroom(store, host.deliver, lambda: None, lambda error: None)
        assert room.in_words() == "In memory only"
        assert "lost when napari is closed" in room.tip()
        room.look()
        room.close()
