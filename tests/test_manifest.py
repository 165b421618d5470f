"""What the plugin tells napari about itself, and that napari makes it so."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from npe2 import PluginManager, PluginManifest

import napari_sam21
from napari_sam21 import samples

PACKAGE = Path(napari_sam21.__file__).parent
WIDGET = "napari-sam21.open"
TITLE = "Click to segment (napari-sam21)"


@pytest.fixture(scope="module")
def manifest() -> PluginManifest:
    return PluginManifest.from_file(PACKAGE / "napari.yaml")


def test_entry_point_leads_to_the_manifest() -> None:
    (entry,) = entry_points(group="napari.manifest", name="napari-sam21")
    package, _, file = entry.value.partition(":")
    assert package == "napari_sam21"
    assert (PACKAGE / file).is_file()


def test_npe2_discovers_it() -> None:
    manager = PluginManager()
    manager.discover()
    assert manager.get_manifest("napari-sam21").package_version is not None


def test_every_command_can_be_imported(manifest: PluginManifest) -> None:
    manifest.validate_imports()


def test_every_contribution_names_a_known_command(manifest: PluginManifest) -> None:
    contributions = manifest.contributions
    known = {command.id for command in contributions.commands or ()}
    used = [widget.command for widget in contributions.widgets or ()]
    used += [sample.command for sample in contributions.sample_data or ()]
    used += [item.command for menu in contributions.menus.values() for item in menu]
    assert set(used) == known


def test_samples_are_those_of_the_table(manifest: PluginManifest) -> None:
    keys = {sample.key for sample in manifest.contributions.sample_data or ()}
    assert keys == set(samples.SAMPLES)


def test_icon_is_a_drawing_in_the_package(manifest: PluginManifest) -> None:
    package, _, file = (manifest.icon or "").partition(":")
    assert package == "napari_sam21"
    assert "<svg" in (PACKAGE / file).read_text()


def test_categories(manifest: PluginManifest) -> None:
    assert manifest.categories == ["Segmentation", "Annotation"]


def menu_actions(menu: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[Any, Any]]:
    """Every leaf of a Qt menu with its path, as a person finds it."""
    menu.aboutToShow.emit()
    for action in menu.actions():
        here = (*path, action.text().replace("&", ""))
        if action.menu():
            yield from menu_actions(action.menu(), here)
        else:
            yield here, action


@pytest.mark.parametrize("folder", ["Segment", "Annotate"])
def test_menu_item_opens_the_dock(make_napari_viewer: Any, folder: str) -> None:
    viewer = make_napari_viewer()
    bar = viewer.window._qt_window.menuBar()
    found = [
        action
        for entry in bar.actions()
        for path, action in menu_actions(entry.menu(), (entry.text(),))
        if folder in path and path[-1] == TITLE
    ]
    assert len(found) == 1
    found[0].trigger()
    assert list(viewer.window.dock_widgets) == [TITLE]


def test_menus_and_api_name_the_dock_alike(make_napari_viewer: Any) -> None:
    """Else a click in the menu opens a second one."""
    viewer = make_napari_viewer()
    viewer.window.add_plugin_dock_widget("napari-sam21")
    assert list(viewer.window.dock_widgets) == [TITLE]


@pytest.mark.parametrize("name", sorted(samples.SAMPLES))
def test_sample_opens_in_the_viewer(make_napari_viewer: Any, name: str) -> None:
    viewer = make_napari_viewer()
    viewer.open_sample("napari-sam21", name)
    assert [type(layer).__name__ for layer in viewer.layers] == ["Image", "Labels"]
    assert viewer.layers[0].data.shape[:2] == viewer.layers[1].data.shape
