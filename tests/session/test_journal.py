"""A journal: every crash leaves a session that can be read, and replayed exactly."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_sam21.core.errors import SessionError
from napari_sam21.session.change import Change
from napari_sam21.session.identity import identify
from napari_sam21.session.journal import JOURNAL, Journal, is_open, read_session
from napari_sam21.session.lines import pack_change
from napari_sam21.session.replay import (
    CHANGED,
    THERE,
    WIDENED,
    blocks_there,
    changes,
    replay,
)
from napari_sam21.session.shelf import new_folder, sessions, tidy, unfinished

SHAPE = (4, 60, 80)


def header(shape: tuple[int, ...] = SHAPE, dtype: str = "uint16") -> dict:
    return {"labels": {"shape": list(shape), "dtype": dtype}}


def random_change(rng: np.random.Generator, labels: np.ndarray) -> Change:
    """An ellipse of a new value, done in the labels."""
    corner = tuple(int(rng.integers(0, max(1, size - 1))) for size in labels.shape)
    room = [min(20, s - c) for s, c in zip(labels.shape, corner, strict=True)]
    shape = (1, *room[1:])
    changed = rng.random(shape) < 0.6
    changed.flat[0] = True
    key = tuple(slice(c, c + n) for c, n in zip(corner, shape, strict=True))
    before = labels[key][changed]
    after = np.asarray(int(rng.integers(1, 300)))
    change = Change(corner, changed, before, after)
    change.do_in(labels)
    return change


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return new_folder(tmp_path / "sessions")


def test_labels_come_back_bit_for_bit(folder: Path) -> None:
    rng, labels = np.random.default_rng(1), np.zeros(SHAPE, np.uint16)
    journal = Journal(folder, header())
    for _ in range(30):
        journal.add(CHANGED, **pack_change(random_change(rng, labels)))
    journal.close()
    found = replay(read_session(folder))
    assert found.dtype == np.uint16
    assert np.array_equal(found, labels)


def test_what_was_there_may_be_noted_while_work_goes_on(folder: Path) -> None:
    """A block that is read late holds changes already; the end is the same."""
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 3, SHAPE).astype(np.uint16)
    journal = Journal(folder, header())
    blocks = blocks_there(labels)
    for _ in range(SHAPE[0]):
        journal.add(CHANGED, **pack_change(random_change(rng, labels)))
        journal.add(THERE, **next(blocks))
        journal.add(CHANGED, **pack_change(random_change(rng, labels)))
    assert next(blocks, None) is None
    journal.close()
    assert np.array_equal(replay(read_session(folder)), labels)


def test_a_wider_dtype_holds_from_its_record_on(folder: Path) -> None:
    journal = Journal(folder, header(dtype="uint8"))
    journal.add(WIDENED, dtype="uint16")
    one = np.ones((1, 1, 1), bool)
    change = Change((0, 0, 0), one, np.asarray(0), np.asarray(300))
    journal.add(CHANGED, **pack_change(change))
    journal.close()
    found = replay(read_session(folder))
    assert found.dtype == np.uint16
    assert found[0, 0, 0] == 300


def test_every_cut_leaves_the_changes_before_it(folder: Path, tmp_path: Path) -> None:
    rng, labels = np.random.default_rng(3), np.zeros((1, 9, 9), np.uint16)
    journal, states = Journal(folder, header((1, 9, 9))), [labels.copy()]
    for _ in range(4):
        journal.add(CHANGED, **pack_change(random_change(rng, labels)))
        states.append(labels.copy())
    journal.close()
    raw = (folder / JOURNAL).read_bytes()
    ends = [i + 1 for i, byte in enumerate(raw) if byte == ord("\n")]
    cut = tmp_path / "cut"
    cut.mkdir()
    for length in range(ends[0], len(raw) + 1, 7):
        (cut / JOURNAL).write_bytes(raw[:length])
        done = sum(1 for end in ends[1:] if end <= length)
        session = read_session(cut)
        assert sum(1 for _ in changes(session)) == done
        assert np.array_equal(replay(session), states[done])


def test_going_on_after_a_crash_does_not_join_two_lines(folder: Path) -> None:
    journal = Journal(folder, header())
    journal.add("prompts", marks=[])
    journal.close()
    path = folder / JOURNAL
    path.write_bytes(path.read_bytes()[:-4])
    again = Journal(folder)
    again.add("closed")
    again.close()
    session = read_session(folder)
    assert [each["kind"] for each in session.records] == ["closed"]
    assert session.damaged == 0


KILLED = """
import sys
import numpy as np
from pathlib import Path
from napari_sam21.session.journal import Journal
from napari_sam21.session.change import Change
from napari_sam21.session.lines import pack_change
journal = Journal(Path(sys.argv[1]), {"labels": {"shape": [50, 50], "dtype": "uint16"}})
for n in range(10**6):
    cell = (n // 50 % 50, n % 50)
    before, after = np.asarray(n // 2500), np.asarray(n // 2500 + 1)
    change = Change(cell, np.ones((1, 1), bool), before, after)
    journal.add("change", **pack_change(change))
    print(n, flush=True)
"""


def test_a_killed_process_loses_nothing_it_was_told_is_kept(folder: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    said = [int(child.stdout.readline()) for _ in range(40)]
    assert is_open(folder)
    os.kill(child.pid, signal.SIGKILL)
    rest = child.communicate()[0].split()
    kept = (said + [int(each) for each in rest])[-1] + 1
    session = read_session(folder)
    assert sum(1 for _ in changes(session)) >= kept
    assert replay(session).ravel()[:kept].all()
    assert not is_open(folder)
    Journal(folder).close()  # and it can be gone on with


def test_two_do_not_write_to_one_session(folder: Path) -> None:
    journal = Journal(folder, header())
    with pytest.raises(SessionError, match="open in another napari"):
        Journal(folder)
    journal.close()
    with pytest.raises(SessionError, match="not protected"):
        journal.add("closed")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SessionError, match="cannot be kept in .*not protected"):
        Journal(tmp_path / "file" / "session", header())


def test_sessions_are_private(folder: Path) -> None:
    Journal(folder, header()).close()
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("first", "word"),
    [
        (b"", "does not begin as a session"),
        (b"nonsense\n", "does not begin as a session"),
    ],
)
def test_what_is_no_session_is_refused(tmp_path: Path, first: bytes, word: str) -> None:
    (tmp_path / JOURNAL).write_bytes(first)
    with pytest.raises(SessionError, match=word):
        read_session(tmp_path)
    with pytest.raises(SessionError, match="holds no session"):
        read_session(tmp_path / "nowhere")


def test_a_change_outside_the_labels_is_refused(folder: Path) -> None:
    journal = Journal(folder, header((1, 5, 5)))
    outside = Change((0, 4, 4), np.ones((1, 2, 2), bool), np.asarray(0), np.asarray(1))
    journal.add(CHANGED, **pack_change(outside))
    journal.close()
    with pytest.raises(SessionError, match="lies outside"):
        replay(read_session(folder))


def test_only_what_was_not_closed_well_is_offered_again(tmp_path: Path) -> None:
    shelf, pixels = tmp_path / "sessions", np.arange(600).reshape(20, 30)
    image, other = identify(pixels, "a"), identify(pixels + 1, "a")
    assert identify(pixels.copy(), "renamed").is_that_of(image.in_json())
    told = {**header(), "image": image.in_json()}
    crashed = Journal(new_folder(shelf), told)
    crashed.add("prompts", marks=[[[1.0, 2.0], 1]])
    assert unfinished(shelf, image) == []  # it is open
    crashed.close()
    done = Journal(new_folder(shelf), told)
    done.add("change")
    done.add("saved", path="labels.tif")
    done.add("prompts", marks=[])
    done.close()
    Journal(new_folder(shelf), told).close()  # nothing happened in it
    assert [each.folder for each in unfinished(shelf, image)] == [crashed.folder]
    assert unfinished(shelf, other) == []


def test_old_sessions_go_and_open_ones_stay(tmp_path: Path) -> None:
    shelf, folders = tmp_path / "sessions", []
    opened = Journal(new_folder(shelf), header())
    os.utime(opened.folder / JOURNAL, (1, 1))
    for number in range(5):
        journal = Journal(new_folder(shelf), header())
        journal.close()
        os.utime(journal.folder / JOURNAL, (100 + number, 100 + number))
        folders.append(journal.folder)
    tidy(shelf, kept=2)
    left = {each.folder for each in sessions(shelf)}
    assert left == {opened.folder, *folders[-2:]}
    tidy(shelf, budget=0)
    assert [each.folder for each in sessions(shelf)] == [opened.folder]
    opened.close()


def test_what_is_safe_goes_before_what_is_not(tmp_path: Path) -> None:
    """However old it is: work that was not saved goes last."""
    shelf, picture = tmp_path / "sessions", tmp_path / "image.tif"
    picture.touch()
    made: dict[str, Path] = {}
    for number, (name, kinds, path) in enumerate(
        (
            ("unsaved and old", ["prompts"], picture),
            ("unsaved", ["prompts"], tmp_path / "gone.tif"),
            ("saved", ["prompts", "saved"], picture),
            ("saved, image gone", ["prompts", "saved"], tmp_path / "gone.tif"),
            ("saved and new", ["prompts", "saved"], picture),
        )
    ):
        told = {**header(), "image": {"name": name, "path": str(path)}}
        journal = Journal(new_folder(shelf), told)
        for kind in kinds:
            journal.add(
                kind, **({"marks": [[[1.0, 2.0], 1]]} if kind == "prompts" else {})
            )
        journal.close()
        os.utime(journal.folder / JOURNAL, (100 + number, 100 + number))
        made[name] = journal.folder
    order = [
        "saved, image gone",
        "saved",
        "saved and new",
        "unsaved and old",
        "unsaved",
    ]
    for kept in range(4, -1, -1):
        tidy(shelf, kept=kept)
        left = {each.folder for each in sessions(shelf)}
        assert left == {made[name] for name in order[5 - kept :]}
