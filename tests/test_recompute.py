"""The model is asked again: the same questions have the same answers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from desk import Desk
from graphs import write_model
from typer.testing import CliRunner

from napari_sam21.cli import app
from napari_sam21.core.background import flush_all
from napari_sam21.core.errors import FileError, ModelError, SessionError
from napari_sam21.models.home import sessions_folder
from napari_sam21.recompute import recompute
from napari_sam21.session.journal import JOURNAL, Session, read_session
from napari_sam21.session.lines import from_line, to_line
from napari_sam21.session.shelf import sessions


def newest() -> Session:
    assert flush_all(), "the journal's thread is done"
    return read_session(sessions(sessions_folder())[0].folder)


def kept(image: np.ndarray, folder: Path) -> Path:
    path = folder / "image.npy"
    np.save(path, image)
    return path


@pytest.fixture
def worked(desk, image, tmp_path) -> tuple[Desk, Path]:
    """A session of every kind of object, and the file of its image."""
    d: Desk = desk(image)
    d.ready()
    d.click(40, 50)
    d.commit()
    d.click(85, 140)
    d.click(85, 160)  # with feedback
    d.controller.choose(2)
    d.click(70, 150, label=0)
    d.commit()
    d.images[0].contrast_limits = (10, 180)
    d.images[0].gamma = 0.7
    d.ready()
    d.click(20, 150)
    d.click(25, 155)
    d.controller.choose(0)
    d.commit()
    d.controller.set_look("stretched")
    d.ready()
    d.click(100, 20)
    d.commit()
    return d, kept(image, tmp_path)


def test_the_same_questions_have_the_same_answers(worked, tiny_folder) -> None:
    d, path = worked
    d.close()
    found = recompute(newest(), path, str(tiny_folder))
    assert [each.id for each in found.outcomes] == [1, 2, 3, 4]
    assert [each.prompts for each in found.outcomes] == [1, 3, 2, 1]
    assert found.ious == [1.0] * 4
    assert all(each.same_input for each in found.outcomes)
    assert found.warnings == ()
    assert found.others == 0


def test_rounds_are_told(worked) -> None:
    assert worked
    first, second, third, fourth = (
        each["object"] for each in newest().of_kind("change")
    )
    assert [each["points"] for each in second["rounds"]] == [1, 2, 3]
    assert [each["fed_back"] for each in second["rounds"]] == [False, True, True]
    assert second["rounds"][1]["choice"] == 2
    assert first["look"]["contrast_limits"] == [0.0, 255.0]
    assert third["look"]["contrast_limits"] == [10.0, 180.0]
    assert third["look"]["gamma"] == 0.7
    assert fourth["look"]["mode"] == "stretched"
    settings = {"policy": "keep", "kind": "new", "region": "follow", "look": "shown"}
    cleaning = {"largest_piece": False, "fill_holes": False}
    assert first["settings"] == settings | cleaning
    model = first["model"]
    assert first["embedding"].startswith(model["encoder"])
    assert len(model["decoder"]) == 64
    assert model["provider"] == "CPUExecutionProvider"


def test_what_was_taken_up_again_keeps_its_rounds(desk, image, tmp_path, tiny_folder):
    d = desk(image)
    d.ready()
    d.click(40, 50)
    d.click(42, 60)
    d.commit()
    d.viewer.cursor.position = (40.0, 50.0)
    d.controller.take_up()
    d.host.turn()
    d.click(40, 44, label=0)
    d.commit()
    told = [each["object"] for each in newest().of_kind("change")]
    assert [each["points"] for each in told[-1]["rounds"]] == [1, 2, 3]
    assert told[1]["taken_from"] == [1]
    found = recompute(newest(), kept(image, tmp_path), str(tiny_folder))
    assert found.ious == [1.0, 1.0]
    assert found.others == 1


def test_a_cleaned_mask_is_cleaned_again(desk, image, tmp_path, tiny_folder) -> None:
    d = desk(image)
    d.controller.set_cleaning(True, True)
    d.ready()
    d.click(40, 50)
    d.commit()
    found = recompute(newest(), kept(image, tmp_path), str(tiny_folder))
    assert found.ious == [1.0]
    (told,) = (each["object"]["settings"] for each in newest().of_kind("change"))
    assert told["fill_holes"]


def test_what_began_with_a_mask_is_named(desk, image, tmp_path, tiny_folder) -> None:
    d = desk(image)
    cells = np.zeros(image.shape, np.uint16)
    cells[30:50, 40:62] = 9
    d.viewer.add_labels(cells, name="cellpose")
    d.controller.set_image(d.images[0])
    d.ready()
    d.viewer.cursor.position = (40.0, 50.0)
    d.controller.take_up()
    d.host.turn()
    d.answered()
    d.commit()
    (outcome,) = recompute(newest(), kept(image, tmp_path), str(tiny_folder)).outcomes
    assert outcome.iou is None
    assert "began with a mask" in outcome.note


def test_what_was_undone_is_left_out(worked, tiny_folder) -> None:
    d, path = worked
    d.controller.undo()
    d.controller.target.labels.undo()
    d.controller.redo()
    found = recompute(newest(), path, str(tiny_folder))
    assert [each.id for each in found.outcomes] == [1, 2, 3, 4]
    for _ in range(3):
        d.controller.undo()
    ids = [each.id for each in recompute(newest(), path, str(tiny_folder)).outcomes]
    assert ids == [1, 2]  # a commit, a click, a commit


def test_brushed_masks_and_neighbours_are_seen_through(
    desk, image, tmp_path, tiny_folder
) -> None:
    """Pixels that were kept from an object count neither then nor now."""
    d = desk(image)
    d.ready()
    d.click(40, 50)
    d.commit()
    d.click(40, 62)
    d.commit()
    d.click(90, 150)
    d.preview.paint((90, 150), 0)
    d.commit()
    first, second, third = recompute(
        newest(), kept(image, tmp_path), str(tiny_folder)
    ).outcomes
    assert (first.iou, second.iou) == (1.0, 1.0)
    assert third.iou is not None
    assert 0.1 < third.iou < 0.9
    assert third.note == "brushed by hand"


def test_another_model_is_asked_only_by_name(worked, tmp_path, tiny_folder) -> None:
    _, path = worked
    other = write_model(tmp_path / "other", seed=5)
    found = recompute(newest(), path, str(other))
    assert len(found.ious) == 4
    assert "is not the model that was asked ('tiny')" in found.warnings[0]
    found = recompute(newest(), path)
    assert found.ious == []
    assert "tiny" in found.outcomes[0].note
    with pytest.raises(ModelError):
        recompute(newest(), path, "no-such-model")


def test_the_image_must_be_there_and_the_right_one(worked, image, tmp_path) -> None:
    _, path = worked
    with pytest.raises(FileError, match="does not tell which file"):
        recompute(newest())
    with pytest.raises(FileError, match="is not at"):
        recompute(newest(), tmp_path / "nowhere.npy")
    np.save(path, image[::-1])
    with pytest.raises(SessionError, match="holds another image"):
        recompute(newest(), path)


def test_slices_and_another_byte_order(desk, tmp_path, tiny_folder) -> None:
    stack = np.random.default_rng(4).integers(0, 4000, (3, 90, 110)).astype(np.uint16)
    d = desk(stack)
    for z in (0, 2):
        d.viewer.dims.set_point(0, z)
        d.ready()
        d.click(z, 30, 40 + z)
        d.commit()
    path = kept(stack.astype(">u2"), tmp_path)
    found = recompute(newest(), path, str(tiny_folder))
    assert found.ious == [1.0, 1.0]
    assert all(each.same_input for each in found.outcomes)


def test_an_older_journal_is_told_why_not(worked, tiny_folder) -> None:
    d, path = worked
    d.close()
    folder = newest().folder
    old = []
    for line in (folder / JOURNAL).read_bytes().splitlines(keepends=True):
        record = from_line(line)
        for key in ("rounds", "look", "model", "settings", "made_by"):
            record.get("object", {}).pop(key, None)
        old.append(to_line(record))
    (folder / JOURNAL).write_bytes(b"".join(old))
    found = recompute(newest(), path, str(tiny_folder))
    assert found.ious == []
    assert "an older version wrote it" in found.outcomes[0].note


# --- the command -----------------------------------------------------------------


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["replay", *map(str, arguments)])
    return done.exit_code, done.output


def test_the_command_prints_a_table(worked, tiny_folder) -> None:
    _, path = worked
    where = newest().folder, "--recompute", "--image", path, "--model", tiny_folder
    code, said = run(*where)
    assert code == 0
    assert "4 of 4 objects recomputed" in said
    assert "1.0000 (mean), 1.0000 (median), 1.0000 (least)" in said
    code, said = run(*where, "--json")
    assert code == 0
    told = json.loads(said[said.index("{") :])["recompute"]
    assert told["mean_iou"] == told["min_iou"] == 1.0
    assert [each["id"] for each in told["per_object"]] == [1, 2, 3, 4]


def test_the_command_says_what_is_missing(worked, tmp_path) -> None:
    _, path = worked
    folder = newest().folder
    code, said = run(folder, "--recompute", "--image", tmp_path / "no.npy")
    assert code == 1
    assert "--image FILE" in said
    code, said = run(folder, "--recompute", "--image", path)
    assert code == 1
    assert "0 of 4 objects recomputed" in said
    code, said = run(folder, "--image", path)
    assert code == 2
    assert "--recompute" in said
