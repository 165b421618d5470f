"""``napari-sam21 replay``: labels from a journal alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from test_cli import call

from napari_sam21.session.change import Change
from napari_sam21.session.journal import JOURNAL, Journal
from napari_sam21.session.lines import pack_change


@pytest.fixture
def session(tmp_path: Path) -> Path:
    """Two objects, of which the second covers a corner of the first."""
    journal = Journal(
        tmp_path / "session",
        {"labels": {"shape": [40, 50], "dtype": "uint16"}, "image": {"name": "cells"}},
    )
    box = np.ones((10, 10), bool)
    for corner, value in (((5, 5), 1), ((12, 12), 2)):
        change = Change(corner, box, np.asarray(0), np.asarray(value))
        journal.add("change", **pack_change(change))
    journal.close()
    return journal.folder


def test_a_session_becomes_a_tiff(session: Path, tmp_path: Path) -> None:
    out = tmp_path / "labels.ome.tif"
    done = call("replay", str(session), str(out), "--json")
    assert done.exit_code == 0, done.output
    summary = json.loads(done.stdout)
    assert summary["objects"] == summary["changes"] == 2
    assert summary["image"] == "cells"
    labels = tifffile.imread(out)
    assert labels.dtype == np.uint16
    assert labels.shape == (40, 50)
    assert [np.count_nonzero(labels == n) for n in (1, 2)] == [91, 100]


def test_nothing_is_overwritten_unasked(session: Path, tmp_path: Path) -> None:
    out = tmp_path / "labels.ome.tif"
    out.write_text("precious")
    done = call("replay", str(session), str(out))
    assert done.exit_code == 2
    assert "--force" in done.stderr
    assert out.read_text() == "precious"
    assert call("replay", str(session), str(out), "--force").exit_code == 0
    assert tifffile.imread(out).any()


def test_a_damaged_session_says_so(session: Path) -> None:
    path = session / JOURNAL
    path.write_bytes(path.read_bytes()[:-30])
    done = call("replay", str(session))
    assert done.exit_code == 0
    assert "damaged lines  1" in done.stdout
    path.write_bytes(b"")
    done = call("replay", str(session))
    assert done.exit_code == 1
    assert "does not begin as a session" in done.stderr
