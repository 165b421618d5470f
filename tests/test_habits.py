"""Choices are remembered between sessions, and agree with napari's Preferences."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import napari_sam21
from napari_sam21.control.habits import REMEMBERED
from napari_sam21.control.page import KEYS, merged, napari_page
from napari_sam21.core.runtime import Graph
from napari_sam21.models import keeping, preferences
from napari_sam21.models.home import sessions_folder
from napari_sam21.models.preferences import Preferences
from napari_sam21.session.shelf import sessions

PAGE = {
    "policy": "keep",
    "hover": True,
    "ahead": True,
    "journal": True,
    "threads": 0,
}


def manifest() -> dict:
    path = Path(napari_sam21.__file__).parent / "napari.yaml"
    return yaml.safe_load(path.read_text(encoding="utf-8"))


# --- the dock --------------------------------------------------------------------


def test_policy_and_hover_are_as_they_were_left(desk, image) -> None:
    first = desk(image)
    first.controller.commits.policy = "overwrite"
    first.controller.toggle_hover()
    first.controller.pinned = True
    first.close()
    second = desk(image)
    assert second.controller.commits.policy == "overwrite"
    assert not second.controller.hover.enabled
    assert not second.controller.pinned, "that was about another image"
    assert second.controller.commits.kind == "new"


def test_a_choice_is_remembered_at_once(desk, image) -> None:
    d = desk(image)
    d.controller.toggle_hover()
    assert not preferences.chosen().hover


def test_a_policy_that_is_unknown_is_not_taken(desk, image) -> None:
    preferences.remember(Preferences(policy="of a later version"))
    assert desk(image).controller.commits.policy == "keep"


def test_nothing_is_written_before_something_is_chosen(desk, image, places) -> None:
    d = desk(image)
    d.ready()
    d.click(40, 50)
    d.close()
    assert not (places / "config" / "preferences.json").exists()


def test_without_a_journal_there_is_none(desk, image) -> None:
    preferences.remember(Preferences(journal=False))
    d = desk(image)
    d.ready()
    d.click(40, 50)
    assert d.commit().any()
    d.close()
    assert sessions(sessions_folder()) == []


def test_the_model_has_the_threads_that_were_chosen(desk, image, monkeypatch) -> None:
    asked = []
    made = Graph.__init__

    def noted(self, *values) -> None:
        asked.append(values[-1])
        made(self, *values)

    monkeypatch.setattr(Graph, "__init__", noted)
    preferences.remember(Preferences(threads=1))
    d = desk(image)
    d.ready()
    assert asked == [1, 1]


# --- napari's page ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "page", "last", "holds"),
    [
        ({}, {}, PAGE, {}),
        ({"hover": False}, {}, PAGE, {"hover": False}),
        ({}, {"hover": False}, PAGE, {"hover": False}),
        ({"threads": 2}, {"threads": 4}, PAGE, {"threads": 4}),
        ({"hover": False}, {}, PAGE | {"hover": False}, {}),
        ({"threads": 2}, {"hover": False}, PAGE, {"threads": 2, "hover": False}),
        ({"policy": "of ours"}, {}, PAGE, {"policy": "of ours"}),
    ],
)
def test_who_was_changed_last_counts(own, page, last, holds) -> None:
    assert merged(PAGE | own, PAGE | page, last) == PAGE | holds


def test_the_manifest_and_the_plugin_agree() -> None:
    properties = manifest()["contributions"]["configurations"]["dock"]["properties"]
    assert tuple(properties) == KEYS
    assert properties["policy"]["enum"] == list(REMEMBERED)
    first = preferences.Preferences()
    for key in set(KEYS) - {"ahead"}:
        assert properties[key]["default"] == getattr(first, key)
    assert properties["ahead"]["default"] == keeping.Keeping().ahead
    assert all({"title", "type", "default"} <= set(p) for p in properties.values())


@pytest.fixture
def page(request, places):
    """napari's settings of our page, in files of their own."""
    pytest.importorskip("napari.settings", reason="napari")
    from napari import settings

    if not hasattr(settings, "get_plugin_settings"):
        pytest.skip("napari has no preferences for plugins")
    request.getfixturevalue("plugin_settings")
    from npe2 import PluginManager, PluginManifest

    path = Path(napari_sam21.__file__).parent / "napari.yaml"
    PluginManager.instance().register(PluginManifest.from_file(path))
    return napari_page()


def test_without_a_page_there_is_none(desk, image, monkeypatch) -> None:
    monkeypatch.delattr("napari.settings.get_plugin_settings", raising=False)
    assert napari_page() is None
    d = desk(image)
    d.controller.habits.join_page()
    d.controller.toggle_hover()
    assert not preferences.chosen().hover


def test_the_page_shows_what_is_chosen_in_the_dock(page, desk, image) -> None:
    preferences.remember(Preferences(policy="overwrite", threads=2))
    d = desk(image)
    d.controller.habits.join_page()
    assert (page.policy, page.threads) == ("overwrite", 2)
    d.controller.toggle_hover()
    assert page.hover is False


def test_what_is_chosen_on_the_page_holds_at_once(page, desk, image) -> None:
    d = desk(image)
    d.controller.habits.join_page()
    page.policy = "overwrite"
    page.hover = False
    page.ahead = False
    page.threads = 5
    assert d.controller.commits.policy == "overwrite"
    assert not d.controller.hover.enabled
    assert not keeping.chosen().ahead
    chosen = preferences.chosen()
    assert (chosen.policy, chosen.hover, chosen.threads) == ("overwrite", False, 5)


def test_what_was_chosen_while_the_dock_was_closed_holds(page, desk, image) -> None:
    first = desk(image)
    first.controller.habits.join_page()
    first.controller.toggle_hover()
    first.close()
    assert page.hover is False
    page.hover = True
    page.threads = 7
    assert not preferences.chosen().hover, "nobody was there to hear"
    second = desk(image)
    second.controller.habits.join_page()
    assert second.controller.hover.enabled
    assert preferences.chosen().threads == 7


def test_a_policy_for_a_task_at_hand_stays_and_is_not_remembered(
    page, desk, image
) -> None:
    d = desk(image)
    d.controller.habits.join_page()
    d.controller.commits.policy = "inside"
    d.controller.toggle_hover()
    page.threads = 2
    assert d.controller.commits.policy == "inside"
    assert page.policy == preferences.chosen().policy == "keep"
    page.policy = "overwrite"
    assert d.controller.commits.policy == "overwrite"
