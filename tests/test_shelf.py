"""The models within reach, without a window."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from graphs import write_model
from pump import PumpHost

from napari_sam21.models import home
from napari_sam21.models.imports import import_model
from napari_sam21.models.last import last_model, remember_model
from napari_sam21.shelf import Coming, ModelShelf


class Shop:
    """A shelf, and what it was heard to say."""

    def __init__(self) -> None:
        self.host = PumpHost()
        self.used: list[str] = []
        self.errors: list[str] = []
        self.comings: list[Coming | None] = []
        self.shelf = ModelShelf(
            self.host.deliver,
            lambda: self.comings.append(self.shelf.coming),
            self.used.append,
            lambda error: self.errors.append(str(error)),
        )

    def settled(self) -> None:
        self.host.until(lambda: self.shelf.coming is None)

    def state(self, name: str) -> str:
        return next(each.state for each in self.shelf.states() if each.name == name)


@pytest.fixture
def shop() -> Iterator[Shop]:
    made = Shop()
    yield made
    made.shelf.close()


def test_a_fetched_model_is_used_and_remembered(shop: Shop, published: Path) -> None:
    assert shop.state("published") == "absent"
    shop.shelf.fetch("published")
    shop.settled()
    assert shop.errors == []
    assert shop.used == ["published"]
    assert shop.state("published") == "ready"
    assert last_model() == shop.shelf.first() == "published"
    steps = [coming.step for coming in shop.comings if coming is not None]
    assert steps[0] == "Preparing"
    assert "Trying the model" in steps


def test_picking_an_absent_model_fetches_nothing(shop: Shop, published: Path) -> None:
    published.unlink()  # a request would fail
    assert shop.shelf.pick("published").state == "absent"
    assert shop.used == []
    assert shop.shelf.coming is None


def test_a_failed_fetch_is_said_and_the_model_in_use_stays(
    shop: Shop, published: Path
) -> None:
    published.unlink()
    shop.shelf.fetch("published")
    shop.settled()
    assert "Published could not be fetched" in shop.errors[0]
    assert "404" in shop.errors[0]
    assert shop.used == []


def test_a_cancelled_fetch_says_nothing(shop: Shop, published: Path) -> None:
    shop.shelf.fetch("published")
    shop.shelf.cancel()
    shop.host.turn()
    assert (shop.shelf.coming, shop.used, shop.errors) == (None, [], [])


def test_an_import_is_used(shop: Shop, tmp_path: Path) -> None:
    shop.shelf.take_over([write_model(tmp_path / "cells")])
    shop.settled()
    assert shop.used == ["cells"]
    assert shop.state("cells") == "ready"


def test_a_bad_import_is_said(shop: Shop, tmp_path: Path) -> None:
    shop.shelf.take_over([tmp_path / "nowhere.zip"])
    shop.settled()
    assert "nowhere.zip does not exist" in shop.errors[0]


def test_the_embedded_model_follows_one_that_is_deleted(
    shop: Shop, tiny_folder: Path
) -> None:
    import_model(tiny_folder, name="mine")
    shop.shelf.pick("mine")
    shop.shelf.remove("mine")
    assert shop.used == ["mine", "starter"]
    assert last_model() == "starter"
    assert home.model_folders()[0].is_dir()
    assert "mine" not in [state.name for state in shop.shelf.states()]


@pytest.mark.parametrize("name", ["gone", "sam2.1-tiny"])
def test_a_last_model_that_is_not_here_is_not_begun_with(name: str, shop: Shop) -> None:
    remember_model(name)
    assert shop.shelf.first() == "starter"


@pytest.mark.parametrize("text", ["", "[]", '{"model": 3}', "{"])
def test_damaged_settings_are_passed_over(text: str, places: Path) -> None:
    remember_model("mine")
    assert last_model() == "mine"
    (places / "config" / "settings.json").write_text(text)
    assert last_model() == "starter"
