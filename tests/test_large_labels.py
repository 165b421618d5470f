"""Labels of large planes: asked for, written, taken back, saved, opened again."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import dask.array as da
import numpy as np
import pytest
import zarr
from napari.layers import Image, Labels

from napari_sam21.core.errors import LayerError
from napari_sam21.files.formats import save
from napari_sam21.layers import label_array, making, pyramid, writing
from napari_sam21.layers.label_array import LabelArray
from napari_sam21.layers.planes import Plane
from napari_sam21.layers.saving import open_labels, results_of
from napari_sam21.layers.writing import write_object

NEEDS_LEVELS = pytest.mark.skipif(
    tuple(map(int, version("napari").split(".")[:2])) < (0, 8),
    reason="an older napari cannot replace levels: refused, see below",
)


@pytest.fixture
def small_texture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the image of the tests one that is too large for a texture."""
    monkeypatch.setattr(pyramid, "TEXTURE_LIMIT", 150)
    monkeypatch.setattr(pyramid, "COARSEST", 50)


@pytest.fixture
def large_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make each object a large one."""
    monkeypatch.setattr(writing, "NAPARI_PIXELS", 10)
    monkeypatch.setattr("napari_sam21.control.cutting.NAPARI_PIXELS", 10)


def is_whole(labels) -> None:
    """Every level is every f-th pixel of level 0."""
    array = LabelArray.of(labels)
    for level, (rows, columns) in zip(array.levels, array.factors, strict=True):
        np.testing.assert_array_equal(level[:], array.levels[0][::rows, ::columns])


def committed(d) -> None:
    """Commit, and wait until it is done."""
    d.controller.commit()
    d.host.until(lambda: not d.controller.view().can_commit)
    d.host.turn()


@pytest.fixture
def at_desk(desk, image, small_texture):
    """A desk where an object was clicked on a large image."""
    d = desk(image)
    d.ready()
    d.click(40, 50)
    return d


def test_the_user_is_told_before(at_desk) -> None:
    d = at_desk
    d.controller.commit()
    assert "answer first" in d.status
    assert d.controller.target.labels is None, "nothing is made before"
    d.host.turn()
    text = d.host.asked[0]
    assert "brush" in text
    assert "“Save…”" in text
    assert d.controller.target.labels is None, "the user said no"
    assert d.controller.view().can_commit, "the object is still there"


def test_commit_undo_redo_at_every_level(at_desk) -> None:
    d = at_desk
    mask = d.controller.editor.draft().answer.mask()
    d.host.answers = ["yes"]
    committed(d)
    labels = d.controller.target.labels
    assert [level.shape for level in labels.data] == [(120, 200), (60, 100), (30, 50)]
    assert labels.data[0].dtype == np.uint16
    np.testing.assert_array_equal(labels.data[0] == 1, mask)
    is_whole(labels)
    d.controller.undo()
    assert not any(level.any() for level in labels.data)
    d.controller.redo()
    np.testing.assert_array_equal(labels.data[0] == 1, mask)
    is_whole(labels)
    d.click(80, 150)
    d.controller.commit()
    assert len(d.host.asked) == 1, "asked once"
    assert set(np.unique(labels.data[0])) == {0, 1, 2}


def test_written_at_once_and_shown_with_the_next_frame(at_desk) -> None:
    d = at_desk
    d.host.answers = ["yes"]
    committed(d)
    d.controller.undo()
    d.host.turn()
    labels, seen = d.controller.target.labels, []
    labels.events.set_data.connect(lambda _: seen.append(int(labels.data[0].max())))
    d.controller.commit()
    assert (labels.data[0].max(), seen) == (2, [])
    d.host.turn()
    assert seen == [2]
    assert d.controller.view().can_undo


def test_a_question_is_asked_once_at_a_time(at_desk) -> None:
    d = at_desk
    d.controller.commit()
    d.controller.commit()
    assert len(d.host.asked) == 1


def test_what_is_another_object_by_then_is_not_committed(at_desk) -> None:
    d = at_desk
    d.host.answers = ["yes"]
    d.controller.commit()
    d.controller.clear()
    d.host.turn()
    assert d.controller.target.labels is None


def test_add_and_erase_by_prompts(at_desk) -> None:
    d = at_desk
    d.host.answers = ["yes"]
    committed(d)
    labels = d.controller.target.labels
    first = labels.data[0] == 1
    d.controller.commits.kind = "add"
    labels.selected_label = 1
    d.click(40, 62)
    more = d.controller.editor.draft().answer.mask()
    committed(d)
    np.testing.assert_array_equal(labels.data[0] == 1, first | more)
    d.controller.commits.kind = "erase"
    d.click(40, 50)
    gone = d.controller.editor.draft().answer.mask()
    committed(d)
    assert "Erased" in d.status
    np.testing.assert_array_equal(labels.data[0] == 1, (first | more) & ~gone)
    is_whole(labels)
    d.controller.undo()
    assert "erased is back" in d.status
    np.testing.assert_array_equal(labels.data[0] == 1, first | more)
    d.controller.undo()  # the point that was clicked for it
    d.controller.commits.kind = "new"
    d.controller.clear()
    d.click(90, 150)
    committed(d)
    assert labels.data[0].max() == 2


@pytest.mark.parametrize("kind", ["add", "erase"])
def test_there_must_be_labels_to_change(at_desk, kind) -> None:
    d = at_desk
    d.controller.commits.kind = kind
    d.controller.commit()
    assert "no labels yet" in d.status
    labels = d.viewer.add_labels(np.zeros((120, 200), np.uint16))
    labels.selected_label = 0
    d.controller.set_output(labels)
    d.controller.commit()
    d.host.until(lambda: "Counting" not in d.status)
    assert ("is selected" if kind == "add" else "no label under") in d.status
    assert not labels.data.any()


def test_labels_beyond_the_memory_go_to_a_file(desk, image, monkeypatch, tmp_path):
    monkeypatch.setattr(making, "free_memory", lambda: 1000)
    d = desk(image)
    d.ready()
    d.click(40, 50)
    d.host.answers = ["file", tmp_path / "labels.zarr"]
    committed(d)
    assert "free" in d.host.asked[0]
    stored = zarr.open_array(tmp_path / "labels.zarr", path="0", mode="r")
    assert stored[40, 50] == 1


@NEEDS_LEVELS
def test_widened_at_every_level(at_desk) -> None:
    d = at_desk
    levels = [np.zeros((120 // f, 200 // f), np.uint8) for f in (1, 2)]
    levels[0][0, 0] = levels[1][0, 0] = 255
    labels = d.viewer.add_labels(levels, multiscale=True)
    d.controller.set_output(labels)
    committed(d)
    assert [level.dtype for level in labels.data] == [np.uint16] * 2
    assert labels.data[0][40, 50] == 256
    assert labels.data[0][0, 0] == 255
    is_whole(labels)


# --- large objects -----------------------------------------------------------------


def test_a_large_object_is_one_step(desk, image, large_objects) -> None:
    d = desk(image)
    d.ready()
    d.click(40, 50)
    mask = d.controller.editor.draft().answer.mask()
    committed(d)
    labels = d.controller.target.labels
    np.testing.assert_array_equal(labels.data == 1, mask)
    d.controller.undo()
    assert not labels.data.any()
    assert len(d.points.data) == 1, "the prompts are back"
    d.controller.redo()
    np.testing.assert_array_equal(labels.data == 1, mask)


def test_undo_at_once_finishes_what_is_half_written(
    desk, image, large_objects, monkeypatch
) -> None:
    monkeypatch.setattr("napari_sam21.control.turns.TURN_SECONDS", 0.0)
    monkeypatch.setattr("napari_sam21.layers.label_array.STRIPE_PIXELS", 20)
    d = desk(image)
    d.ready()
    d.click(40, 50)
    mask = d.controller.editor.draft().answer.mask()
    d.controller.commit()
    d.host.until(lambda: d.controller.commits.busy)
    labels = d.controller.target.labels
    assert 0 < (labels.data == 1).sum() < mask.sum()
    d.controller.undo()
    d.controller.redo()
    d.controller.commits.finish()
    np.testing.assert_array_equal(labels.data == 1, mask)
    d.controller.undo()
    d.controller.close()
    assert not labels.data.any()


def test_brush_strokes_on_a_large_object_count(desk, image, large_objects) -> None:
    d = desk(image)
    d.ready()
    d.click(40, 50)
    d.preview.data_setitem((np.array([100]), np.array([10])), 1)
    committed(d)
    assert d.controller.target.labels.data[100, 10] == 1


class FullDisk:
    """An array on a disk that gets full while it is written."""

    shape, dtype, ndim = (120, 200), np.dtype(np.uint16), 2

    def __init__(self) -> None:
        self.pixels, self.room = np.zeros(self.shape, self.dtype), 3

    def __getitem__(self, key):
        return self.pixels[key]

    def __setitem__(self, key, values) -> None:
        if self.room == 0:
            raise OSError(28, "No space left on device")
        self.room -= 1
        self.pixels[key] = values


def test_a_full_disk_is_told_and_can_be_undone(
    desk, image, large_objects, monkeypatch
) -> None:
    monkeypatch.setattr("napari_sam21.layers.label_array.STRIPE_PIXELS", 20)
    d = desk(image)
    array = FullDisk()
    labels = d.viewer.add_labels(array)
    d.controller.set_output(labels)
    d.ready()
    d.click(40, 50)
    committed(d)
    assert "No space left" in d.status
    assert array.pixels.any()
    array.room = 1000
    d.controller.undo()
    d.controller.commits.finish()
    assert not array.pixels.any()


# --- files -------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".ome.tif", ".ome.zarr"])
@pytest.mark.parametrize("many", [False, True], ids=["one level", "pyramid"])
def test_saved_and_opened_again(desk, image, many, suffix, tmp_path, request) -> None:
    if many:
        request.getfixturevalue("small_texture")
    d = desk(image, scale=(0.5, 0.25), units=("um", "um"))
    d.ready()
    d.click(20, 12)
    path = tmp_path / f"saved{suffix}"
    d.host.answers = ["yes"] * many
    committed(d)
    d.host.answers = [path]
    d.controller.save_labels()
    d.host.until(lambda: "is saved" in d.status)
    labels = d.controller.target.labels
    found = open_labels(path)
    assert found.multiscale == many
    for ours, theirs in zip(
        LabelArray.of(labels).levels, LabelArray.of(found).levels, strict=True
    ):
        np.testing.assert_array_equal(np.asarray(theirs[:]), ours)
        assert theirs.dtype == ours.dtype
    np.testing.assert_allclose(found.scale, labels.scale)
    assert found.units == labels.units
    d.viewer.layers.remove(labels)
    d.viewer.add_layer(found)
    d.controller.set_output(found)
    d.click(20, 37)
    committed(d)
    assert int(np.max(LabelArray.of(found).levels[0][:])) == 2


def test_labels_of_a_file_persist(desk, image, tmp_path) -> None:
    path = tmp_path / "labels.zarr"
    array = zarr.create_array(path, shape=image.shape, chunks=(32, 32), dtype="uint16")
    d = desk(image)
    labels = d.viewer.add_labels(array)
    d.controller.set_output(labels)
    d.ready()
    d.click(40, 50)
    mask = d.controller.editor.draft().answer.mask()
    committed(d)
    code = f"import zarr; print((zarr.open_array({str(path)!r})[:] == 1).sum())"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert int(said.stdout) == mask.sum()


def test_nothing_to_save_yet(desk, image) -> None:
    d = desk(image)
    d.controller.save_labels()
    assert "no labels to save" in d.status


@pytest.mark.parametrize("where", ["memory", "file"])
@pytest.mark.parametrize(
    "many",
    [False, pytest.param(True, marks=NEEDS_LEVELS)],
    ids=["one level", "pyramid"],
)
def test_dask_labels_are_copied_where_the_user_wants(
    desk, image, where, many, tmp_path
) -> None:
    source = np.zeros(image.shape, np.uint16)
    source[100, 10] = 7
    levels = [da.from_array(source[::f, ::f], chunks=50) for f in (1, 2)]
    d = desk(image)
    labels = d.viewer.add_labels(levels if many else levels[0], multiscale=many)
    folder = tmp_path / "copy.zarr"
    d.host.answers = [where, *([folder] if where == "file" else [])]
    d.controller.set_output(labels)
    assert "dask-backed" in d.host.asked[0]
    d.host.until(lambda: "holds a copy" in d.status)
    d.ready()
    d.click(40, 50)
    committed(d)
    finest = LabelArray.of(labels).levels[0]
    assert finest[100, 10] == 7
    assert finest[40, 50] == 8
    assert source.max() == 7, "the source is as it was"
    if where == "file":
        assert zarr.open_array(folder, path="0", mode="r")[40, 50] == 8


def test_dask_labels_stay_as_they_are_if_the_user_says_no(desk, image) -> None:
    labels_data = da.zeros(image.shape, dtype=np.uint16)
    d = desk(image)
    labels = d.viewer.add_labels(labels_data)
    d.controller.set_output(labels)
    d.host.turn()
    assert labels.data is labels_data
    d.ready()
    d.click(40, 50)
    d.controller.commit()
    assert "dask-backed" in d.status
    assert "pick it again" in d.status


@pytest.mark.parametrize("suffix", [".ome.tif", ".ome.zarr"])
def test_a_plane_above_the_texture_limit(suffix, tmp_path) -> None:
    """Nothing made smaller for the test: saved, opened again, equal at every level."""
    image = Image(np.broadcast_to(np.uint8(0), (16_500, 1_000)), name="strip")
    labels = making.make_labels(image)
    assert len(labels.data) == 5
    plane = Plane((0, 1), (), (16_500, 1_000))
    mask = np.random.default_rng(3).random((900, 700)) < 0.5
    write_object(labels, plane, mask, (15_600, 300), 60_000, "keep")
    is_whole(labels)
    path = save(results_of(labels), tmp_path / f"strip{suffix}")
    found = open_labels(path)
    for ours, theirs in zip(labels.data, found.data, strict=True):
        np.testing.assert_array_equal(theirs[:], ours)


def test_levels_are_not_replaced_where_napari_would_break_them(monkeypatch) -> None:
    monkeypatch.setattr(label_array, "version", lambda _: "0.6.6")
    levels = [np.zeros((20 // f, 30 // f), np.uint8) for f in (1, 2)]
    labels = Labels(levels, multiscale=True, name="mine")
    with pytest.raises(LayerError, match=r"'mine' has several .*update to napari 0\.8"):
        label_array.replace_levels(labels, levels)
    assert labels.data[0] is levels[0]
