"""The command line, run as a user runs it: a process with arguments."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from typer.testing import CliRunner

import napari_sam21
from napari_sam21 import demo, desktop, doctor, samples
from napari_sam21.cli import app
from napari_sam21.samples import targets

# Room enough that no message is broken into lines.
WIDE = {"COLUMNS": "300", "NO_COLOR": "1", "TERM": "dumb"}


def call(*arguments: str) -> Any:
    return CliRunner().invoke(app, arguments, env=WIDE)


@pytest.fixture(scope="module")
def result() -> demo.Result:
    return demo.run("fluorescence")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """Output and folder of one whole run without a terminal, as in a pipe."""
    folder = tmp_path_factory.mktemp("demo") / "new" / "folder"
    done = subprocess.run(
        [sys.executable, "-m", "napari_sam21.cli", "demo", "--out", str(folder)],
        env=os.environ | WIDE,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, folder


def test_import_loads_neither_napari_nor_qt() -> None:
    code = (
        "import sys, napari_sam21.cli, napari_sam21.demo, napari_sam21.doctor;"
        "print([m for m in sys.modules if m.split('.')[0] in "
        "('napari', 'qtpy', 'PyQt5', 'PyQt6', 'PySide2', 'PySide6', 'magicgui')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_version() -> None:
    done = call("--version")
    assert done.exit_code == 0
    assert done.output.strip() == f"napari-sam21 {napari_sam21.__version__}"


def test_demo_prints_a_row_for_each_cell_and_times(
    written: tuple[str, Path],
) -> None:
    output, _ = written
    rows = re.findall(
        r"^\W*(\d+) \W+(\d+) \W+(\d+) \W+[\d.]+ \W+([\d.]+)", output, re.M
    )
    assert len(rows) == targets.OBJECTS
    mean = float(re.search(r"mean.*?(\d\.\d\d)", output)[1])  # type: ignore[index]
    assert mean == pytest.approx(np.mean([float(row[3]) for row in rows]), abs=0.01)
    assert re.search(r"load [\d.]+ s, encode [\d.]+ s, decode \d+ ms", output)


def test_demo_writes_labels_of_the_image(written: tuple[str, Path]) -> None:
    _, folder = written
    labels = tifffile.imread(folder / "labels.tif")
    truth = samples.read_labels("fluorescence")
    assert labels.dtype == np.uint16
    assert labels.shape == truth.shape
    assert np.unique(labels).size - 1 == targets.OBJECTS
    found = np.unique(labels)[1:].tolist()
    # Each mask bears the number of the cell under it.
    assert [int(np.bincount(truth[labels == n]).argmax()) for n in found] == found


def test_demo_writes_a_picture_with_the_masks(written: tuple[str, Path]) -> None:
    _, folder = written
    pixels = np.asarray(Image.open(folder / "overlay.png")).astype(int)
    height, width = samples.read_image("fluorescence").shape
    assert pixels.shape[0] / height == pixels.shape[1] / width
    coloured = np.ptp(pixels, axis=2) > 20
    masks = tifffile.imread(folder / "labels.tif") > 0
    assert coloured.mean() == pytest.approx(masks.mean(), rel=0.2)


def test_demo_segments(result: demo.Result) -> None:
    assert result.mean_iou > 0.7
    assert result.labels.any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--image", "nothing"], "there is no sample 'nothing'"),
        (["--model", "nothing"], "'nothing' is neither the name of a model (starter"),
    ],
)
def test_user_errors_are_one_message(arguments: list[str], message: str) -> None:
    done = call("demo", "--no-gui", *arguments)
    assert done.exit_code == 1
    assert message in done.stderr
    assert "Traceback" not in done.output


def test_damaged_model_is_a_message(tmp_path: Path) -> None:
    for part in ("encoder", "decoder"):
        (tmp_path / f"{part}.onnx").write_bytes(b"not a graph")
    done = call("demo", "--no-gui", "--model", str(tmp_path))
    assert done.exit_code == 1
    assert "not an ONNX model or is damaged" in done.stderr


def test_model_may_be_a_path(tmp_path: Path) -> None:
    folder = Path(napari_sam21.__file__).parent / "models" / "starter"
    done = call("demo", "--no-gui", "--model", str(folder), "--out", str(tmp_path))
    assert done.exit_code == 0, done.output
    assert (tmp_path / "overlay.png").stat().st_size > 10_000


def test_out_that_is_a_file(tmp_path: Path) -> None:
    file = tmp_path / "taken"
    file.write_text("")
    done = call("demo", "--no-gui", "--out", str(file))
    assert done.exit_code == 1
    assert "choose another folder with --out" in done.stderr
    assert file.read_text() == ""


@pytest.mark.skipif(sys.platform != "linux", reason="others always have a display")
def test_window_without_a_display(
    result: demo.Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(napari_sam21.Sam21Error, match="--no-gui"):
        demo.open_napari(result)


@pytest.mark.usefixtures("qapp")
def test_window_without_a_binding(
    result: demo.Result, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desktop, "QT_BINDINGS", ("PyQt99",))
    with pytest.raises(napari_sam21.Sam21Error, match=r"napari-sam21\[gui\]"):
        demo.open_napari(result)


def test_targets_are_inside_their_cells() -> None:
    truth = samples.read_labels("histology")
    picked = targets.pick_targets(truth)
    assert len({target.label for target in picked}) == targets.OBJECTS
    for target in picked:
        row, column = map(int, target.point_rc)
        assert truth[row, column] == target.label
        assert (truth == target.label).sum() >= targets.MIN_AREA


def test_targets_are_at_most_the_cells() -> None:
    truth = np.zeros((40, 60), np.uint16)
    truth[3:13, 5:25] = 7
    truth[30:33, 30:33] = 9  # a speck
    truth[30:40, 40:50] = 11  # cut by the edge
    assert targets.pick_targets(truth) == [targets.Target(7, (7.0, 9.0))]


def test_innermost_counts_the_edge_as_outside() -> None:
    assert targets.innermost(np.ones((7, 5), bool)) == (2.0, 2.0)


def test_doctor_json_says_what_is_here() -> None:
    done = call("doctor", "--json")
    report = json.loads(done.output)
    assert done.exit_code == 0, done.output
    assert report["packages"]["numpy"] == np.__version__
    assert "CPUExecutionProvider" in report["providers"]
    assert {model["name"] for model in report["models"]} == set(napari_sam21.MODELS)
    starter = next(model for model in report["models"] if model["name"] == "starter")
    assert starter["state"] == "ready"
    assert report["self_test"]["passed"]


def test_doctor_tells_where_embeddings_are(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = places / "cache" / "embeddings"
    found = doctor.places()["embeddings in"]
    assert found.startswith(f"{folder} (0 kB of at most ")
    assert not folder.exists(), "the doctor only looks"
    monkeypatch.setenv("NAPARI_SAM21_CACHE", "off")
    assert "memory only (NAPARI_SAM21_CACHE=off)" in doctor.places()["embeddings in"]


def test_doctor_for_people() -> None:
    done = call("doctor")
    assert done.exit_code == 0, done.output
    for part in ("onnxruntime", "Qt binding", "model starter", "self-test", "passed"):
        assert part in done.output


def test_demo_opens_napari_with_the_dock(
    result: demo.Result,
    make_napari_viewer: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import napari

    viewer = make_napari_viewer()
    # The fixture's viewer, so that the test ends with every window closed.
    monkeypatch.setattr(napari, "Viewer", lambda: viewer)
    demo.open_napari(result, block=False)
    dock = viewer.window.dock_widgets["Click to segment (napari-sam21)"]
    assert type(dock).__name__ == "SamWidget"
    assert viewer.layers["fluorescence"].visible
    assert np.array_equal(viewer.layers["found by the demo"].data, result.labels)
