"""The repository itself: what is shipped, and what must not be in it."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import napari_sam21

ROOT = Path(__file__).parents[1]
PACKAGE = Path(napari_sam21.__file__).parent
SHIPPED = (
    "napari.yaml",
    "icon.svg",
    "py.typed",
    "_version.py",
    "samples/fluorescence.png",
    "samples/fluorescence-labels.png",
    "samples/histology.png",
    "samples/histology-labels.png",
    "samples/brightfield.png",
    "samples/brightfield-labels.png",
    "models/starter/encoder.onnx",
    "models/starter/decoder.onnx",
    "models/starter/config.json",
)
# Spelled apart, so that this file is not among those it finds.
FORBIDDEN = {
    "registry": re.compile("|".join(("py" + r"pi\.org", "python" + r"hosted\.org"))),
    "machine path": re.compile(r"(?<![\w.])/(?:" + "work|root|home" + r")/\w"),
}

pytestmark = pytest.mark.skipif(
    not (ROOT / "pyproject.toml").is_file(), reason="not run from the repository"
)


def project_files() -> list[Path]:
    """Every text file that git keeps or would keep."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split("\0")
    paths = [ROOT / name for name in listed if name] or list(ROOT.glob("src/**/*.py"))
    binary = {".png", ".onnx", ".tif", ".npz", ".gif"}
    return [path for path in paths if path.is_file() and path.suffix not in binary]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built by the very backend that pip uses, with nothing fetched."""
    folder = tmp_path_factory.mktemp("wheel")
    build = "import sys, hatchling.build as b; print(b.build_wheel(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", build, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return zipfile.ZipFile(folder / done.stdout.split()[-1])


@pytest.mark.parametrize("file", SHIPPED)
def test_wheel_holds(wheel: zipfile.ZipFile, file: str) -> None:
    assert wheel.getinfo(f"napari_sam21/{file}").file_size > 0 or file == "py.typed"


def test_wheel_holds_nothing_else(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0].split("-")[0] for name in wheel.namelist()}
    assert tops == {"napari_sam21"}
    assert not [name for name in wheel.namelist() if "__pycache__" in name]


def test_embedded_model_stays_small(wheel: zipfile.ZipFile) -> None:
    sizes = [item.file_size for item in wheel.infolist() if "starter/" in item.filename]
    assert sum(sizes) <= 12_000_000


def test_wheel_metadata(wheel: zipfile.ZipFile) -> None:
    (name,) = [item for item in wheel.namelist() if item.endswith("/METADATA")]
    text = wheel.read(name).decode()
    assert "License-Expression: BSD-3-Clause" in text
    assert "Classifier: Framework :: napari" in text
    assert any("licenses/LICENSE" in item for item in wheel.namelist())


def test_root_manifest_is_a_relative_link() -> None:
    link = ROOT / "napari.yaml"
    if link.is_symlink():
        assert not link.readlink().is_absolute()
        assert link.samefile(PACKAGE / "napari.yaml")
    else:  # a checkout without links (Windows) writes the target's name
        assert link.read_text().strip() == "src/napari_sam21/napari.yaml"


def test_run_time_needs_no_torch_and_no_binding() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[\s<>=\[;]", each)[0] for each in project["dependencies"]}
    assert not names & {
        "torch",
        "PyQt5",
        "PyQt6",
        "PySide2",
        "PySide6",
        "opencv-python",
    }


@pytest.mark.parametrize("kind", sorted(FORBIDDEN))
def test_no_file_names_a(kind: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in project_files()
        for number, line in enumerate(
            path.read_text("utf-8", errors="replace").splitlines(), 1
        )
        if FORBIDDEN[kind].search(line)
    ]
    assert not found


def test_dev_is_a_plain_shell_script() -> None:
    if sys.platform == "win32":
        pytest.skip("no POSIX shell is promised here")
    for script, shell in (("dev", "sh"), (".ci/run", "bash")):
        assert (ROOT / script).stat().st_mode & 0o111
        subprocess.run([shell, "-n", str(ROOT / script)], check=True)
    unknown = subprocess.run(
        [ROOT / "dev", "nonsense"], capture_output=True, text=True, check=False
    )
    assert unknown.returncode != 0
    assert "no command nonsense" in unknown.stderr
