"""Fixtures of the core's tests: a folder of embeddings, and what is told of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hammer import ENTRY

from napari_sam21.core.disk_store import DiskStore


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "embeddings"


@pytest.fixture
def store(folder: Path) -> DiskStore:
    return DiskStore(folder, 4 * ENTRY)


@pytest.fixture
def told(store: DiskStore) -> list[str]:
    messages: list[str] = []
    store.tell = messages.append
    return messages
