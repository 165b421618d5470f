"""The table of formats, which the command line and the dock share."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from labelled import discs

from napari_sam21.core.errors import FileError
from napari_sam21.files import FORMATS, Results, open_image, save


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_known_by_its_suffix(tmp_path: Path, name: str) -> None:
    each = FORMATS[name]
    assert each.name == name
    path = tmp_path / f"cells{each.suffix}"
    assert save(Results.of(discs((60, 70))), path) == path
    assert path.exists()
    with pytest.raises(FileError, match="exists already"):
        save(Results.of(discs((60, 70))), path)


def test_a_format_may_be_named(tmp_path: Path) -> None:
    labels = discs((60, 70))
    save(Results.of(labels), tmp_path / "odd.tif", "ome-zarr")
    with open_image(tmp_path / "odd.tif") as image:
        assert np.array_equal(image.data[...], labels)


def test_unknown_formats(tmp_path: Path) -> None:
    results = Results.of(discs((60, 70)))
    with pytest.raises(FileError, match=r"does not say its format; end it in one of"):
        save(results, tmp_path / "a.doc")
    with pytest.raises(
        FileError, match=r"format 'doc' is unknown; use one of ome-tiff"
    ):
        save(results, tmp_path / "a.csv", "doc")


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are other there")
@pytest.mark.skipif(
    getattr(os, "geteuid", int)() == 0, reason="root may write anywhere"
)
@pytest.mark.parametrize("name", FORMATS)
def test_a_folder_that_cannot_be_written(tmp_path: Path, name: str) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(FileError, match="cannot write"):
            save(Results.of(discs((60, 70))), tmp_path / "a", name)
    finally:
        tmp_path.chmod(0o700)


FULL = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from napari_sam21.core.errors import FileError
from napari_sam21.files import FORMATS, Results, save

noise = np.random.default_rng(0).integers(0, 4, (120, 120)).astype(np.uint16)
folder = Path(sys.argv[1])
for name in FORMATS:
    save(Results.of(noise[:8, :8]), folder / name, name)
before = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))
for name in FORMATS:
    if name == "csv":
        noise = np.arange(14_400).reshape(120, 120) // 100
    try:
        save(Results.of(noise), folder / name, name, overwrite=True)
    except FileError as error:
        sys.stdout.write(f"{name}: {error}\\n")
after = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
sys.stdout.write(f"the same: {before == after}\\n")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="sizes are not limited there")
def test_a_full_disk_harms_no_earlier_file(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    *refused, last = done.stdout.splitlines()
    assert [line.split(":")[0] for line in refused] == list(FORMATS), done.stdout
    assert all("cannot write" in line for line in refused)
    assert last == "the same: True"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_a_folder_that_is_a_file(tmp_path: Path, name: str) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(FileError, match=r"cannot write .*; choose another place"):
        save(Results.of(discs((60, 70))), tmp_path / "taken" / "a", name)
