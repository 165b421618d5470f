"""Nothing is lost: strokes and napari's undo in one history, crashes, restoring."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import numpy as np
from desk import Desk
from owning import PATIENCE

from napari_sam21.control import recorder
from napari_sam21.core.automatic import Filters
from napari_sam21.core.background import flush_all
from napari_sam21.core.embedding import Answer
from napari_sam21.layers.look import session_looks
from napari_sam21.models.home import sessions_folder
from napari_sam21.session.journal import Session, read_session
from napari_sam21.session.replay import CHANGED, THERE, replay
from napari_sam21.session.shelf import sessions


def newest() -> Session:
    assert flush_all(), "the journal's thread is done"
    return read_session(sessions(sessions_folder())[0].folder)


def commit_at(d: Desk, row: int, column: int) -> np.ndarray:
    d.ready()
    d.click(row, column)
    return d.commit()


def labels_of(d: Desk):
    return d.controller.target.labels


# --- one history -----------------------------------------------------------------


def test_strokes_are_steps_of_the_history(desk, image) -> None:
    d = desk(image)
    committed = commit_at(d, 40, 50).copy()
    labels = labels_of(d)
    labels.paint((100, 150), 7)
    labels.paint((40, 50), 9)  # over the object
    painted = labels.data.copy()
    d.controller.undo()
    d.controller.undo()
    assert np.array_equal(labels.data, committed)
    d.controller.undo()
    assert not labels.data.any()
    for _ in range(3):
        d.controller.redo()
    assert np.array_equal(labels.data, painted)
    assert not d.controller.view().can_redo


def test_napari_undo_of_a_commit_is_followed(desk, image) -> None:
    d = desk(image)
    data = commit_at(d, 40, 50)
    committed, labels = data.copy(), labels_of(d)
    labels.undo()
    assert not data.any()
    view = d.controller.view()
    assert view.can_redo
    assert "taken out" in d.status
    assert len(d.points.data) == 1, "its prompt is back"
    d.controller.redo()
    assert np.array_equal(labels.data, committed)
    assert len(d.points.data) == 0
    labels.undo()
    labels.redo()
    assert np.array_equal(labels.data, committed)
    d.controller.undo()
    assert not labels.data.any()


def test_napari_undo_of_our_undo_does_it_again(desk, image) -> None:
    d = desk(image)
    committed = commit_at(d, 40, 50).copy()
    d.controller.undo()
    labels_of(d).undo()
    assert np.array_equal(labels_of(d).data, committed)
    assert not d.controller.view().can_redo
    d.controller.undo()
    assert not labels_of(d).data.any()


def test_a_stroke_on_another_image_s_labels_is_a_step_as_well(desk, image) -> None:
    d = desk(image, image[::-1].copy())
    commit_at(d, 40, 50)
    first = labels_of(d)
    d.controller.set_image(d.images[1])
    commit_at(d, 70, 60)
    labels_of(d).paint((5, 5), 4)
    d.controller.undo()
    d.controller.undo()
    assert not labels_of(d).data.any()
    assert first.data.any()
    d.controller.undo()  # the click on the second image
    d.controller.undo()
    assert not first.data.any()


def everything(d: Desk) -> None:
    many = d.controller.many
    many.filters = Filters(10, min_score=0.5, min_stability=0, max_share=0.2)
    many.everything()
    d.host.until(lambda: not many.running)


# --- the journal -----------------------------------------------------------------


def test_the_journal_holds_what_happened(desk, image) -> None:
    d = desk(image)
    commit_at(d, 40, 50)
    labels = labels_of(d)
    labels.paint((100, 150), 7)
    commit_at(d, 90, 150)
    labels.undo()
    session = newest()
    assert np.array_equal(replay(session), labels.data)
    causes = [each["cause"] for each in session.of_kind("change")]
    assert causes == ["commit", "stroke", "commit", "napari"]
    told = next(session.of_kind("change"))["object"]
    assert told["id"] == 1
    assert told["points_rc"] == [[40.0, 50.0]]
    assert len(told["scores"]) == 3
    assert session.header["image"]["shape"] == [120, 200]


def test_labels_that_were_there_are_in_the_journal(desk, image) -> None:
    d = desk(image)
    labels = d.viewer.add_labels(np.full((120, 200), 3, np.uint16), name="mine")
    d.controller.set_image(d.images[0])
    d.controller.set_output(labels)
    d.controller.commits.policy = "overwrite"
    commit_at(d, 40, 50)
    d.close()  # waits for what is being written
    assert np.array_equal(replay(newest()), labels.data)
    assert {3, 4} == set(np.unique(labels.data))


def test_a_dtype_that_was_widened_is_replayed(desk, image) -> None:
    d = desk(image)
    data = np.zeros((120, 200), np.uint8)
    data[0, 0] = 255
    labels = d.viewer.add_labels(data, name="mine")
    d.controller.set_image(d.images[0])
    d.controller.set_output(labels)
    commit_at(d, 40, 50)
    d.close()
    found = replay(newest())
    assert found.dtype == np.uint16
    assert np.array_equal(found, labels.data)
    assert found.max() == 256


def test_no_commit_waits_for_what_was_there_before(desk, image, monkeypatch) -> None:
    go = threading.Event()
    blocks = recorder.blocks_there

    def slow(data):
        assert go.wait(PATIENCE)
        return blocks(data)

    monkeypatch.setattr(recorder, "blocks_there", slow)
    d = desk(image)
    labels = d.viewer.add_labels(np.full((120, 200), 3, np.uint16), name="mine")
    labels.data[:60] = 0
    d.controller.set_output(labels)
    try:
        commit_at(d, 30, 50)
        d.host.until(lambda: any(sessions(sessions_folder())))
        read = partial(read_session, sessions(sessions_folder())[0].folder)
        d.host.until(lambda: any(read().of_kind(CHANGED)))
        assert not any(read().of_kind(THERE))
    finally:
        go.set()
    assert flush_all()
    assert np.array_equal(replay(read()), labels.data)


def test_the_mask_is_cut_out_before_the_commit(desk, image, monkeypatch) -> None:
    cut, crop = [], Answer.crop
    monkeypatch.setattr(Answer, "crop", lambda self: cut.append(self) or crop(self))
    d = desk(image)
    d.ready()
    d.click(40, 50)
    answer = d.controller.editor.draft().answer
    d.host.settle()
    assert cut == [answer]
    d.commit()
    assert cut == [answer], "it was kept"


def test_a_full_disk_ends_the_journal_and_nothing_else(desk, image) -> None:
    sessions_folder().parent.mkdir(parents=True, exist_ok=True)
    sessions_folder().write_text("in the way")
    d = desk(image)
    commit_at(d, 40, 50)
    assert labels_of(d).data.any()
    commit_at(d, 90, 150)
    assert set(np.unique(labels_of(d).data)) == {0, 1, 2}


KILLED = """
import hashlib, os, signal, sys
import numpy as np
sys.path.insert(0, {here!r})
from pathlib import Path
from desk import Desk
columns = np.arange(200, dtype=np.uint8) // 5
image = np.broadcast_to(columns, (120, 200)).copy()
desk = Desk(Path({model!r}), image)
for n in range(6):
    desk.ready()
    desk.click(15 + 15 * n, 20 + 25 * n)
    data = desk.commit()
    desk.controller.target.labels.paint((5, 5 + 9 * n), 50 + n)
    print(hashlib.sha256(data.tobytes()).hexdigest(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_napari_loses_no_label(tiny_folder: Path, places: Path) -> None:
    code = KILLED.format(here=str(Path(__file__).parent), model=str(tiny_folder))
    child = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, check=False
    )
    assert child.returncode == -signal.SIGKILL
    *_, last = child.stdout.split()
    shelf = places / "data" / "napari-sam21" / "sessions"
    assert flush_all(), "the journal's thread is done"
    found = replay(read_session(sessions(shelf)[0].folder))
    assert hashlib.sha256(found.tobytes()).hexdigest() == last
    assert set(np.unique(found)) == {0, 1, *range(50, 56)}


def test_the_journal_can_be_elsewhere_or_off(
    desk, image, monkeypatch, tmp_path
) -> None:
    monkeypatch.setenv("NAPARI_SAM21_SESSIONS", str(tmp_path / "mine"))
    commit_at(desk(image), 40, 50)
    assert len(sessions(tmp_path / "mine" / "sessions")) == 1
    monkeypatch.setenv("NAPARI_SAM21_SESSIONS", "off")
    d = desk(image)
    commit_at(d, 40, 50)
    d.close()
    assert sessions_folder() is None
    assert d.host.asked == []


# --- restoring -------------------------------------------------------------------


def test_work_that_was_left_is_offered_and_gone_on_with(desk, image) -> None:
    first = desk(image)
    commit_at(first, 40, 50)
    first.add(90, 150)
    left = labels_of(first).data.copy()
    first.close()
    second = desk(image.copy())
    second.host.answers = ["restore"]
    second.host.until(lambda: labels_of(second) is not None)
    assert "1 object" in second.host.asked[0]
    assert np.array_equal(labels_of(second).data, left)
    assert len(second.points.data) == 1, "what was not committed is there, too"
    second.ready()
    second.answered()
    data = second.commit()
    assert set(np.unique(data)) == {0, 1, 2}
    assert np.array_equal(replay(newest()), data)
    assert len(sessions(sessions_folder())) == 1, "it went on in the same session"


def test_work_may_be_left_for_later_or_deleted(desk, image) -> None:
    first = desk(image)
    commit_at(first, 40, 50)
    first.close()
    second = desk(image.copy())
    second.host.until(lambda: second.host.asked)
    second.host.turn()
    assert labels_of(second) is None
    second.close()
    third = desk(image.copy())
    third.host.answers = ["discard"]
    third.host.until(lambda: not sessions(sessions_folder()))
    third.close()
    fourth = desk(image.copy())
    fourth.ready()
    assert fourth.host.asked == []


def test_names_and_choices_come_back(desk, image) -> None:
    first = desk(image)
    first.controller.commits.policy = "overwrite"
    first.controller.set_field("whole")
    first.controller.set_look("stretched")
    commit_at(first, 40, 50)
    labels_of(first).name = "cells of Monday"
    commit_at(first, 90, 150)
    first.controller.commits.policy = "keep"  # after the last object
    first.close()
    session_looks.cache_clear()
    second = desk(image.copy())
    assert second.controller.editor.field.mode == "follow"
    second.host.answers = ["restore"]
    second.host.until(lambda: labels_of(second) is not None)
    assert labels_of(second).name == "cells of Monday"
    assert second.controller.commits.policy == "overwrite"
    assert second.controller.editor.field.mode == "whole"
    assert second.controller.editor.sight.mode == "stretched"


def test_other_images_and_saved_labels_are_not_asked_about(desk, image) -> None:
    first = desk(image)
    commit_at(first, 40, 50)
    other = desk(image[::-1].copy())
    commit_at(other, 40, 50)
    labels = labels_of(first)
    first.controller.files._saved(labels, Path("labels.tif"))
    first.close()
    again = desk(image.copy())
    commit_at(again, 40, 50)
    assert again.host.asked == []


def test_a_stroke_under_a_batch_is_taken_back_as_a_new_step(desk, image) -> None:
    """napari knows no batches: its undo goes to the stroke that lies under one."""
    d = desk(image)
    start = np.zeros(image.shape, np.uint16)
    labels = d.viewer.add_labels(start.copy(), name="mine")
    d.controller.set_output(labels)
    d.ready()
    labels.paint((40, 50), 5)
    d.controller.commits.policy = "overwrite"
    everything(d)
    d.controller.many.tray.accept()
    d.host.turn()
    labels.undo()
    end = labels.data.copy()
    while d.controller.view().can_undo:
        d.controller.undo()
    assert np.array_equal(labels.data, start)
    while d.controller.view().can_redo:
        d.controller.redo()
    assert np.array_equal(labels.data, end)
    assert np.array_equal(replay(newest()), end)
