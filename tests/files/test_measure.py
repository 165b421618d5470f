"""The object table, in memory and as CSV."""

from __future__ import annotations

from pathlib import Path

import dask.array
import numpy as np
import pandas as pd
import pytest
from labelled import discs

from napari_sam21._version import __version__
from napari_sam21.core.errors import FileError
from napari_sam21.files import Calibration, Note, Provenance, Results, measure, save_csv


def test_rows_are_of_objects_and_planes() -> None:
    labels = discs((2, 3, 60, 80))
    lazy = dask.array.from_array(labels, chunks=(1, 1, 40, 40))
    rows = list(measure(Results.of(lazy)))
    expected = [
        (index, number)
        for index in np.ndindex(2, 3)
        for number in np.unique(labels[index]).tolist()
        if number
    ]
    assert [(row.index, row.id) for row in rows] == expected
    for row in rows:
        mask = labels[row.index] == row.id
        assert row.area_px == mask.sum()
        np.testing.assert_allclose(row.centroid_rc, np.argwhere(mask).mean(axis=0))
        assert row.box_rc.height == np.ptp(np.nonzero(mask)[0]) + 1


def test_areas_in_world_units() -> None:
    labels = np.zeros((20, 20), np.uint8)
    labels[2:6, 3:8] = 3
    (row,) = measure(Results.of(labels, Calibration.of(2, (0.5, 0.25), "µm")))
    assert (row.area_px, row.area_world, row.area_unit) == (20, 2.5, "µm²")
    (row,) = measure(Results.of(labels))
    assert (row.area_world, row.area_unit) == (None, "")


def test_what_is_known_of_objects_joins_them() -> None:
    labels = np.zeros((2, 9, 9), np.uint8)
    labels[:, 2:4, 2:4] = 5
    notes = {5: Note("cell", 0.9, 3), (5, (1,)): Note("cell", 0.8)}
    first, second = measure(Results.of(labels, notes=notes))
    assert (first.class_name, first.predicted_iou, first.prompts) == ("cell", 0.9, 3)
    assert (second.predicted_iou, second.prompts) == (0.8, None)


def test_the_table_says_where_it_is_from(tmp_path: Path) -> None:
    labels = discs((3, 60, 80))
    about = Provenance("cells\n# 1", "starter", "sha256:abc", "CPUExecutionProvider")
    calibration = Calibration.of(3, (2, 0.5, 0.5), "µm")
    notes = {1: Note('a "#1", really', 0.91234567, 2)}
    results = Results.of(labels, calibration, about, notes)
    path = save_csv(results, tmp_path / "a.csv")
    head = [
        line for line in path.read_text("utf-8").splitlines() if line.startswith("#")
    ]
    assert head == [
        "# image: cells # 1",
        "# model: starter",
        "# model digest: sha256:abc",
        "# provider: CPUExecutionProvider",
        f"# napari-sam21: {__version__}",
        "# pixel size: z 2 µm, y 0.5 µm, x 0.5 µm",
    ]
    table = pd.read_csv(path, skiprows=len(head))
    rows = list(measure(results))
    assert table["id"].tolist() == [row.id for row in rows]
    assert table["slice_z"].tolist() == [row.index[0] for row in rows]
    assert table["area_px"].tolist() == [row.area_px for row in rows]
    assert table["area_world"].tolist() == [row.area_px / 4 for row in rows]
    assert set(table["area_unit"]) == {"µm²"}
    first = table[table["id"] == 1].iloc[0]
    assert first["class"] == 'a "#1", really'
    assert (first["predicted_iou"], first["prompts"]) == (0.9123, 2)
    assert table[table["id"] != 1]["predicted_iou"].isna().all()


def test_a_table_of_nothing_has_its_columns(tmp_path: Path) -> None:
    path = save_csv(Results.of(np.zeros((9, 9), int)), tmp_path / "a.csv")
    table = pd.read_csv(path, comment="#")
    assert len(table) == 0
    assert list(table)[:3] == ["id", "class", "area_px"]


@pytest.mark.parametrize("labels", [np.zeros((9, 9)), np.zeros(9, int), [], ["x"]])
def test_what_cannot_be_labels(labels: object) -> None:
    with pytest.raises((FileError, AttributeError), match=r"labels|dtype"):
        Results.of(labels)  # type: ignore[arg-type]


def test_a_calibration_of_other_axes() -> None:
    with pytest.raises(FileError, match="have 2 axes, the calibration has 3"):
        Results.of(np.zeros((9, 9), int), Calibration.of(3))
