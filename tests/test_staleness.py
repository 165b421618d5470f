"""Whatever changes, the next mask is the one computed from scratch, bit for bit.

One table: a new way to see an image joins as a row of `CHANGES`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from desk import Desk
from graphs import write_model
from napari.layers import Layer

import napari_sam21 as sam
from napari_sam21.core.disk_store import DiskStore
from napari_sam21.core.preprocess import prepare
from napari_sam21.core.store import EmbeddingStore, MemoryStore, encode_stored
from napari_sam21.layers.field import WHOLE
from napari_sam21.layers.look import COMPOSITE, SHOWN, STRETCHED, session_looks

SPOT = (150.0, 210.0)
"""Row and column of every click."""

CORNER = np.array([[0, 100, 150], [0, 200, 300]])
"""First and last pixel on show: a part of the plane."""


def nothing(desk: Desk) -> None:
    """Change nothing."""


@dataclass(frozen=True)
class Change:
    """Something that happens between two clicks.

    Attributes
    ----------
    make : callable
        Does it to a desk.
    seen : bool
        Whether the model's input changes by it; if not, the mask must stay as it was.
    ahead : callable
        What happened before the first click.
    """

    make: Callable[[Desk], object]
    seen: bool = True
    ahead: Callable[[Desk], object] = nothing


def set_image(**values: Any) -> Callable[[Desk], None]:
    """Set attributes of the first image."""

    def change(desk: Desk) -> None:
        for name, value in values.items():
            setattr(desk.images[0], name, value)

    return change


def edit(index: int, refresh: bool) -> Callable[[Desk], None]:
    """Write into a slice in place, as a script does."""

    def change(desk: Desk) -> None:
        desk.images[0].data[index, 120:180, 180:300] += 90
        if refresh:
            desk.images[0].refresh()

    return change


def go(index: int) -> Callable[[Desk], None]:
    """Move the slider."""
    return lambda desk: desk.viewer.dims.set_point(0, index)


def visit(index: int) -> Callable[[Desk], None]:
    """Look at a slice until it is embedded, and come back."""

    def look(desk: Desk) -> None:
        go(index)(desk)
        desk.ready()
        go(0)(desk)
        desk.ready()

    return look


def then(*steps: Callable[[Desk], object]) -> Callable[[Desk], None]:
    """Do one after another."""

    def change(desk: Desk) -> None:
        for step in steps:
            step(desk)

    return change


def other_image(desk: Desk) -> None:
    desk.viewer.layers.selection.active = desk.images[1]


def other_image_of_that_name(desk: Desk) -> None:
    name = desk.images[0].name
    desk.images[0].name = "before"
    desk.images[1].name = name
    other_image(desk)


def other_model(desk: Desk) -> None:
    folder = Path(desk.inference.model_name).with_name("other")
    desk.controller.set_model(write_model(folder, seed=3))


def same_files_again(desk: Desk) -> None:
    """The model's files are replaced by others where they lie."""
    folder = Path(desk.inference.model_name)
    desk.controller.set_model(write_model(folder, seed=5))


def zoom_out(desk: Desk) -> None:
    desk.controller.set_field(WHOLE)


def look(mode: str, *channels: int) -> Callable[[Desk], None]:
    """Show the model the image otherwise; channels are numbers of images."""

    def change(desk: Desk) -> None:
        found = [desk.images[number] for number in channels]
        desk.controller.set_look(mode, (*found, *[None] * (3 - len(found))))

    return change


def dim_other(desk: Desk) -> None:
    desk.images[1].contrast_limits = (0, 70)


def edit_other(desk: Desk) -> None:
    desk.images[1].data[0, 120:180, 180:300] += 90
    desk.images[1].refresh()


CHANGES: dict[str, Change] = {
    "nothing": Change(nothing, seen=False),
    "slice": Change(go(2)),
    "slice, there before": Change(go(2), ahead=visit(2)),
    "slice, and back": Change(then(go(2), go(0)), seen=False),
    "order of the axes": Change(lambda d: setattr(d.viewer.dims, "order", (0, 2, 1))),
    "contrast": Change(set_image(contrast_limits=(0, 90))),
    "gamma": Change(set_image(gamma=0.5)),
    "colours": Change(set_image(colormap="magma"), seen=False),
    "channel": Change(other_image),
    "another image of that name": Change(other_image_of_that_name),
    "name": Change(set_image(name="other"), seen=False),
    "model": Change(other_model),
    "the model's files": Change(same_files_again),
    "data replaced": Change(lambda d: set_image(data=d.images[0].data[::-1].copy())(d)),
    "data edited in place, refreshed": Change(edit(0, refresh=True)),
    "data of another slice edited in place": Change(then(edit(2, False), go(2))),
    "the same, of a slice seen before": Change(
        then(edit(2, False), go(2)), ahead=visit(2)
    ),
    "the same, refreshed": Change(then(edit(2, True), go(2)), ahead=visit(2)),
    "data edited while elsewhere": Change(then(go(2), edit(0, False), go(0))),
    "scale": Change(set_image(scale=(2, 0.5, 0.5)), seen=False),
    "rotation": Change(set_image(rotate=(0, 0, 30)), seen=False),
    "region": Change(zoom_out),
    "percentiles": Change(look(STRETCHED)),
    "composite": Change(look(COMPOSITE, 0, 1)),
    "composite, other colours": Change(
        look(COMPOSITE, 1, 0), ahead=look(COMPOSITE, 0, 1)
    ),
    "a composite, left again": Change(look(SHOWN), ahead=look(COMPOSITE, 0, 1)),
    "contrast of its other layer": Change(dim_other, ahead=look(COMPOSITE, 0, 1)),
    "its other layer edited, refreshed": Change(
        edit_other, ahead=look(COMPOSITE, 0, 1)
    ),
}


@pytest.fixture(params=["memory", "disk"])
def store(request: Any, tmp_path: Path) -> Iterator[Any]:
    """A store that keeps embeddings in memory, or on disk alone."""
    if request.param == "memory":
        yield MemoryStore()
        return
    kept = EmbeddingStore(MemoryStore(0), DiskStore(tmp_path / "embeddings"))
    yield kept
    kept.flush()
    assert kept.disk is not None
    assert kept.disk.nbytes > 0
    assert kept.disk.problem is None
    kept.close()


@pytest.fixture
def started(desk: Callable[..., Desk], store: Any, tmp_path: Path) -> Desk:
    """A desk with two stacks, zoomed in, with a model whose files are its own."""
    rng = np.random.default_rng(1)
    stacks = [rng.integers(0, 160, (3, 300, 400), np.uint8) for _ in range(2)]
    made = desk(*stacks, store=store, contrast_limits=(0, 255))
    made.controller.set_model(write_model(tmp_path / "own"))
    made.viewer.dims.set_point(0, 0)
    for image in made.images:
        image.corner_pixels = CORNER
    return made


def next_logits(desk: Desk) -> np.ndarray:
    """Click on a fresh object, and return what the model says."""
    desk.controller.clear()
    desk.host.settle()
    plane = desk.controller.editor.plane()
    desk.click(*plane.position(*SPOT))
    return desk.controller.editor.draft().answer.logits.copy()


def from_scratch(desk: Desk, make: Callable[..., Desk]) -> np.ndarray:
    """Ask the same of a new viewer and layer, a model just loaded, an empty store."""
    layer = desk.controller.image
    fresh = make()
    copies = {
        each.unique_id: Layer.create(*each.as_layer_data_tuple())
        for each in desk.images
    }
    for each in copies.values():
        fresh.viewer.add_layer(each)
    copy = copies[layer.unique_id]
    fresh.viewer.dims.order = desk.viewer.dims.order
    fresh.viewer.dims.point = desk.viewer.dims.point
    fresh.controller.set_model(desk.inference.model_name)
    fresh.controller.set_image(copy)
    fresh.controller.set_field(desk.controller.editor.field.mode)
    copy.corner_pixels = layer.corner_pixels
    chosen = session_looks().of(layer)
    fresh.controller.set_look(
        chosen.mode, tuple(copies.get(each) for each in chosen.channels)
    )
    return next_logits(fresh)


@pytest.mark.parametrize("name", CHANGES)
def test_nothing_stale(name: str, started: Desk, desk: Callable[..., Desk]) -> None:
    change = CHANGES[name]
    change.ahead(started)
    before = next_logits(started)
    started.controller.clear()
    change.make(started)
    found = next_logits(started)
    np.testing.assert_array_equal(found, from_scratch(started, desk))
    assert (found != before).any() == change.seen


def test_features_of_another_provider_are_not_taken(
    tiny_folder: Path, image: np.ndarray, store: Any
) -> None:
    """How a model runs is part of the key: fast features never pass for exact ones."""
    exact = sam.load_model(tiny_folder)
    other = sam.load_model(
        tiny_folder, providers=("AzureExecutionProvider", "CPUExecutionProvider")
    )
    pixels = prepare(image)
    kept = encode_stored(exact, pixels, store)
    fresh = encode_stored(other, pixels, store)
    assert fresh is not kept
    assert fresh.key != kept.key
    assert exact.model_id == other.model_id
    again = encode_stored(exact, pixels, store)
    np.testing.assert_array_equal(
        again.features["image_embed"], kept.features["image_embed"]
    )
    assert again.key == kept.key
